/*
 * Whoever calls su has set the limits of its process. With few descriptors or no room
 * in files a guess would be judged and leave no event. So root's work gets room for it,
 * or nothing is judged. The limits are the caller's own again afterwards: they are what
 * the session inherits.
 */
#include "common/base/base.h"
#include "pam_iam/module.h"

#include <security/pam_ext.h>
#include <syslog.h>

static const struct {
	int resource;
	rlim_t enough;
} wanted[LIMITS] = {
	{ RLIMIT_FSIZE, (rlim_t)1 << 30 },
	{ RLIMIT_NOFILE, 64 }, /* more than a phase and su have open at once */
};

/* In some containers root may raise no hard limit. false: too little. */
static bool
lift(int resource, rlim_t enough, struct rlimit *before, bool *ret_lifted)
{
	struct rlimit more;

	if (getrlimit(resource, before) != 0)
		return false;
	if (before->rlim_cur >= enough)
		return true;
	more.rlim_cur = enough;
	more.rlim_max = before->rlim_max > enough ? before->rlim_max : enough;
	*ret_lifted = setrlimit(resource, &more) == 0;
	return *ret_lifted;
}

void
limits_lift(struct limits *l, uid_t real_uid, uid_t effective_uid)
{
	size_t i;

	*l = (struct limits){ 0 };
	if (effective_uid != 0 || real_uid == 0)
		return;
	for (i = 0; i < LIMITS; i++)
		l->cramped |= !lift(wanted[i].resource, wanted[i].enough,
		    &l->before[i], &l->lifted[i]);
}

void
limits_restore(const struct limits *l)
{
	size_t i;

	for (i = 0; i < LIMITS; i++)
		if (l->lifted[i])
			(void)setrlimit(wanted[i].resource, &l->before[i]);
}

int
phase_has_room(const struct phase *ph)
{
	if (!ph->limits.cramped)
		return PAM_SUCCESS;
	pam_syslog(ph->pamh, LOG_WARNING, "uid %u has set limits that leave no room for an"
	    " audit event (RLIMIT_FSIZE, RLIMIT_NOFILE)", (unsigned)ph->facts.caller_uid);
	return PAM_SYSTEM_ERR;
}
