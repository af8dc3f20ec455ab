#include "tests/policy/generate.h"

#include "common/base/base.h"

/* splitmix64 (public domain, Vigna) */
uint64_t
random_next(struct random *r)
{
	uint64_t z = (r->s += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static unsigned
below(struct random *r, unsigned n)
{
	return (unsigned)(random_next(r) % n);
}

static bool
chance(struct random *r, unsigned percent)
{
	return below(r, 100) < percent;
}

#define PICK(r, list) ((list)[below(r, (unsigned)IAM_COUNT(list))])

static json_t *
must(json_t *v)
{
	if (v == NULL)
		abort();
	return v;
}

/* A string of these bytes, UTF-8 or not. */
static json_t *
bytes(const char *p, size_t n)
{
	return must(json_stringn_nocheck(p, n));
}

static void
set(json_t *object, const char *key, json_t *v)
{
	if (json_object_set_new_nocheck(object, key, must(v)) != 0)
		abort();
}

static void
add(json_t *array, json_t *v)
{
	if (json_array_append_new(array, must(v)) != 0)
		abort();
}

/* ---- words ---- */

#define US "111122223333"
#define THEM "444455556666"

static const char *const principals[] = { "arn:aws:iam::" US ":user/alice",
	"arn:aws:iam::" US ":user/alice", "arn:aws:iam::" US ":user/eng/bob",
	"arn:aws:iam::" THEM ":user/alice", "arn:aws:sts::" US ":assumed-role/Ops/alice",
	"arn:aws:sts::" US ":assumed-role/Ops/s-1", "arn:aws:sts::" US ":assumed-role/Dev/s-1",
	"arn:aws:sts::" THEM ":assumed-role/Ops/s-1", "arn:aws:sts::" US ":federated-user/alice",
	"arn:aws:iam::" US ":root", "ec2.amazonaws.com" };

static const char *const trusted[] = { "*", US, THEM, "arn:aws:iam::" US ":root",
	"arn:aws:iam::" THEM ":root", "arn:aws:iam::" US ":user/alice",
	"arn:aws:iam::" US ":user/eng/bob", "arn:aws:iam::" US ":user/bob",
	"arn:aws:iam::" THEM ":user/alice", "arn:aws:iam::" US ":role/Ops",
	"arn:aws:iam::" US ":role/team/Ops", "arn:aws:iam::" THEM ":role/Ops",
	"arn:aws:iam::" US ":role/Op", "arn:aws:sts::" US ":assumed-role/Ops/alice",
	"arn:aws:sts::" US ":assumed-role/Ops/s-1", "arn:aws:sts::" US ":assumed-role/Dev/s-1",
	"arn:aws:sts::" US ":federated-user/alice" };

static const char *const actions[] = { "s3:GetObject", "s3:GetObjectAcl", "s3:PutObject",
	"host:Login", "host:RunCommand", "HOST:login", "sts:AssumeRole", "sts:assumerole" };
static const char *const action_patterns[] = { "*", "s3:*", "s3:Get*", "S3:g?tObject",
	"s3:*Object", "s3:GetObject", "host:*", "host:Login", "host:Lo?in", "sts:AssumeRole",
	"sts:*", "s3:?*t*t", "ec2:*", "host:Log", "s3:GetObject*", "s3:getobjectacl" };
static const char *const trust_patterns[] = { "*", "sts:*", "sts:AssumeRole",
	"STS:assumerole", "sts:Assume*", "sts:?*Rol?", "sts:TagSession" };

static const char *const resources[] = { "*", "arn:aws:s3:::box/alice",
	"arn:aws:s3:::box/alice/a/b", "arn:aws:s3:::box/*", "arn:aws:s3:::box/\xc3\xa9t\xc3\xa9",
	"arn:aws:s3:::box/\xe2\x82\xac", "arn:aws:s3:::box/a:b:c", "arn:aws:s3:::box/a\nb",
	"arn:aws:s3:::box/\xff", "arn:aws:host:eu-1:" US ":instance/web1",
	"arn:aws:host:eu-1:" THEM ":instance/web1", "arn:aws:iam::" US ":role/Ops",
	"arn:aws:host:eu-1:" US ":command/web1//usr/bin/systemctl", "arn:aws:s3:::box/${aws:username}" };

static const char *const words[] = { "a", "b", "ab", "abc", "alice", "Alice", "bob",
	"web1", "*", "?", "$", "a*", "a*c", "\xc3\xa9t\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x91",
	"x:y", "a\nb", "${aws:username}", "Ops", "5", "true", "", "aaaaaaaab", "tcp/22" };
static const char *const odd_words[] = { "\xff", "\xc3", "a\xe2\x82", "\xed\xa0\x80", "\xc0\x80" };

static const char *const numbers[] = { "0", "-0", "5", "5.0", "005", "+5", "-5", "4.999999999999",
	"5.000000000000000000001", "300", "9007199254740992", "9007199254740993", "0.5", "-0.50" };
static const char *const dates[] = { "2026-11-24T09:30:00Z", "2026-11-24T10:30:00+01:00",
	"1795512600", "2026-11-24", "2026-11", "2026", "2026-03-29T00:59:59Z",
	"2026-03-29T01:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z",
	"2026-11-27T22:00:00Z", "2026-11-28T05:59:59Z", "2026-11-28T06:00:00Z",
	"2026-11-24T09:30:00.5Z", "2026-11-24T09:30:00.500000000Z", "2026-11-24T09:30Z",
	"2024-02-29T23:59:59-12:00", "4102444800", "0", "-1", "-999", "99", "2100-01-01" };
static const char *const addresses[] = { "192.0.2.1", "192.0.2.200", "10.0.0.1",
	"255.255.255.255", "2001:db8::1", "2001:DB8:0:0:0:0:0:1", "2001:db8:8000::1",
	"::ffff:192.0.2.1", "::", "::1" };
static const char *const ranges[] = { "0.0.0.0/0", "192.0.2.0/24", "192.0.2.77/24",
	"192.0.2.0/25", "192.0.2.1/32", "192.0.2.0/31", "128.0.0.0/1", "10.0.0.1",
	"::/0", "2001:db8::/32", "2001:db8:8000::/33", "2001:db8::1", "::ffff:192.0.2.0/120",
	"::ffff:0:0/95", "::1/128" };
static const char *const arns[] = { "arn:aws:iam::" US ":user/alice",
	"arn:aws:iam::" US ":role/Ops", "arn:aws:sns:eu-1:" US ":topic:a:b", "arn:aws:s3:::box",
	"arn:aws:s3:::", "arn:aws:iam::" THEM ":user/alice", "arn:aws:s3:::a\xc3\xa9" };
static const char *const arn_patterns[] = { "*", "arn:aws:iam::" US ":user/*", "arn:*:*:*:*:*",
	"arn:aws:iam::*:user/alice", "arn:aws:iam::*:*", "arn:aws:s3:::*", "arn:aws:s3:::box",
	"arn:aws:sns:*:*:topic:*", "arn:aws:iam::" US ":role/?ps", "arn:aws:*:::a?",
	"arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}",
	"arn:aws:iam::" US ":user/${aws:username, 'al:ice'}", "arn:aws:${host:Service}:::box",
	"arn:aws:s3:::${aws:username}", "arn:aws:iam::" US ":${aws:PrincipalTag/t}/alice" };
static const char *const truths[] = { "true", "false" };
static const char *const binaries[] = { "YQ==", "YWI=", "YWJj", "AP8=", "", "YWJjZA==" };
static const char *const malformed[] = { "12abc", "5,000", "0x10", ".5", "5.", "tomorrow",
	"2026-02-29", "2026-11-24T10:00:00", "2026-11-24T24:00:00Z", "TRUE", "1", "YQ", "YR==",
	"192.0.2", "192.0.2.1/24", "fe80::1%eth0", "web1", "arn:aws:s3", "", " 5", "5 ", "1e3" };
static const char *const zones[] = { "", "", " UTC", " Europe/Berlin", " Australia/Lord_Howe",
	" Asia/Kathmandu", " America/St_Johns", " Mars/Phobos", " Africa/Casablanca" };
static const char *const days[] = { "", "Tue ", "Mon-Fri ", "Fri ", "Sat,Sun ", "Fri-Mon ",
	"Sun,Tue-Wed " };
static const char *const times[] = { "09:00-17:00", "09:30-09:31", "22:00-06:00", "00:00-24:00",
	"17:00-24:00", "23:59-00:00", "06:00-00:01", "01:30-02:30" };

enum kind { STRING, NUMBER, DATE, ADDRESS, ARN, TRUTH, BINARY, KINDS };

static const struct {
	const char *name;
	enum kind kind;
	bool several; /* refused without a qualifier */
} keys[] = {
	{ "aws:username", STRING, false }, { "aws:PrincipalTag/t", STRING, false },
	{ "aws:PrincipalTag/cost center", STRING, false }, { "aws:RequestTag/\xc3\xa9", STRING, false },
	{ "host:Service", STRING, false }, { "aws:PrincipalAccount", STRING, false },
	{ "aws:TagKeys", STRING, true }, { "aws:CalledVia", STRING, true },
	{ "aws:MultiFactorAuthAge", NUMBER, false }, { "aws:PrincipalTag/level", NUMBER, false },
	{ "aws:CurrentTime", DATE, false }, { "aws:TokenIssueTime", DATE, false },
	{ "aws:SourceIp", ADDRESS, false }, { "aws:VpcSourceIp", ADDRESS, false },
	{ "aws:PrincipalArn", ARN, false }, { "aws:SourceArn", ARN, false },
	{ "aws:MultiFactorAuthPresent", TRUTH, false }, { "aws:SecureTransport", TRUTH, false },
	{ "aws:PrincipalTag/blob", BINARY, false },
};

/* ---- requests ---- */

static json_t *
request_value(struct random *r, enum kind kind)
{
	const char *s;

	if (chance(r, 4))
		return chance(r, 50) ? bytes("a\0b", 3) : bytes("", 0);
	if (chance(r, 4))
		kind = (enum kind)below(r, KINDS);
	if (chance(r, 4)) {
		s = chance(r, 50) ? PICK(r, malformed) : PICK(r, odd_words);
		return bytes(s, strlen(s));
	}
	switch (kind) {
	case STRING: s = PICK(r, words); break;
	case NUMBER: s = PICK(r, numbers); break;
	case DATE: s = PICK(r, dates); break;
	case ADDRESS: s = PICK(r, addresses); break;
	case ARN: s = PICK(r, arns); break;
	case TRUTH: s = PICK(r, truths); break;
	case BINARY: s = chance(r, 85) ? PICK(r, binaries) : "YR=="; break;
	case KINDS: default: abort();
	}
	return bytes(s, strlen(s));
}

static json_t *
request_key(struct random *r, size_t k)
{
	json_t *list;
	unsigned n;

	if (!keys[k].several && !chance(r, 6))
		return request_value(r, keys[k].kind);
	list = must(json_array());
	for (n = below(r, 4); n > 0; n--)
		add(list, request_value(r, keys[k].kind));
	return list;
}

json_t *
generate_request(struct random *r)
{
	json_t *q = must(json_object()), *context = must(json_object());
	const char *principal = PICK(r, principals), *resource = PICK(r, resources);
	size_t k;

	set(q, "principal", json_string(principal));
	set(q, "action", json_string(PICK(r, actions)));
	set(q, "resource", bytes(resource, strlen(resource)));
	if (chance(r, 85))
		set(q, "resource_account", json_string(chance(r, 80) ? US : THEM));
	for (k = 0; k < IAM_COUNT(keys); k++)
		if (chance(r, 55))
			set(context, keys[k].name, request_key(r, k));
	set(q, "context", context);
	return q;
}

/* ---- patterns and values of documents ---- */

static void
put_variable(struct random *r, struct buf *b)
{
	static const char *const plain[] = { "${*}", "${?}", "${$}" };
	static const char *const names[] = { "aws:username", "AWS:UserName", "aws:PrincipalTag/t",
		"aws:PrincipalTag/cost center", "host:Service", "aws:TagKeys", "aws:absent" };

	if (chance(r, 30)) {
		buf_puts(b, PICK(r, plain));
		return;
	}
	if (chance(r, 5)) { /* one in doubt and one without a value */
		buf_puts(b, "${aws:TagKeys}${aws:absent}");
		return;
	}
	buf_printf(b, "${%s", PICK(r, names));
	if (chance(r, 35))
		buf_printf(b, ",%*s'%s'", (int)below(r, 3), "", chance(r, 80) ? PICK(r, words) : "a}b:*");
	buf_putc(b, '}');
}

/* Text with some of its characters replaced; still UTF-8. */
static void
put_mutated(struct random *r, struct buf *b, const char *s, bool variables)
{
	unsigned rate = chance(r, 50) ? 0 : 12;
	size_t i, n;

	for (i = 0; s[i] != 0; i += n) {
		for (n = 1; ((uint8_t)s[i + n] & 0xc0) == 0x80; n++)
			;
		if (s[i] == '$' && s[i + 1] == '{')
			n = strcspn(s + i, "}") + 1;
		if (n > 4 || !chance(r, rate)) {
			buf_put(b, s + i, n);
			continue;
		}
		switch (below(r, variables ? 6 : 5)) {
		case 0: buf_putc(b, '?'); break;
		case 1: buf_putc(b, '*'); break;
		case 2: buf_puts(b, "*"); buf_put(b, s + i, n); break;
		case 3: break;
		case 4: buf_puts(b, below(r, 2) ? "*" : "*?"); /* for the rest, too */
			return;
		default: put_variable(r, b); break;
		}
	}
	if (variables && chance(r, 10))
		put_variable(r, b);
	if (chance(r, 8))
		buf_putc(b, '*');
}

static json_t *
steal(struct buf *b)
{
	json_t *v = bytes(buf_cstr(b), b->len);

	buf_release(b);
	return v;
}

static json_t *
string_value(struct random *r)
{
	static const char *const shared[] = { "*", "a*", "s3:*", "?" };
	static const char *const wild[] = { "*?", "??", "?", "*??", "?*?", "*??*", "???" };
	struct buf b = BUF_INIT;

	if (chance(r, 12)) /* the same text under several operators, and as an action */
		return json_string(PICK(r, shared));
	if (!chance(r, 10))
		put_mutated(r, &b, PICK(r, words), chance(r, 40));
	if (chance(r, 10)) /* wildcards alone, for characters of several bytes */
		buf_puts(&b, PICK(r, wild));
	return steal(&b);
}

/* Only what the grammar takes: wildcards in the first parts, all in the last. */
static json_t *
resource_pattern(struct random *r)
{
	static const char *const heads[] = { "arn:aws:s3:::", "arn:aws:s3:::", "arn:aws:host:eu-1:" US ":",
		"arn:*:*:*:*:", "arn:aws:s?:::", "arn:aws:host:*:*:", "arn:aws:iam::" US ":",
		"arn:aws:host:eu-1:" THEM ":", "arn:aws:*:*:*:" };
	static const char *const tails[] = { "*", "box/*", "box/alice", "box/${aws:username}",
		"box/alice/*", "box/*/b", "*/alice", "instance/*", "instance/web1", "role/Ops", "box/\xc3\xa9*",
		"box/?", "box/a:b:c", "command/web1//usr/bin/*", "${aws:PrincipalTag/t}/alice", "*alice*",
		"box/${*}", "box/a?b", "*${host:Service}*1", "box/*??", "box/??", "*?t?", "box/*?" };
	const char *whole;
	struct buf b = BUF_INIT;

	if (chance(r, 15))
		return json_string("*");
	if (chance(r, 30)) {
		do
			whole = PICK(r, resources);
		while (whole[0] == '*' || strchr(whole, '\xff') != NULL || strchr(whole, '$') != NULL);
		return json_string(whole);
	}
	buf_puts(&b, PICK(r, heads));
	put_mutated(r, &b, PICK(r, tails), true);
	if (b.p[b.len - 1] == ':') /* the last part may not be empty */
		buf_putc(&b, '*');
	return steal(&b);
}

static json_t *
window_value(struct random *r)
{
	struct buf b = BUF_INIT;
	const char *zone = PICK(r, zones);

	if (chance(r, 15)) {
		buf_puts(&b, PICK(r, days));
		if (b.len > 0)
			b.len--;
		else
			buf_puts(&b, "Mon,Tue,Wed");
	} else {
		buf_puts(&b, PICK(r, days));
		buf_puts(&b, PICK(r, times));
	}
	buf_puts(&b, zone);
	return steal(&b);
}

static const struct {
	const char *name;
	enum kind kind;
	enum { PLAIN, NULLNESS, WINDOW } more;
} operators[] = {
	{ "StringEquals", STRING, PLAIN }, { "StringNotEquals", STRING, PLAIN },
	{ "StringEqualsIgnoreCase", STRING, PLAIN }, { "StringNotEqualsIgnoreCase", STRING, PLAIN },
	{ "StringLike", STRING, PLAIN }, { "StringNotLike", STRING, PLAIN },
	{ "StringEquals", STRING, PLAIN }, { "StringLike", STRING, PLAIN },
	{ "NumericEquals", NUMBER, PLAIN }, { "NumericNotEquals", NUMBER, PLAIN },
	{ "NumericLessThan", NUMBER, PLAIN }, { "NumericLessThanEquals", NUMBER, PLAIN },
	{ "NumericGreaterThan", NUMBER, PLAIN }, { "NumericGreaterThanEquals", NUMBER, PLAIN },
	{ "DateEquals", DATE, PLAIN }, { "DateNotEquals", DATE, PLAIN },
	{ "DateLessThan", DATE, PLAIN }, { "DateLessThanEquals", DATE, PLAIN },
	{ "DateGreaterThan", DATE, PLAIN }, { "DateGreaterThanEquals", DATE, PLAIN },
	{ "Bool", TRUTH, PLAIN }, { "BinaryEquals", BINARY, PLAIN },
	{ "IpAddress", ADDRESS, PLAIN }, { "NotIpAddress", ADDRESS, PLAIN },
	{ "ArnEquals", ARN, PLAIN }, { "ArnNotEquals", ARN, PLAIN },
	{ "ArnLike", ARN, PLAIN }, { "ArnNotLike", ARN, PLAIN },
	{ "Null", TRUTH, NULLNESS }, { "Null", TRUTH, NULLNESS },
	{ "TimeOfDayWithin", DATE, WINDOW }, { "TimeOfDayNotWithin", DATE, WINDOW },
};

static json_t *
document_value(struct random *r, size_t op)
{
	if (operators[op].more == WINDOW)
		return window_value(r);
	switch (operators[op].kind) {
	case STRING:
		return string_value(r);
	case NUMBER:
		if (chance(r, 15))
			return chance(r, 50) ? json_integer(below(r, 10)) : json_real(5.5);
		return json_string(PICK(r, numbers));
	case DATE:
		return chance(r, 5) ? json_integer(1795512600) : json_string(PICK(r, dates));
	case ADDRESS:
		return json_string(PICK(r, ranges));
	case ARN:
		return json_string(chance(r, 70) ? PICK(r, arn_patterns) : PICK(r, arns));
	case TRUTH:
		return chance(r, 30) ? json_boolean(below(r, 2)) : json_string(PICK(r, truths));
	case BINARY:
		return json_string(PICK(r, binaries));
	case KINDS:
		break;
	}
	abort();
}

static json_t *
one_or_list(struct random *r, json_t *(*make)(struct random *r, size_t arg), size_t arg)
{
	json_t *list;
	unsigned n;

	if (chance(r, 60))
		return make(r, arg);
	list = must(json_array());
	for (n = 1 + below(r, 4); n > 0; n--)
		add(list, make(r, arg));
	return list;
}

/* In any case: names of keys do not differ by it. */
static void
cased(struct random *r, const char *name, char *out, size_t size)
{
	size_t i;
	bool upper = chance(r, 20);

	for (i = 0; name[i] != 0 && i + 1 < size; i++)
		out[i] = upper && name[i] >= 'a' && name[i] <= 'z' && chance(r, 50) ?
		    (char)(name[i] - 32) : name[i];
	out[i] = 0;
}

static size_t
key_for(struct random *r, enum kind kind)
{
	size_t k, tries;

	for (tries = 0; tries < 30; tries++) {
		k = below(r, (unsigned)IAM_COUNT(keys));
		if (keys[k].kind == kind)
			return k;
	}
	return k;
}

static void
add_condition(struct random *r, json_t *conditions)
{
	size_t op = below(r, (unsigned)IAM_COUNT(operators)), k;
	bool nullness = operators[op].more == NULLNESS;
	char name[64], key[64];
	json_t *map;
	const char *set_name;

	k = nullness || chance(r, 3) ? below(r, (unsigned)IAM_COUNT(keys)) :
	    key_for(r, operators[op].kind);
	set_name = chance(r, 12) ? "ForAllValues:" : chance(r, 12) ? "ForAnyValue:" : "";
	if (keys[k].several && set_name[0] == 0 && !nullness)
		set_name = chance(r, 50) ? "ForAllValues:" : "ForAnyValue:";
	snprintf(name, sizeof(name), "%s%s%s", set_name, operators[op].name,
	    !nullness && chance(r, 20) ? "IfExists" : "");
	cased(r, keys[k].name, key, sizeof(key));
	if ((map = json_object_get(conditions, name)) == NULL) {
		map = must(json_object());
		set(conditions, name, map);
	}
	for (set_name = json_object_iter_key(json_object_iter(map)); set_name != NULL;
	    set_name = json_object_iter_key(json_object_iter_next(map,
	    json_object_key_to_iter(set_name))))
		if (strcasecmp(set_name, key) == 0)
			return;
	set(map, key, one_or_list(r, document_value, op));
}

/* ---- statements and documents ---- */

static json_t *
action_pattern(struct random *r, size_t arg)
{
	(void)arg;
	return json_string(PICK(r, action_patterns));
}

static json_t *
trust_pattern(struct random *r, size_t arg)
{
	(void)arg;
	return json_string(PICK(r, trust_patterns));
}

static json_t *
some_resource(struct random *r, size_t arg)
{
	(void)arg;
	return resource_pattern(r);
}

static json_t *
some_trusted(struct random *r, size_t arg)
{
	(void)arg;
	return json_string(PICK(r, trusted));
}

static json_t *
principal_element(struct random *r)
{
	json_t *o;

	if (chance(r, 20))
		return json_string("*");
	o = must(json_object());
	if (chance(r, 90))
		set(o, "AWS", one_or_list(r, some_trusted, 0));
	if (json_object_size(o) == 0 || chance(r, 10))
		set(o, "Service", json_string("ec2.amazonaws.com"));
	return o;
}

enum place { IDENTITY, RESOURCE, TRUST };

static json_t *
statement(struct random *r, enum place place, unsigned deny_percent)
{
	json_t *st = must(json_object()), *conditions;
	unsigned n;

	set(st, "Effect", json_string(chance(r, deny_percent) ? "Deny" : "Allow"));
	set(st, chance(r, 90) ? "Action" : "NotAction", one_or_list(r,
	    place == TRUST ? trust_pattern : action_pattern, 0));
	if (place != TRUST)
		set(st, chance(r, 88) ? "Resource" : "NotResource", one_or_list(r, some_resource, 0));
	if (place != IDENTITY)
		set(st, place == TRUST || chance(r, 75) ? "Principal" : "NotPrincipal",
		    principal_element(r));
	if (chance(r, 75)) {
		conditions = must(json_object());
		for (n = 1 + (chance(r, 30) ? below(r, 3) : 0); n > 0; n--)
			add_condition(r, conditions);
		set(st, "Condition", conditions);
	}
	return st;
}

static json_t *
open_statement(enum place place)
{
	if (place == IDENTITY)
		return json_pack("{s:s,s:s,s:s}", "Effect", "Allow", "Action", "*", "Resource", "*");
	if (place == TRUST)
		return json_pack("{s:s,s:s,s:s}", "Effect", "Allow", "Action", "*", "Principal", "*");
	return json_pack("{s:s,s:s,s:s,s:s}", "Effect", "Allow", "Action", "*", "Resource", "*",
	    "Principal", "*");
}

/* open: it allows everything, and then takes away. */
static json_t *
document(struct random *r, enum place place, bool open)
{
	json_t *doc = must(json_object()), *list = must(json_array());
	unsigned n = chance(r, 4) ? 12 + below(r, 40) : 1 + below(r, 3);

	if (chance(r, 92))
		set(doc, "Version", json_string(chance(r, 93) ? "2012-10-17" : "2008-10-17"));
	if (open)
		add(list, open_statement(place));
	for (; n > 0; n--)
		add(list, statement(r, place, open ? 60 : 15));
	if (json_array_size(list) == 1 && chance(r, 50)) {
		set(doc, "Statement", json_incref(json_array_get(list, 0)));
		json_decref(list);
	} else {
		set(doc, "Statement", list);
	}
	return doc;
}

static json_t *
documents(struct random *r, unsigned max, bool open)
{
	json_t *list = must(json_array());
	unsigned n;

	for (n = below(r, max + 1); n > 0; n--)
		add(list, document(r, IDENTITY, open));
	return list;
}

json_t *
generate_case(struct random *r)
{
	json_t *c = must(json_object()), *q = generate_request(r), *levels;
	bool assume = strcasecmp(json_string_value(json_object_get(q, "action")),
	    "sts:AssumeRole") == 0;
	unsigned n;

	set(c, "identity", documents(r, 3, chance(r, 40)));
	set(c, "boundary", chance(r, 25) ? documents(r, 2, chance(r, 70)) : json_null());
	set(c, "session", chance(r, 20) ? documents(r, 2, chance(r, 70)) : json_null());
	levels = chance(r, 15) ? must(json_array()) : json_null();
	for (n = json_is_array(levels) ? below(r, 3) : 0; n > 0; n--)
		add(levels, documents(r, 2, chance(r, 80)));
	set(c, "scp", levels);
	set(c, "resource_policy", chance(r, 40) ?
	    document(r, assume ? TRUST : RESOURCE, chance(r, 30)) : json_null());
	set(c, "request", q);
	return c;
}
