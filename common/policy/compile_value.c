/* Values of documents into the bytes that the evaluator compares. */
#include "common/base/base.h"
#include "common/policy/document.h"

static bool
refuse(struct encoder *e, const char *code, const char *why)
{
	e->code = code;
	e->why = why;
	return false;
}

/* ---- patterns ---- */

struct scan { /* what the encoded data looks like */
	uint32_t start;      /* of the pattern in the buffer */
	uint32_t first_mark; /* literal bytes before it */
	uint32_t last_mark;  /* the end of the last mark */
	unsigned stars, ones, vars;
};

static void
mark(struct scan *s, struct buf *b, uint8_t what)
{
	if (s->stars + s->ones + s->vars == 0)
		s->first_mark = (uint32_t)b->len - s->start;
	buf_u8(b, what);
	s->last_mark = (uint32_t)b->len - s->start;
}

static void
put_star(struct scan *s, struct buf *b)
{
	if (b->err == 0 && s->stars > 0 && s->last_mark == b->len - s->start && b->p[b->len - 1] == CF_STAR)
		return; /* two in a row are one */
	mark(s, b, CF_STAR);
	s->stars++;
}

/* Names hold no quotes or braces; a name has a service and a colon. */
static bool
is_variable_name(const char *p, size_t len)
{
	const char *colon = memchr(p, ':', len);
	size_t i;

	if (colon == NULL || colon == p || colon == p + len - 1)
		return false;
	for (i = 0; i < len; i++)
		if ((uint8_t)p[i] < 0x20 || strchr("{}'\"$*?,", p[i]) != NULL)
			return false;
	return p[0] != ' ' && p[len - 1] != ' ';
}

static void
put_variable(struct encoder *e, struct scan *s, struct buf *b, const char *name,
    size_t len, const char *def, size_t def_len)
{
	uint32_t key = e->key != NULL ? e->key(e->key_arg, name, len) : 0;

	mark(s, b, CF_VAR);
	s->vars++;
	buf_u32(b, key);
	buf_u32(b, def != NULL ? (uint32_t)def_len + 1 : 0);
	buf_put(b, def, def != NULL ? def_len : 0);
	s->last_mark = (uint32_t)b->len - s->start;
}

/* "${…}" at p; *ret_len is its length with the braces. */
static bool
variable(struct encoder *e, struct scan *s, struct buf *b, const char *p,
    size_t len, size_t *ret_len)
{
	const char *name = p + 2, *end = p + len, *q = name, *def = NULL;
	size_t name_len, def_len = 0;

	while (q < end && *q != '}' && *q != ',')
		q++;
	name_len = (size_t)(q - name);
	if (q < end && *q == ',') {
		for (q++; q < end && *q == ' '; q++)
			;
		if (q == end || *q != '\'')
			return refuse(e, "MISSING_QUOTE_IN_VARIABLE", "a default value "
			    "stands in single quotes: ${key, 'default'}");
		def = ++q;
		while (q < end && *q != '\'')
			q++;
		def_len = (size_t)(q - def);
		if (q < end)
			q++;
	}
	if (q == end || *q != '}')
		return refuse(e, "MISSING_BRACE_IN_VARIABLE", "the variable has no "
		    "closing brace");
	*ret_len = (size_t)(q + 1 - p);
	if (name_len == 0)
		return refuse(e, "EMPTY_VARIABLE", "the variable has no name");
	if (name_len == 1 && def == NULL && strchr("*?$", name[0]) != NULL) {
		buf_putc(b, name[0]);
		return true;
	}
	if (memchr(name, ' ', name_len) != NULL && memchr(name, '/', name_len) == NULL)
		return refuse(e, "UNSUPPORTED_SPACE_IN_VARIABLE", "remove the space "
		    "from the variable's name");
	if (!is_variable_name(name, name_len))
		return refuse(e, "INVALID_VARIABLE_NAME", "a variable is a condition key, "
		    "as ${aws:username}, or one of ${*} ${?} ${$}");
	put_variable(e, s, b, name, name_len, def, def_len);
	return true;
}

static uint8_t
form_of(const struct scan *s, struct buf *b)
{
	uint32_t len = (uint32_t)b->len - s->start;

	if (s->vars > 0)
		return CF_VARS;
	if (s->stars + s->ones == 0)
		return CF_LITERAL;
	if (b->err == 0 && s->stars == 1 && s->ones == 0 && s->first_mark == len - 1) {
		b->len--; /* the star itself */
		return len == 1 ? CF_ANY : CF_PREFIX;
	}
	return CF_GLOB;
}

/* How many bytes are certainly no wildcard and begin no variable. */
static size_t
plain_run(const char *p, size_t len, unsigned flags, bool vars)
{
	size_t n;

	for (n = 0; n < len; n++)
		if ((vars && p[n] == '$') ||
		    ((flags & PAT_WILD) != 0 && (p[n] == '*' || p[n] == '?')))
			break;
	return n;
}

static void
put_plain(struct buf *b, const char *p, size_t len, bool lower)
{
	size_t from = b->len, i;

	buf_put(b, p, len);
	for (i = from; lower && i < b->len; i++)
		b->p[i] = (uint8_t)ascii_lower((char)b->p[i]);
}

