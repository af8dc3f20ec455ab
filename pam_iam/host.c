/* The places of a real host. */
#include "common/base/base.h"
#include "pam_iam/internal.h"

#include <grp.h>

/* The group of /run/iam; "leave it alone" when the package's group is gone. */
static gid_t
gid_by_name(void)
{
	struct group gr, *hit = NULL;
	char room[4096];

	if (getgrnam_r(IAM_AUTH_GROUP, &gr, room, sizeof(room), &hit) != 0 ||
	    hit == NULL)
		return (gid_t)-1;
	return gr.gr_gid;
}

gid_t
flow_auth_gid(const struct flow_host *host, const struct snap *snap)
{
	struct snap_info info = { 0 };

	if (host->auth_gid != FLOW_GID_UNKNOWN)
		return host->auth_gid;
	if (snap != NULL)
		snap_info(snap, &info);
	/* Published by a host without the group, it is root's. */
	return info.gid != 0 ? info.gid : gid_by_name();
}

void
flow_host_init(struct flow_host *host)
{
	*host = (struct flow_host){
		.host_file = IAM_PATH_HOST,
		.settings_file = IAM_PATH_SETTINGS,
		.private_snapshot = IAM_PATH_PRIVATE,
		.governed = IAM_PATH_GOVERNED,
		.passwd = IAM_PATH_PASSWD,
		.seal_key = IAM_PATH_SEAL_KEY,
		.run = IAM_PATH_RUN,
		.logins = IAM_PATH_LOGINS,
		.trail = IAM_PATH_TRAIL,
		.spool = IAM_PATH_RUN "/spool",
		.auth_gid = FLOW_GID_UNKNOWN,
		.uid_of = identify_uid_of,
		.name_of = identify_name_of,
	};
}
