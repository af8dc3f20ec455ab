/*
 * The week view: when in a week do a user's policies let her in? (ShowAccess)
 *
 *     access.c       what is asked: whose policies, which host, which week
 *     access_week.c  every second of the week, by the evaluator of logins
 *     access_text.c  drawn for a terminal, a pipe, a colour-blind person
 *     access_svg.c   drawn for a page, light and dark
 *
 * The drawings take the JSON answer and nothing else.
 */
#ifndef IAM_IAMCTL_ACCESS_H
#define IAM_IAMCTL_ACCESS_H

#include "common/base/tz.h"
#include "iamctl/simulate.h"

/* How a login would be proved. ACCESS_KEY: an SSH key and nothing else; then
 * aws:MultiFactorAuthPresent is absent. */
enum access_proof { ACCESS_PASSWORD, ACCESS_CODE, ACCESS_KEY, ACCESS_PROOFS };

struct access_ask {
	struct op_call *c;
	struct authz *authz;
	const struct authz_attempt *attempt; /* time and proof are filled in */
	const struct authz_extra *extra;
	const struct tz *zone;   /* whose days and hours are drawn */
	int64_t monday;          /* days since 1970-01-01 */
	bool key_too;            /* is ACCESS_KEY another way in? */
};

/* Put Days, Reasons and MissingContextValues into the call's answer, and add to
 * its Notes. */
int access_week(const struct access_ask *ask);

/* The states of a time span. */
#define ACCESS_IN "allowed"                 /* with a code and without */
#define ACCESS_IN_CODE "allowedWithCode"    /* with a code only */
#define ACCESS_IN_PLAIN "allowedWithoutCode"/* only without: rare, and a mistake mostly */
#define ACCESS_OUT "denied"

/* The handler, and the row's show. */
int access_show(struct op_call *c);
void access_text(const json_t *in, const json_t *answer, const struct op_face *face,
    struct buf *ret);
/* A sentence, appended, where a login by SSH key and nothing else comes out
 * differently from one by password. */
void access_key_alone(const json_t *answer, struct buf *ret);
void access_svg(const json_t *answer, struct buf *ret);

/* "09:30" or "09:30:15" as seconds; 0 for anything else. For the drawings. */
int access_seconds(const char *clock);
/* "40 h", "2 h 5 min", "10 s" */
void access_duration(struct buf *b, long s);

#endif