bool
encode_pattern(struct encoder *e, const char *p, size_t len, unsigned flags,
    struct buf *b, struct pattern *ret)
{
	struct scan s = { .start = (uint32_t)b->len };
	bool vars = e->variables && (flags & PAT_VARS) != 0;
	size_t i, n;
	char c;

	for (i = 0; i < len; i += n) {
		n = plain_run(p + i, len - i, flags, vars);
		if (n > 0) {
			put_plain(b, p + i, n, (flags & PAT_LOWER) != 0);
			continue;
		}
		n = 1;
		c = p[i];
		if (vars && c == '$' && i + 1 < len && p[i + 1] == '{') {
			if (!variable(e, &s, b, p + i, len - i, &n))
				return false;
		} else if ((flags & PAT_WILD) != 0 && c == '*') {
			put_star(&s, b);
		} else if ((flags & PAT_WILD) != 0 && c == '?') {
			mark(&s, b, CF_ONE);
			s.ones++;
		} else {
			put_plain(b, &c, 1, (flags & PAT_LOWER) != 0);
		}
	}
	ret->form = form_of(&s, b);
	n = b->len - s.start;
	ret->prefix_len = s.stars + s.ones + s.vars == 0 ? (uint32_t)n : s.first_mark;
	ret->suffix_len = ret->form == CF_PREFIX || ret->form == CF_ANY ? 0 :
	    (uint32_t)n - s.last_mark;
	return b->err == 0;
}

/* ---- condition values ---- */

static bool
malformed(struct encoder *e, const char *why)
{
	return refuse(e, "INVALID_CONDITION_DATA_TYPE", why);
}

static bool
encode_date(struct encoder *e, const char *p, size_t len, struct buf *b)
{
	struct val_date d;

	if (!val_date(p, len, &d))
		return malformed(e, "it is no date: write 2026-11-24T09:30:00Z (with a "
		    "zone, a day that exists) or whole seconds since 1970");
	buf_u64(b, (uint64_t)d.s);
	buf_u32(b, d.ns);
	return true;
}

static bool
encode_binary(struct encoder *e, const char *p, size_t len, struct buf *b)
{
	size_t n, i;
	uint8_t g[3];

	if (!val_base64(p, len, NULL, &n))
		return malformed(e, "it is not base64");
	for (i = 0; i < len; i += 4) {
		val_base64(p + i, 4, g, &n);
		buf_put(b, g, n);
	}
	return true;
}

static bool
encode_ip(struct encoder *e, const char *p, size_t len, struct buf *b)
{
	struct val_ip ip;

	if (!val_ip(p, len, true, &ip))
		return malformed(e, "it is no address or range: write 192.0.2.0/24, "
		    "192.0.2.7 or 2001:db8::/32");
	buf_u8(b, ip.family);
	buf_u8(b, ip.prefix);
	buf_put(b, ip.addr, sizeof(ip.addr));
	return true;
}

/* The six parts are taken apart before variables have values, so that a value
 * with colons stays in its part. A colon of a default value is none. */
static bool
split_arn(const char *p, size_t len, bool vars, struct val_slice part[ARN_PARTS])
{
	size_t i, from = 0;
	int n = 0;

	for (i = 0; i < len && n < ARN_PARTS - 1; i++) {
		if (vars && p[i] == '$' && i + 1 < len && p[i + 1] == '{') {
			while (i < len && p[i] != '}')
				i++;
			continue;
		}
		if (p[i] != ':')
			continue;
		part[n].p = p + from;
		part[n++].len = i - from;
		from = i + 1;
	}
	if (n < ARN_PARTS - 1)
		return false;
	part[n].p = p + from;
	part[n].len = len - from;
	return true;
}

static bool
encode_arn(struct encoder *e, const char *p, size_t len, struct buf *b,
    uint8_t *ret_form)
{
	struct val_slice part[ARN_PARTS];
	struct pattern pat;
	size_t at;
	int i;

	if (len == 1 && p[0] == '*') {
		*ret_form = CF_ANY;
		return true;
	}
	*ret_form = CF_ARN;
	if (!split_arn(p, len, e->variables, part) || part[0].len != 3 ||
	    memcmp(part[0].p, "arn", 3) != 0)
		return malformed(e, "it is no ARN of six parts: "
		    "arn:partition:service:region:account:resource");
	for (i = 0; i < ARN_PARTS; i++) {
		at = b->len;
		buf_u8(b, 0);
		buf_u32(b, 0);
		if (!encode_pattern(e, part[i].p, part[i].len, PAT_WILD | PAT_VARS,
		    b, &pat))
			return false;
		b->p[at] = pat.form;
		buf_patch_u32(b, at + 1, (uint32_t)(b->len - at - 5));
	}
	return true;
}

