/* What the files of common/authz share. */
#ifndef IAM_AUTHZ_INTERNAL_H
#define IAM_AUTHZ_INTERNAL_H

#include "common/authz/authz.h"

#define INSTANCE_ARN_MAX 512

struct authz {
	const struct snap_account *account;
	const struct snap_principal *principal;
	struct pol_source *sources;  /* identity first, then the boundary */
	struct pol_list identity, boundary;
	bool has_boundary;
	/* Of who asks: the user's, or of the role's session; NULL: a role by itself. */
	const char *arn, *user_id, *source_identity;
	struct buf session;          /* these of a session, with their NULs */
	struct pol_source session_policies[AUTHZ_SESSION_POLICIES_MAX];
	struct pol_list session_list;
	uint32_t tag_count;          /* of the principal, and of its session */
	struct snap_tag tags[2 * SNAP_TAGS_MAX];
	char instance[INSTANCE_ARN_MAX];
	struct buf tag_names;        /* "aws:PrincipalTag/K" with their NULs, end to end */
	struct buf resource_names;   /* likewise, of the attempt looked at last */
	struct buf request_names;
	struct authz_clock clock;
};

#define CONTEXT_FIXED_MAX 32
/* Tags of the principal with its session, of the resource, of the request. */
#define CONTEXT_KEYS_MAX (CONTEXT_FIXED_MAX + 4 * SNAP_TAGS_MAX)
#define CONTEXT_EXTRA_MAX 256

/* The condition keys of one request. Texts are borrowed from the attempt, the
 * principal and the account, or lie in text. About 40 KiB: on the heap. */
struct context {
	struct pol_key keys[CONTEXT_KEYS_MAX + CONTEXT_EXTRA_MAX];
	struct pol_value values[CONTEXT_KEYS_MAX];
	struct pol_value tag_keys[SNAP_TAGS_MAX];
	size_t count;
	char text[CONTEXT_FIXED_MAX][64];
	unsigned text_count;
};

/* prefix and the key of each tag, with their NULs, end to end. */
void name_tags(struct buf *b, const char *prefix, const struct snap_tag *tags,
    uint32_t count);
/* Every key that the attempt knows; extra (may be NULL) replaces and adds. */
int context_fill(struct context *c, struct authz *a,
    const struct authz_attempt *at, const struct authz_extra *extra);

#endif
