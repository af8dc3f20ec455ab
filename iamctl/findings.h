/* Findings about a policy in the shape of Access Analyzer's ValidatePolicy. */
#ifndef IAM_IAMCTL_FINDINGS_H
#define IAM_IAMCTL_FINDINGS_H

#include <jansson.h>

#include "common/policy/policy.h"
#include "iamctl/op.h"

/*
 * An array of ValidatePolicyFinding; new, NULL when memory is short. text is
 * the document. Lines count from 1, columns and offsets (in characters) from 0.
 * Source: IAM Access Analyzer API reference, ValidatePolicyFinding, Position.
 */
json_t *findings_shape(const char *text, const struct pol_findings *findings);
/* ValidatePolicy's show: each finding with its line and a mark below the place. */
void findings_text(const json_t *in, const json_t *out, const struct op_face *face,
    struct buf *ret);

#endif
