/*
 * Users and roles. Rules that this file keeps: a user is published whole or disabled, because a
 * decision without one of her policies, tags or devices is another decision;
 * and whatever reaches authorized_keys or passwd(5) lines was checked here,
 * whoever wrote the document.
 */
#include "common/base/base.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

#include "common/credential/credential.h"
#include "common/store/publish.h"

struct user {
	const char *key;
	const struct doc_value *doc;
	const char *name, *unix_name;
	uint32_t id;
	uint32_t claim;      /* the Unix name in p->names */
	bool role;           /* a role: the name is its RoleName */
	char *trust;         /* key of its trust policy; owned */
	bool adopted;        /* a local account: its passwd(5) entry stays its own */
	bool whole;          /* nothing of it had to be left out */
	struct pub_space *space;
};

static const char *
noun(const struct user *u)
{
	return u->role ? "role" : "user";
}

static int
not_whole(struct publish *p, struct user *u, const char *what)
{
	u->whole = false;
	return pub_warn(p, u->key, "disabled: %s", what);
}

/* ---- what a login decides by ---- */

static int
take_tags(struct publish *p, struct user *u)
{
	const struct doc_value *tags = doc_get(u->doc, "Tags"), *tag;
	struct snap_principal *to = &p->principal;

	if (doc_size(tags) > SNAP_TAGS_MAX)
		return not_whole(p, u, "more than 50 tags");
	doc_foreach(tag, tags) {
		struct snap_tag t = { pub_str(tag, "Key"), pub_str(tag, "Value") };

		if (t.key == NULL || t.value == NULL)
			return not_whole(p, u, "a tag without key or value");
		to->tags[to->tag_count++] = t;
	}
	return 0;
}

static uint32_t
algorithm(const struct doc_value *device)
{
	const char *name = pub_str(device, "Algorithm");

	if (name == NULL)
		return 0;
	return strcmp(name, "SHA1") == 0 ? SNAP_TOTP_SHA1 :
	    strcmp(name, "SHA256") == 0 ? SNAP_TOTP_SHA256 :
	    strcmp(name, "SHA512") == 0 ? SNAP_TOTP_SHA512 : 0;
}

static int64_t
number(const struct doc_value *doc, const char *name)
{
	return doc_integer(doc_get(doc, name));
}

/*
 * The codes that enabled it are used up: those of EnableStep and before. That
 * is the device's count, whose clock runs DriftSteps ahead of ours; here it is
 * the moment at which that step began by our clock.
 */
static uint64_t
enabled_s(const struct doc_value *device)
{
	int64_t step = number(device, "EnableStep");
	int64_t drift = number(device, "DriftSteps");
	int64_t period = number(device, "Period");

	if (step <= 0 || step > INT32_MAX || drift > step || drift < -INT32_MAX)
		return (uint64_t)pub_time(device, "EnableDate");
	return (uint64_t)((step - drift) * period);
}

/* false: something about it is odd, and nothing of it may be used. */
static bool
read_device(const struct doc_value *device, uint8_t seed[PUB_SEED_MAX],
    struct snap_device *ret)
{
	const char *sealed = pub_str(device, "SealedSeed");

