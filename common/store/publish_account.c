/* The account's record, which has the host's settings too. */
#include "common/base/base.h"

#include <string.h>

#include "common/store/password_policy.h"
#include "common/store/publish.h"

static void
fill_account(struct publish *p, const json_t *doc)
{
	struct snap_account *a = &p->account;
	const struct settings *s = &p->settings;
	struct password_policy policy;

	password_policy_of(doc, &policy);
	a->account_id = pub_json_str(doc, "AccountId");
	a->alias = pub_json_str(doc, "AccountAlias");
	a->region = p->host.region;
	a->hostname = p->host.hostname;
	a->id_min = s->id_min;
	a->id_max = s->id_max;
	a->mfa_when_enrolled = s->mfa_when_enrolled;
	a->mfa_memory_s = s->mfa_memory_s;
	a->self_enrolment = s->self_enrolment;
	a->enrolment_days = s->enrolment_days;
	a->throttle_free = s->throttle_free;
	a->throttle_max_s = s->throttle_max_s;
	a->source_free = s->source_free;
	a->password_warn_days = s->password_warn_days;
	a->create_home = s->create_home;
	a->home_umask = s->home_umask;
	a->users_may_change_password = policy.users_may_change;
	a->password_max_age_days = policy.max_age_days;
	a->password_hard_expiry = policy.hard_expiry;
	a->helper_group = s->helper_group;
	a->host_mark = p->host.mark;
	a->settings_mark = s->mark;
	a->host_tag_count = p->host.tag_count;
	memcpy(a->host_tags, p->host.tags, sizeof(a->host_tags));
	a->service_count = s->service_count;
	memcpy(a->services, s->services, sizeof(a->services));
	a->one_line_count = s->one_line_count;
	memcpy(a->one_line, s->one_line, sizeof(a->one_line));
}

/* What cannot be read is not passed over: a certificate that was revoked would be good. */
static int
fill_ssh_ca(struct publish *p, const json_t *doc)
{
	const json_t *ca = json_object_get(doc, "SSHCertificateAuthority"), *one;
	struct snap_account *a = &p->account;
	const char *serial;
	char *end;
	size_t i;

	a->ssh_ca = pub_json_str(ca, "Fingerprint");
	a->revoked_count = 0;
	json_array_foreach(json_object_get(ca, "Revoked"), i, one) {
		serial = pub_json_str(one, "Serial");
		if (a->revoked_count == SNAP_REVOKED_MAX || serial == NULL)
			return IAM_ERR_FORMAT;
		a->revoked[a->revoked_count++] = strtoull(serial, &end, 10);
		if (end == serial || *end != '\0')
			return IAM_ERR_FORMAT;
	}
	return 0;
}

int
pub_put_account(struct publish *p)
{
	json_t *doc = NULL;
	int r;

	if ((r = store_get(p->store, "account", &doc)) != 0)
		return r;
	fill_account(p, doc);
	p->adopted = json_incref(json_object_get(doc, "AdoptedUsers"));
	if (p->account.account_id == NULL) {
		iam_why_set(p->why, 0, 0, "the store has no account; run"
		    " 'iamctl init'");
		r = IAM_ERR_ABSENT;
	} else if ((r = fill_ssh_ca(p, doc)) != 0) {
		iam_why_set(p->why, 0, 0, "the account's document has a damaged list of"
		    " revoked SSH certificates");
	} else {
		snap_account_encode(&p->account, &p->record);
		r = pub_add(p, p->priv, SNAP_ACCOUNT, "account",
		    strlen("account"));
	}
	json_decref(doc);
	return r;
}
