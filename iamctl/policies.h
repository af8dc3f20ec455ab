/*
 * Managed policies and where they are in use: shared by the operations on
 * policies, users, groups and roles. Conventions as in util.h.
 */
#ifndef IAM_IAMCTL_POLICIES_H
#define IAM_IAMCTL_POLICIES_H

#include "common/policy/policy.h"
#include "iamctl/util.h"

#define AWS_POLICY_PREFIX "arn:aws:iam::aws:policy/"

/*
 * The document of a managed policy by its ARN, as docs/documents.md has it;
 * those that ship with the program (files) look alike, with one version. *ret
 * is new, NULL when there is none.
 */
int policy_find(struct op_call *c, const char *arn, json_t **ret);
/* The same; NoSuchEntity when there is none. */
int policy_get(struct op_call *c, const char *arn, json_t **ret);
/* One that may be changed: AccessDenied for those that ship. */
int policy_get_own(struct op_call *c, const char *arn, json_t **ret);
/* NoSuchEntity unless there is a managed policy of this ARN. */
int policy_attachable(struct op_call *c, const char *arn);
/* Names of the policies that ship, sorted; new. */
int policy_shipped(struct op_call *c, json_t **ret);

/* The version of a policy; borrowed, NULL when there is none. */
json_t *policy_version(const json_t *policy, const char *id);

/* How many documents have a policy attached, or as their boundary. */
struct policy_usage {
	uint64_t attached, boundary;
};
int policy_usage(struct op_call *c, const char *arn, struct policy_usage *ret);
/* AWS's shape. */
json_t *policy_shape(const json_t *policy, const struct policy_usage *usage,
    bool brief);
json_t *policy_version_shape(const json_t *policy, const json_t *version,
    bool document);
/* A policy's text as a JSON value, as the AWS CLI shows it. */
json_t *policy_json(const char *text);
/* {PolicyName, PolicyArn} */
json_t *policy_attached_shape(const char *arn);

/* Characters that count for a quota: all but white space. */
size_t policy_chars(const char *text);
/*
 * Check a document before it is saved: MalformedPolicyDocument with line,
 * column, path and text of the first errors, LimitExceeded for its size. what
 * names the policy in messages. Warnings go to the call's warnings.
 */
int policy_check(struct op_call *c, const char *what, const char *text,
    enum pol_kind kind, size_t max_chars);
/* What both ask of time zones (pol_limits). */
bool policy_zone_known(const char *name);
/* The same, with the compiled form appended to *ret. */
int policy_compile(struct op_call *c, const char *what, const char *text,
    enum pol_kind kind, size_t max_chars, struct buf *ret);

/* Handlers of the rows about policies of users, groups and roles
 * (entity_policy.c): the row's UserName, GroupName or RoleName says whose. */
int attach_policy(struct op_call *c);
int detach_policy(struct op_call *c);
int list_attached_policies(struct op_call *c);
int put_inline_policy(struct op_call *c);
int get_inline_policy(struct op_call *c);
int delete_inline_policy(struct op_call *c);
int list_inline_policies(struct op_call *c);

#endif
