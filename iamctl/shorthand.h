/*
 * The shorthand syntax of the AWS command line: Key=a,Value=b.
 *
 *     shorthand = pair *("," pair)
 *     pair      = key "=" ( list / object / word *("," word) )
 *     list      = "[" [value *("," value)] "]"     object = "{" pair *("," pair) "}"
 *     word      = quoted by ' or ", or plain, where \ takes the next character as it is
 *
 * A comma that is not followed by another "key=" makes the value a list. Keys
 * are letters, digits and -_.#/: at most 256 bytes. Source: AWS Command Line Interface User
 * Guide, "Using shorthand syntax"; awscli/shorthand.py. Pure.
 */
#ifndef IAM_IAMCTL_SHORTHAND_H
#define IAM_IAMCTL_SHORTHAND_H

#include <jansson.h>

#include "common/base/base.h"

#define SHORTHAND_DEPTH_MAX 16

/*
 * *ret is new: an object. IAM_ERR_FORMAT for a mistake, IAM_ERR_LIMIT for too
 * deep a nesting, IAM_ERR_MEMORY; why (may be NULL) says where: col counts bytes from 1.
 */
int shorthand_parse(const char *text, json_t **ret, struct iam_why *why);

#endif
