/* Findings about a policy in the shape of Access Analyzer's ValidatePolicy. */
#ifndef IAM_IAMCTL_FINDINGS_H
#define IAM_IAMCTL_FINDINGS_H

#include <jansson.h>

#include "common/policy/policy.h"

/*
 * An array of ValidatePolicyFinding; new, NULL when memory is short. text is
 * the document. Lines count from 1, columns and offsets (in characters) from 0.
 * Source: IAM Access Analyzer API reference, ValidatePolicyFinding, Position.
 */
json_t *findings_shape(const char *text, const struct pol_findings *findings);

#endif