	*ret = (struct snap_device){
		.serial = pub_str(device, "SerialNumber"),
		.alg = algorithm(device),
		.digits = (uint32_t)number(device, "Digits"),
		.period_s = (uint32_t)number(device, "Period"),
		.drift_steps = (int32_t)number(device, "DriftSteps"),
		.learnt_steps = (int32_t)number(device, "LearntDriftSteps"),
		.seed = seed,
	};
	if (ret->serial == NULL || ret->alg == 0 || sealed == NULL ||
	    (ret->digits != 6 && ret->digits != 8) ||
	    (ret->period_s != 30 && ret->period_s != 60) ||
	    ret->drift_steps != number(device, "DriftSteps") ||
	    ret->learnt_steps != number(device, "LearntDriftSteps"))
		return false;
	if (doc_get(device, "LearntDriftSteps") == NULL)
		ret->learnt_steps = ret->drift_steps;
	ret->enabled_s = enabled_s(device);
	return sodium_base642bin(seed, PUB_SEED_MAX, sealed, strlen(sealed), NULL,
	    &ret->seed_len, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    ret->seed_len > 0;
}

/* A device that is lost on the way would be a second factor that is not asked. */
static int
take_devices(struct publish *p, struct user *u)
{
	const struct doc_value *devices[SNAP_DEVICES_MAX];
	struct snap_principal *to = &p->principal;
	size_t count, i;
	int r;

	if ((r = pub_devices_of(p, u->name, SNAP_DEVICES_MAX, devices, &count)) != 0)
		return r;
	if (count > SNAP_DEVICES_MAX)
		return not_whole(p, u, "too many MFA devices");
	for (i = 0; i < count; i++) {
		if (!read_device(devices[i], u->space->seeds[i], &to->devices[i]))
			return not_whole(p, u, "an MFA device is damaged");
		to->device_count = (uint32_t)i + 1;
	}
	return 0;
}

/* Codes that are damaged open nothing: they may be left out. */
static int
take_recovery(struct publish *p, struct user *u)
{
	const struct doc_value *hash;
	struct snap_principal *to = &p->principal;
	size_t len;

	to->recovery = u->space->recovery;
	doc_foreach(hash, doc_get(doc_get(u->doc, "RecoveryCodes"), "Hashes")) {
		const char *text = doc_text(hash);

		if (to->recovery_count == SNAP_RECOVERY_MAX || text == NULL ||
		    sodium_base642bin(u->space->recovery + to->recovery_count *
		    SNAP_RECOVERY_HASH, SNAP_RECOVERY_HASH, text, strlen(text), NULL,
		    &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
		    len != SNAP_RECOVERY_HASH)
			return pub_warn(p, u->key, "recovery codes are left out: they"
			    " are damaged");
		to->recovery_count++;
	}
	return 0;
}

/* There is room. */
static void
add_policy(struct snap_principal *to, enum snap_layer layer, const char *key,
    const char *via)
{
	to->policies[to->policy_count++] = (struct snap_policy_ref){ layer, key,
		via };
}

static int
take_own_policies(struct publish *p, struct user *u)
{
	const char *key;
	uint32_t i;
	int r;

	if ((r = pub_policies_of(p, u->key, noun(u), u->name, u->doc,
	    &u->space->policies)) != 0)
		return r;
	if (u->space->policies.count > SNAP_POLICIES_MAX)
		return not_whole(p, u, "too many policies");
	key = buf_cstr(&u->space->policies.text);
	for (i = 0; i < u->space->policies.count; i++, key += strlen(key) + 1)
		add_policy(&p->principal, SNAP_LAYER_IDENTITY, key, noun(u));
	return 0;
}

/* The boundary's ARN stays in the document: its key needs no memory. */
static int
take_boundary(struct publish *p, struct user *u)
{
	const struct doc_value *boundary = doc_get(u->doc, "PermissionsBoundary");
	struct snap_principal *to = &p->principal;
	const char *arn = doc_text(boundary);
	int r;

	if (boundary == NULL)
		return 0;
	if (arn == NULL || to->policy_count == SNAP_POLICIES_MAX)
		return not_whole(p, u, "the permissions boundary is damaged");
	if ((r = pub_managed(p, u->key, arn)) != 0)
		return r;
	to->policies[to->policy_count++] = (struct snap_policy_ref){
	    SNAP_LAYER_BOUNDARY, arn, "boundary" };
	return 0;
}

/* What is not there or does not compile trusts nobody: authz finds it missing. */
static int
take_trust(struct publish *p, struct user *u)
{
	int r;

	if ((r = pub_trust(p, u->key, u->name, pub_str(u->doc,
	    "AssumeRolePolicyDocument"), &u->trust)) != 0)
		return r;
	if (p->principal.policy_count == SNAP_POLICIES_MAX)
		return not_whole(p, u, "too many policies");
	add_policy(&p->principal, SNAP_LAYER_TRUST, u->trust, "trust");
	return 0;
}

/* Which of its groups there are. */
static int
take_groups(struct publish *p, struct user *u)
{
	const struct doc_value *name;
	struct pub_group *g;
	int r;

	doc_foreach(name, doc_get(u->doc, "Groups")) {
		g = pub_group_of(p, name, &r);
		if (r == 0 && (g == NULL || g->gone))
			r = not_whole(p, u, "one of its groups does not exist");
		if (r != 0)
			return r;
		if (g != NULL)
			buf_u32(&u->space->groups, (uint32_t)(g - p->groups));
	}
	return u->space->groups.err;
}

/* References to the groups: what policies they have is their own record. */
static int
take_group_policies(struct publish *p, struct user *u)
{
	struct snap_principal *to = &p->principal;
	size_t n = to->policy_count;
	const struct pub_group *g;
	struct rd rd;
	int r = 0;

	rd_init(&rd, u->space->groups.p, u->space->groups.len);
	while (rd.len > 0 && r == 0) {
		g = &p->groups[rd_u32(&rd)];
		if (g->gone)
			continue;
		n += g->policies.count;
		if (n > SNAP_POLICIES_MAX || to->policy_count == SNAP_POLICIES_MAX)
			r = not_whole(p, u, "too many policies");
		else
			add_policy(to, SNAP_LAYER_GROUP, g->lower, "");
	}
	return r;
}

static int
take_policies(struct publish *p, struct user *u)
{
	int r;

	if ((r = take_own_policies(p, u)) != 0 ||
	    (u->role && (r = take_trust(p, u)) != 0) ||
	    (r = take_groups(p, u)) != 0 ||
	    (r = take_group_policies(p, u)) != 0)
		return r;
	return take_boundary(p, u);
}

/* Only what the parser found goes out: no options, no second line. What sshd is told and
 * what the policies know of a key go together. */
static int
take_ssh_key(struct publish *p, struct user *u, const struct doc_value *doc)
{
	const char *status = pub_str(doc, "Status"), *id = pub_str(doc, "SSHPublicKeyId");
	const char *body = pub_str(doc, "SSHPublicKeyBody");
	struct snap_principal *to = &p->principal;
	struct iam_why why = { 0 };
	struct ssh_key key;

	if (status == NULL || strcmp(status, "Active") != 0)
		return 0;
	if (id == NULL || body == NULL || ssh_key_parse(body, &key, &why) != 0)
		return pub_warn(p, u->key, "an SSH public key is left out: %s",
		    why.text[0] == '\0' ? "it is empty or has no id" : why.text);
	if (to->key_count == SNAP_USER_KEYS_MAX)
		return pub_warn(p, u->key, "an SSH public key is left out: there are"
		    " more than %d", SNAP_USER_KEYS_MAX);
	memcpy(u->space->fingerprints[to->key_count], key.fingerprint,
	    sizeof(key.fingerprint));
	to->keys[to->key_count] = (struct snap_ssh_key){ id,
		u->space->fingerprints[to->key_count], pub_time(doc, "UploadDate") };
	to->key_count++;
	buf_put(&u->space->key_lines, key.body, key.body_len);
	buf_putc(&u->space->key_lines, '\n');
	return u->space->key_lines.err;
}

static int
take_ssh_keys(struct publish *p, struct user *u)
{
	const struct doc_value *key;
	int r;

	doc_foreach(key, doc_get(u->doc, "SSHPublicKeys")) {
		if ((r = take_ssh_key(p, u, key)) != 0)
			return r;
	}
	return 0;
}

static void
take_plain(struct snap_principal *to, const struct user *u)
{
	to->tag_count = to->device_count = to->key_count = 0;
	to->recovery_count = to->policy_count = 0;
	to->uid = u->id;
	to->gid = u->adopted ? pub_id(u->doc, "Gid") : u->id;
	to->unix_name = u->unix_name;
	to->user_name = u->name;
	to->role = u->role;
	to->max_session_s = u->role ? pub_id(u->doc, "MaxSessionDuration") : 0;
	to->user_id = pub_str(u->doc, u->role ? "RoleId" : "UserId");
	to->arn = pub_str(u->doc, "Arn");
	to->home = pub_str(u->doc, "Home");
	to->shell = pub_str(u->doc, "Shell");
	to->created_s = pub_time(u->doc, "CreateDate");
	to->enrol_from_s = pub_time(u->doc, "MFAEnrolmentFrom");
	if (to->enrol_from_s < to->created_s)
		to->enrol_from_s = to->created_s;
	to->password_hash = NULL;
	to->password_reset_required = 0;
	to->password_changed_s = 0;
}

static int
take_credentials(struct publish *p, struct user *u)
{
	const struct doc_value *login = doc_get(u->doc, "LoginProfile");
	struct snap_principal *to = &p->principal;
	int r;

	to->password_hash = pub_str(login, "PasswordHash");
	to->password_reset_required =
	    doc_is_true(doc_get(login, "PasswordResetRequired"));
	to->password_changed_s = pub_time(login, doc_get(login,
	    "PasswordChanged") != NULL ? "PasswordChanged" : "CreateDate");
	if ((r = take_devices(p, u)) != 0 || (r = take_recovery(p, u)) != 0)
		return r;
	return take_ssh_keys(p, u);
}

static int
put_principal(struct publish *p, struct user *u)
{
	struct snap_principal *to = &p->principal;
	int r;

	take_plain(to, u);
	if ((r = take_tags(p, u)) != 0 ||
	    (!u->role && (r = take_credentials(p, u)) != 0) ||
	    (r = take_policies(p, u)) != 0)
		return r;
	to->enabled = u->whole && doc_is_true(doc_get(u->doc, "Enabled"));
	snap_principal_encode(to, &p->record);
	return pub_add(p, p->priv, SNAP_PRINCIPAL, u->unix_name,
	    strlen(u->unix_name));
}

/* ---- what the host is told ---- */

/* false: not fit for passwd(5). */
static bool
account_record(struct user *u)
{
	const char *gecos = pub_str(u->doc, "Gecos");
	struct snap_user record = {
		.uid = u->id,
		.gid = u->id,
		.name = u->unix_name,
		.gecos = gecos == NULL ? "" : gecos,
		.home = pub_str(u->doc, "Home"),
		.shell = pub_str(u->doc, "Shell"),
		.private_group = true,
	};

	if (record.home == NULL || record.shell == NULL)
		return false;
	snap_user_encode(&record, &u->space->account);
	return u->space->account.err != IAM_ERR_ARG;
}

static int
put_account(struct publish *p, const struct user *u)
{
	if (u->space->account.err != 0)
		return u->space->account.err;
	buf_put(&p->record, u->space->account.p, u->space->account.len);
	return pub_add_both(p, SNAP_USER_NAME, u->unix_name, SNAP_USER_UID, u->id);
}

/* false: it was there already. */
static bool
add_gid(struct user *u, uint32_t gid)
{
	struct buf *gids = &u->space->gids;
	uint32_t le = htole32(gid);
	size_t i;

	for (i = 0; i < gids->len; i += sizeof(le)) {
		if (memcmp(gids->p + i, &le, sizeof(le)) == 0)
			return false;
	}
	buf_put(gids, &le, sizeof(le));
	return true;
}

static int
put_memberships(struct publish *p, struct user *u)
{
	struct pub_group *g;
	struct rd rd;
	uint32_t k;
	int r;

	rd_init(&rd, u->space->groups.p, u->space->groups.len);
	while (rd.len > 0) {
		g = &p->groups[rd_u32(&rd)];
		if (g->served && add_gid(u, g->gid) &&
		    (r = pub_join(g, u->claim)) != 0)
			return r;
		for (k = 0; k < g->local_count; k++)
			add_gid(u, g->local_gids[k]);
	}
	if (u->space->gids.len == 0 && u->space->gids.err == 0)
		return 0;
	buf_put(&p->record, u->space->gids.p, u->space->gids.len);
	if (u->space->gids.err != 0)
		return u->space->gids.err;
	return pub_add(p, p->pub, SNAP_MEMBER_OF, u->unix_name,
	    strlen(u->unix_name));
}

static int
put_ssh_keys(struct publish *p, struct user *u)
{
	/* The account phase would deny a disabled user; she does not get there. */
	if (p->principal.enabled == 0 || u->space->key_lines.len == 0)
		return u->space->key_lines.err;
	buf_put(&p->record, u->space->key_lines.p, u->space->key_lines.len);
	return pub_add(p, p->pub, SNAP_SSH_KEYS, u->unix_name,
	    strlen(u->unix_name));
}

/* A range that is not ours to give, or somebody else's, is nobody's (S26). */
static int
put_subids(struct publish *p, const struct user *u)
{
	const struct snap_subids range = { .uid = u->id, .owner = u->unix_name,
		.start = pub_id(u->doc, "SubordinateIdStart"),
		.count = IAM_SUBID_COUNT };
	char start[SNAP_SUBIDS_KEY_MAX];
	bool ours;
	int r;

	if (doc_get(u->doc, "SubordinateIdStart") == NULL)
		return 0;
	if ((r = pub_claim_subids(p, u->key, range.start, &ours)) != 0 || !ours)
		return r;
	snap_subids_key(range.start, start);
	snap_subids_encode(&range, &p->record);
	r = pub_add(p, p->pub, SNAP_SUBIDS, u->unix_name, strlen(u->unix_name));
	if (r != 0)
		return r;
	snap_subids_encode(&range, &p->record);
	return pub_add(p, p->pub, SNAP_SUBIDS, start, strlen(start));
}

/* NULL: fit to be published. */
static const char *
unfit(struct user *u)
{
	if (u->name == NULL || !name_is_iam(u->name, 64) ||
	    pub_str(u->doc, u->role ? "RoleId" : "UserId") == NULL ||
	    pub_str(u->doc, "Arn") == NULL)
		return "its name, id or Arn is missing or no such thing";
	if (u->role && pub_id(u->doc, "MaxSessionDuration") == 0)
		return "MaxSessionDuration is missing or no such thing";
	if (u->adopted)
		return NULL;
	if (u->id != pub_id(u->doc, "Gid"))
		return "Uid and Gid differ: the private group has the user's id";
	if (!account_record(u))
		return "UnixName, Home, Shell or Gecos is not fit for passwd(5)";
	return NULL;
}

static int
claim(struct publish *p, struct user *u)
{
	if (!u->adopted)
		return pub_claim(p, u->key, u->unix_name, u->id, &u->claim);
	if (pub_id(u->doc, "Gid") == 0)
		return pub_warn(p, u->key, "left out: no local account that may be"
		    " adopted");
	return pub_claim_adopted(p, u->key, u->unix_name, u->id, &u->claim);
}

/* What a claim is worth, with everything that it has. */
static int
put_claimed(struct publish *p, struct user *u)
{
	const char *reason;
	int r;

	if ((reason = unfit(u)) != NULL)
		return pub_warn(p, u->key, "left out: %s", reason);
	/* The host knows a local account from its own files, groups included. */
	if ((r = put_principal(p, u)) == 0 && !u->adopted &&
	    (r = put_account(p, u)) == 0 && (r = put_subids(p, u)) == 0 &&
	    !u->role)
		r = put_memberships(p, u);
	if (r == 0 && !u->role && (r = put_ssh_keys(p, u)) == 0)
		r = pub_devices_done(p, u->name);
	return r;
}

static void
reset_space(struct pub_space *space)
{
	buf_reset(&space->policies.text);
	space->policies.count = 0;
	buf_reset(&space->groups);
	buf_reset(&space->account);
	buf_reset(&space->gids);
	buf_reset(&space->key_lines);
}

/* A user or a role. */
static int
put_all(struct publish *p, struct user *u)
{
	int r;

	reset_space(u->space);
	if ((r = claim(p, u)) == 0 && u->claim != 0)
		r = put_claimed(p, u);
	free(u->trust);
	return r;
}

void
pub_space_release(struct pub_space *space)
{
	buf_release(&space->policies.text);
	buf_release(&space->groups);
	buf_release(&space->account);
	buf_release(&space->gids);
	buf_release(&space->key_lines);
	explicit_bzero(space, sizeof(*space));
}

int
pub_user(struct publish *p, const char *key, const struct doc_value *doc)
{
	struct user u = {
		.key = key,
		.doc = doc,
		.name = pub_str(doc, "UserName"),
		.unix_name = pub_str(doc, "UnixName"),
		.id = pub_id(doc, "Uid"),
		.adopted = doc_is_true(doc_get(doc, "Adopted")),
		.whole = true,
		.space = &p->space,
	};

	return put_all(p, &u);
}

int
pub_role(struct publish *p, const char *key, const struct doc_value *doc)
{
	struct user u = {
		.key = key,
		.doc = doc,
		.role = true,
		.name = pub_str(doc, "RoleName"),
		.unix_name = pub_str(doc, "UnixName"),
		.id = pub_id(doc, "Uid"),
		.whole = true,
		.space = &p->space,
	};

	return put_all(p, &u);
}

static int
leave_groups(struct publish *p, const struct doc_value *doc,
    const char *unix_name)
{
	const struct doc_value *name;
	struct pub_group *g;
	int r;

	doc_foreach(name, doc_get(doc, "Groups")) {
		g = pub_group_of(p, name, &r);
		if (g == NULL && r != 0)
			return r;
		/* One that was odd may have been without it. */
		if (g == NULL)
			p->unsure = p->unsure || !pub_has_key(p->was_odd, p->current);
		else if (json_object_set_new(g->left, unix_name, json_true()) != 0)
			return IAM_ERR_MEMORY;
	}
	return 0;
}

/* Only what is hers there: another may have the range that her document says. */
static int
leave_subids(struct publish *p, const char *unix_name)
{
	struct snap_subids had;
	char key[SNAP_SUBIDS_KEY_MAX];
	bool found;
	int r;

	if ((r = snap_subids_by_owner(p->old_pub, unix_name, &found, &had)) != 0 ||
	    !found)
		return r;
	snap_subids_key(had.start, key);
	if (json_object_set_new(p->freed_ids, key + 1, json_true()) != 0)
		return IAM_ERR_MEMORY;
	if ((r = pub_remove(p->pub, SNAP_SUBIDS, unix_name)) != 0)
		return r;
	return pub_remove(p->pub, SNAP_SUBIDS, key);
}

/* name: of the document; the records that users and roles have in common. */
static int
remove_account(struct publish *p, const char *kind, const char *name,
    const struct doc_value *doc)
{
	const char *unix_name = pub_str(doc, "UnixName");
	char number[12];
	int r;

	if (unix_name == NULL || name == NULL) {
		p->unsure = true;
		return 0;
	}
	snprintf(number, sizeof(number), "%u", pub_id(doc, "Uid"));
	if (json_object_set_new(p->freed_names, unix_name, json_true()) != 0 ||
	    json_object_set_new(p->freed_ids, number, json_true()) != 0)
		return IAM_ERR_MEMORY;
	if ((r = pub_remove(p->priv, SNAP_PRINCIPAL, unix_name)) != 0 ||
	    (r = pub_remove(p->pub, SNAP_USER_NAME, unix_name)) != 0 ||
	    (r = leave_subids(p, unix_name)) != 0)
		return r;
	return pub_policies_remove(p, kind, name, doc);
}

int
pub_user_remove(struct publish *p, const struct doc_value *doc)
{
	const char *unix_name = pub_str(doc, "UnixName");
	int r;

	if ((r = remove_account(p, "user", pub_str(doc, "UserName"), doc)) != 0 ||
	    p->unsure || (r = pub_remove(p->pub, SNAP_SSH_KEYS, unix_name)) != 0)
		return r;
	return leave_groups(p, doc, unix_name);
}

int
pub_role_remove(struct publish *p, const struct doc_value *doc)
{
	const char *name = pub_str(doc, "RoleName");
	int r;

	if ((r = remove_account(p, "role", name, doc)) != 0 || p->unsure)
		return r;
	buf_reset(&p->text);
	buf_printf(&p->text, "trust/%s", name);
	return p->text.err != 0 ? p->text.err :
	    pub_remove(p->priv, SNAP_POLICY, buf_cstr(&p->text));
}