static bool
encode_window(struct encoder *e, const char *p, size_t len, struct buf *b)
{
	struct val_window w;
	const char *why;

	if (!val_window(p, len, &w, &why))
		return malformed(e, why);
	buf_u8(b, w.days);
	buf_put(b, "\0\0\0", 3);
	buf_u32(b, w.start_s);
	buf_u32(b, w.end_s);
	buf_put(b, w.zone.p, w.zone.len);
	buf_u8(b, 0);
	return true;
}

bool
encode_value(struct encoder *e, uint8_t op, const char *p, size_t len,
    struct buf *b, uint8_t *ret_form)
{
	struct val_number number;
	struct pattern pat;
	unsigned flags = PAT_VARS;
	bool truth;

	switch ((enum cf_op)op) {
	case OP_STRING_EQ: case OP_STRING_EQ_CASE: case OP_STRING_LIKE:
		if (op == OP_STRING_LIKE)
			flags |= PAT_WILD;
		if (op == OP_STRING_EQ_CASE)
			flags |= PAT_LOWER;
		if (!encode_pattern(e, p, len, flags, b, &pat))
			return false;
		*ret_form = pat.form;
		return true;
	case OP_NUM_EQ: case OP_NUM_LT: case OP_NUM_LE: case OP_NUM_GT: case OP_NUM_GE:
		*ret_form = CF_NUMBER;
		if (!val_number(p, len, &number))
			return malformed(e, "it is no decimal number: write 3600 or 0.5");
		buf_put(b, p, len);
		return true;
	case OP_DATE_EQ: case OP_DATE_LT: case OP_DATE_LE: case OP_DATE_GT: case OP_DATE_GE:
		*ret_form = CF_DATE;
		return encode_date(e, p, len, b);
	case OP_BOOL: case OP_NULL:
		*ret_form = CF_BOOL;
		if (!val_bool(p, len, &truth))
			return malformed(e, "it is neither true nor false");
		buf_u8(b, truth);
		return true;
	case OP_BINARY:
		*ret_form = CF_BINARY;
		return encode_binary(e, p, len, b);
	case OP_IP:
		*ret_form = CF_IP;
		return encode_ip(e, p, len, b);
	case OP_ARN:
		return encode_arn(e, p, len, b, ret_form);
	case OP_WINDOW:
		*ret_form = CF_WINDOW;
		return encode_window(e, p, len, b);
	case OP_END:
		break;
	}
	return malformed(e, "the operator is unknown");
}

/* ---- principals ---- */

static bool
is_account(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return len == 12;
}

static bool
starts(struct val_slice s, const char *with)
{
	size_t n = strlen(with);

	return s.len > n && memcmp(s.p, with, n) == 0 && s.p[s.len - 1] != '/';
}

static bool
part_is(struct val_slice s, const char *what)
{
	return s.len == strlen(what) && memcmp(s.p, what, s.len) == 0;
}

/* Of a user or role that is no more: AWS shows it in place of the ARN. Nobody is it. */
static bool
is_unique_id(const char *p, size_t len)
{
	size_t i;

	if (len < 16 || len > 128 ||
	    (memcmp(p, "AIDA", 4) != 0 && memcmp(p, "AROA", 4) != 0))
		return false;
	for (i = 4; i < len; i++)
		if (!(p[i] >= 'A' && p[i] <= 'Z') && !(p[i] >= '0' && p[i] <= '9'))
			return false;
	return true;
}

bool
encode_principal(const char *p, size_t len, struct buf *b, uint8_t *ret_form,
    const char **ret_why)
{
	struct val_slice part[ARN_PARTS];
	const char *slash;

	*ret_why = "it is no account, user, role or session: write "
	    "arn:aws:iam::123456789012:user/sarah, …:role/NAME, …:root or twelve digits";
	if (len == 1 && p[0] == '*') {
		*ret_form = CF_P_ANY;
		return true;
	}
	if (is_account(p, len)) {
		*ret_form = CF_P_ACCOUNT;
		buf_put(b, p, len);
		return true;
	}
	if (is_unique_id(p, len)) {
		*ret_form = CF_P_OTHER;
		buf_put(b, p, len);
		return true;
	}
	if (!val_arn(p, len, part) || part[1].len == 0 || part[3].len != 0 ||
	    !is_account(part[4].p, part[4].len))
		return false;
	if (part_is(part[2], "iam") && part_is(part[5], "root")) {
		*ret_form = CF_P_ACCOUNT;
		buf_put(b, part[4].p, part[4].len);
	} else if (part_is(part[2], "iam") && starts(part[5], "role/")) {
		*ret_form = CF_P_ROLE;
		slash = memrchr(part[5].p, '/', part[5].len);
		buf_put(b, part[4].p, part[4].len);
		buf_put(b, slash + 1, (size_t)(part[5].p + part[5].len - slash - 1));
	} else if ((part_is(part[2], "iam") && starts(part[5], "user/")) ||
	    (part_is(part[2], "sts") && (starts(part[5], "federated-user/") ||
	    (starts(part[5], "assumed-role/") &&
	    memchr(part[5].p + 13, '/', part[5].len - 13) != NULL)))) {
		*ret_form = CF_P_ARN;
		buf_put(b, p, len);
	} else {
		return false;
	}
	return true;
}
