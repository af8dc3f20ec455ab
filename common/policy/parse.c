/*
 * From text to JSON, and the findings.
 *
 * The text is measured before it is parsed: too long or too deep a document
 * never reaches the parser.
 */
#include <stdarg.h>

#include "common/base/base.h"
#include "common/policy/document.h"

#define CHARS_IDENTITY POL_MAX_MANAGED
#define CHARS_RESOURCE 20480
#define CHARS_TRUST 4096
#define CHARS_SCP 5120
#define CHARS_SESSION 2048
#define SPACE_MAX (1u << 20) /* white space is not counted, but not endless */

/* ---- findings ---- */

void
pol_findings_release(struct pol_findings *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		free(f->v[i].path);
		free(f->v[i].text);
	}
	free(f->v);
	memset(f, 0, sizeof(*f));
}

static void
put_path(struct buf *b, const struct step *s)
{
	if (s == NULL)
		return;
	put_path(b, s->up);
	if (s->key != NULL) {
		if (s->up != NULL)
			buf_putc(b, '.');
		buf_puts(b, s->key);
	} else {
		buf_printf(b, "[%zu]", s->index);
	}
}

static struct pol_finding *
new_finding(struct pol_findings *f)
{
	struct pol_finding *v;

	if (f->n == DOC_FINDINGS_MAX) {
		f->truncated = true;
		return NULL;
	}
	if ((f->n & 7) == 0) {
		if ((v = realloc(f->v, (f->n + 8) * sizeof(*v))) == NULL)
			return NULL;
		f->v = v;
	}
	v = &f->v[f->n];
	memset(v, 0, sizeof(*v));
	return v;
}

static void __attribute__((format(printf, 6, 0)))
find_at(struct doc *d, size_t off, const struct step *at,
    enum pol_severity severity, const char *code, const char *fmt, va_list ap)
{
	struct buf path = BUF_INIT, text = BUF_INIT;
	struct pol_finding *f;
	char line[600];

	if (severity == POL_ERROR)
		d->errors++;
	if (d->findings == NULL || (f = new_finding(d->findings)) == NULL) {
		if (d->findings != NULL && !d->findings->truncated)
			d->err = IAM_ERR_MEMORY;
		return;
	}
	vsnprintf(line, sizeof(line), fmt, ap);
	put_path(&path, at);
	buf_puts(&text, line);
	f->severity = severity;
	f->code = code;
	locate_line(d->json, d->len, off, &f->line, &f->col);
	f->path = path.len == 0 ? strdup("") : buf_steal(&path);
	f->text = buf_steal(&text);
	buf_release(&path);
	buf_release(&text);
	if (f->path == NULL || f->text == NULL) {
		free(f->path);
		free(f->text);
		d->err = IAM_ERR_MEMORY;
		return;
	}
	d->findings->n++;
}

void
doc_find(struct doc *d, const struct step *at, enum pol_severity severity,
    const char *code, const char *fmt, ...)
{
	size_t off = 0;
	va_list ap;

	if (d->findings != NULL && !locate_step(d->json, d->len, at, &off))
		off = 0;
	va_start(ap, fmt);
	find_at(d, off, at, severity, code, fmt, ap);
	va_end(ap);
}

static void __attribute__((format(printf, 4, 5)))
find_byte(struct doc *d, size_t off, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	find_at(d, off, NULL, POL_ERROR, code, fmt, ap);
	va_end(ap);
}

/* ---- measuring ---- */

static size_t
default_chars(enum pol_kind kind)
{
	switch (kind) {
	case POL_RESOURCE:
		return CHARS_RESOURCE;
	case POL_TRUST:
		return CHARS_TRUST;
	case POL_SCP:
		return CHARS_SCP;
	case POL_SESSION:
		return CHARS_SESSION;
	case POL_IDENTITY:
	case POL_BOUNDARY:
		break;
	}
	return CHARS_IDENTITY;
}

static const char *
size_code(enum pol_kind kind)
{
	switch (kind) {
	case POL_RESOURCE:
	case POL_TRUST:
		return "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA";
	case POL_SCP:
		return "POLICY_SIZE_EXCEEDS_SERVICE_CONTROL_POLICY_QUOTA";
	case POL_IDENTITY:
	case POL_SESSION:
	case POL_BOUNDARY:
		break;
	}
	return "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA";
}

/*
 * Short of memory, jansson 2.14 drops characters of a token without an error
 * once a token outgrows its first buffer of 16 bytes. Strings are therefore
 * counted again afterwards, and longer numbers have to be strings.
 */
#define NUMBER_CHARS_MAX 15

static size_t
number_len(const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && ((p[n] >= '0' && p[n] <= '9') || p[n] == '+' || p[n] == '-' ||
	    p[n] == '.' || p[n] == 'e' || p[n] == 'E'))
		n++;
	return n;
}

/* Its exponent has more than two digits: as good as nothing, or as everything. */
static bool
number_is_extreme(const char *p, size_t len)
{
	size_t e = 0, n;

	while (e < len && p[e] != 'e' && p[e] != 'E')
		e++;
	for (n = e + 1; n < len && (p[n] == '+' || p[n] == '-'); n++)
		;
	return e < len && len - n > 2;
}

/* Plain characters at the start of what is in a string: its bytes. */
static size_t
plain_text(const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && p[n] != '"' && p[n] != '\\')
		n++;
	return n;
}

static unsigned
hex4(const char *p)
{
	unsigned v = 0;
	int i;

	for (i = 0; i < 4; i++)
		v = v << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	return v;
}

/* How many bytes the strings of valid JSON text decode to. */
static size_t
text_bytes(const char *p, size_t len)
{
	size_t i, n = 0, run;
	bool in_string = false;
	unsigned u;

	for (i = 0; i < len; i++) {
		if (in_string) {
			run = plain_text(p + i, len - i);
			n += run;
			i += run;
		}
		if (p[i] == '"') {
			in_string = !in_string;
		} else if (in_string && p[i + 1] == 'u') {
			u = hex4(p + i + 2);
			/* each half of a surrogate pair is two of its four bytes */
			n += u < 0x80 ? 1 : u < 0x800 || (u >= 0xd800 && u < 0xe000) ? 2 : 3;
			i += 5;
		} else if (in_string) {
			i++;
			n++;
		}
	}
	return n;
}

static size_t
tree_bytes(json_t *v)
{
	size_t i, n = 0;
	const char *key;
	json_t *item;

	if (json_is_string(v))
		return json_string_length(v);
	if (json_is_array(v))
		json_array_foreach(v, i, item)
			n += tree_bytes(item);
	json_object_foreach(v, key, item)
		n += strlen(key) + tree_bytes(item);
	return n;
}

static bool
measure_number(struct doc *d, size_t off)
{
	const char *p = d->json + off;
	size_t n = number_len(p, d->len - off);

	if (n > NUMBER_CHARS_MAX)
		find_byte(d, off, "DATA_TYPE_MISMATCH", "A number of more than %d "
		    "characters: write it as a string.", NUMBER_CHARS_MAX);
	else if (number_is_extreme(p, n))
		find_byte(d, off, "DATA_TYPE_MISMATCH", "An exponent of more than two "
		    "digits: write the number out, as a string.");
	return d->errors == 0;
}

/* Characters, white space between tokens not counted; and the depth. */
static void
measure(struct doc *d, size_t max_chars)
{
	size_t i, chars = 0, depth = 0;
	bool in_string = false;
	char c;

	for (i = 0; i < d->len; i++) {
		c = d->json[i];
		if (((uint8_t)c & 0xc0) == 0x80 ||
		    (!in_string && (c == ' ' || c == '\t' || c == '\n' || c == '\r')))
			continue;
		if (++chars > max_chars) {
			d->err = IAM_ERR_LIMIT;
			find_byte(d, i, size_code(d->kind), "The document has more than "
			    "%zu characters, white space not counted. Split it.", max_chars);
			return;
		}
		if (in_string && c == '\\' && i + 1 < d->len) {
			i++;
			chars++;
		} else if (c == '"') {
			in_string = !in_string;
		} else if (!in_string && (c == '{' || c == '[')) {
			if (++depth > DOC_DEPTH_MAX) {
				find_byte(d, i, "JSON_SYNTAX_ERROR",
				    "Nested more than %d levels deep: no policy is.",
				    DOC_DEPTH_MAX);
				return;
			}
		} else if (!in_string && (c == '}' || c == ']') && depth > 0) {
			depth--;
		} else if (!in_string && !measure_number(d, i)) {
			return;
		}
	}
}

/* Where the string begins that ends at off. */
static size_t
string_begin(const struct doc *d, size_t off)
{
	size_t i, back;

	for (i = off; i > 0; i--) {
		if (d->json[i - 1] != '"')
			continue;
		for (back = i - 1; back > 0 && d->json[back - 1] == '\\'; back--)
			;
		if ((i - 1 - back) % 2 == 0)
			return i - 1;
	}
	return off;
}

/* jansson says where the token ends that it did not expect; people want to see
 * where it begins. It names short tokens: "... expected near 'TOKEN'". */
static size_t
token_begin(const struct doc *d, size_t off, const char *text)
{
	const char *token = strstr(text, " near '");
	size_t len;

	if (token == NULL)
		return off;
	token += strlen(" near '");
	len = strlen(token);
	if (len < 2 || off + 2 < len || off >= d->len ||
	    memcmp(d->json + off + 2 - len, token, len - 1) != 0)
		return off;
	return off + 2 - len;
}

/* What jansson found, at its place and in words for people. */
static void
syntax_error(struct doc *d, const json_error_t *e)
{
	size_t off = e->position > 0 ? (size_t)e->position - 1 : 0, begin;
	int code = (int)json_error_code(e);

	if (off > d->len)
		off = d->len;
	if (code == json_error_duplicate_key) {
		begin = string_begin(d, off);
		find_byte(d, begin, "JSON_SYNTAX_ERROR", "The member %.*s is there twice"
		    " in one object, and only one of them would count. Remove one.",
		    (int)(off + 1 - begin < 80 ? off + 1 - begin : 80), d->json + begin);
	} else if (code == json_error_null_character || code ==
	    json_error_null_byte_in_key || code == json_error_null_value) {
		find_byte(d, off, "JSON_SYNTAX_ERROR", "\\u0000 stands for a NUL, which"
		    " no name and no value may have. Remove it.");
	} else if (code == json_error_invalid_utf8) {
		find_byte(d, off, "JSON_SYNTAX_ERROR", "This is not valid UTF-8. Save the"
		    " document as UTF-8.");
	} else if (code == json_error_premature_end_of_input) {
		find_byte(d, off, "JSON_SYNTAX_ERROR", "The document ends here, and a"
		    " bracket or a quotation mark is still open.");
	} else if (code == json_error_end_of_input_expected) {
		find_byte(d, off, "JSON_SYNTAX_ERROR", "The document is complete before"
		    " this. Remove what follows.");
	} else {
		find_byte(d, token_begin(d, off, e->text), "JSON_SYNTAX_ERROR",
		    "This is not a JSON object that can be read: %s.", e->text);
	}
}

void
parse_document(struct doc *d, size_t max_chars)
{
	json_error_t e;

	if (max_chars == 0)
		max_chars = default_chars(d->kind);
	if (d->len > max_chars * 4 + SPACE_MAX) {
		d->err = IAM_ERR_LIMIT;
		find_byte(d, 0, size_code(d->kind), "The document has %zu bytes.", d->len);
		return;
	}
	if (d->len >= 3 && memcmp(d->json, "\xef\xbb\xbf", 3) == 0)
		find_byte(d, 0, "JSON_SYNTAX_ERROR", "The document begins with a byte"
		    " order mark. Save it as UTF-8 without one.");
	else
		measure(d, max_chars);
	if (d->errors > 0)
		return;
	d->root = json_loadb(d->json, d->len, JSON_REJECT_DUPLICATES, &e);
	if (d->root != NULL) {
		if (tree_bytes(d->root) == text_bytes(d->json, d->len))
			return;
		json_decref(d->root);
		d->root = NULL;
		d->err = IAM_ERR_MEMORY;
		return;
	}
	/* Short of memory, the parser does not always say so; then it says nothing. */
	if (json_error_code(&e) == json_error_out_of_memory || e.text[0] == 0) {
		d->err = IAM_ERR_MEMORY;
		return;
	}
	syntax_error(d, &e);
}

/* ---- shapes ---- */

/* A number of NUMBER_CHARS_MAX characters has fewer digits than a double keeps:
 * these are the ones that were written, also where their binary value is not. */
#define REAL_DIGITS 15
/* As many as an exponent of two digits and the places of NUMBER_CHARS_MAX ask for. */
#define ZEROS_32 "00000000000000000000000000000000"
static const char zeros[] = ZEROS_32 ZEROS_32 ZEROS_32 ZEROS_32;

static void
real_text(double r, char *out, size_t size)
{
	char sci[40], digits[REAL_DIGITS + 1];
	const char *p = sci;
	int exponent, n = REAL_DIGITS, whole;

	snprintf(sci, sizeof(sci), "%.*e", REAL_DIGITS - 1, r < 0 ? -r : r);
	exponent = (int)strtol(strchr(p, 'e') + 1, NULL, 10);
	digits[0] = p[0];
	/* behind the point, which some locales write otherwise */
	memcpy(digits + 1, strchr(p, 'e') - (REAL_DIGITS - 1), REAL_DIGITS - 1);
	while (n > 1 && digits[n - 1] == '0')
		n--;
	digits[n] = 0;
	whole = exponent < 0 ? 0 : exponent + 1 < n ? exponent + 1 : n;
	snprintf(out, size, "%s%.*s%.*s%s%.*s%s", r < 0 ? "-" : "", whole, digits,
	    exponent < 0 ? 1 : exponent + 1 - whole, zeros, whole < n ? "." : "",
	    exponent < 0 ? -exponent - 1 : 0, zeros, digits + whole);
}

bool
scalar_text(const json_t *v, struct scalar *ret)
{
	if (json_is_string(v)) {
		ret->p = json_string_value(v);
		ret->len = json_string_length(v);
		return true;
	}
	if (json_is_boolean(v))
		snprintf(ret->room, sizeof(ret->room), "%s", json_is_true(v) ? "true" : "false");
	else if (json_is_integer(v))
		snprintf(ret->room, sizeof(ret->room), "%" JSON_INTEGER_FORMAT,
		    json_integer_value(v));
	else if (json_is_real(v))
		real_text(json_real_value(v), ret->room, sizeof(ret->room));
	else
		return false;
	ret->p = ret->room;
	ret->len = strlen(ret->room);
	return true;
}

size_t
list_count(const json_t *v)
{
	return json_is_array(v) ? json_array_size(v) : v != NULL ? 1 : 0;
}

json_t *
list_item(const json_t *v, size_t i)
{
	return json_is_array(v) ? json_array_get(v, i) : (json_t *)(uintptr_t)v;
}

/* ---- the public face ---- */

static void
check(struct doc *d, const struct pol_limits *limits)
{
	parse_document(d, limits != NULL ? limits->max_chars : 0);
	if (d->root != NULL)
		validate_document(d);
}

int
pol_validate(const char *json, size_t len, enum pol_kind kind,
    const struct pol_limits *limits, struct pol_findings *findings)
{
	struct doc d = { .json = json, .len = len, .kind = kind, .findings = findings,
		.keep_malformed = limits != NULL && limits->keep_malformed,
		.zone_known = limits != NULL ? limits->zone_known : NULL };

	if (findings != NULL)
		memset(findings, 0, sizeof(*findings));
	check(&d, limits);
	json_decref(d.root);
	if (d.err != IAM_ERR_MEMORY)
		return 0;
	if (findings != NULL)
		pol_findings_release(findings);
	return IAM_ERR_MEMORY;
}

int
pol_compile(const char *json, size_t len, enum pol_kind kind,
    const struct pol_limits *limits, struct pol_findings *findings,
    struct buf *ret)
{
	struct doc d = { .json = json, .len = len, .kind = kind, .findings = findings,
		.keep_malformed = limits != NULL && limits->keep_malformed,
		.zone_known = limits != NULL ? limits->zone_known : NULL };
	int r;

	if (findings != NULL)
		memset(findings, 0, sizeof(*findings));
	check(&d, limits);
	if (d.err != 0)
		r = d.err;
	else if (d.errors > 0)
		r = IAM_ERR_FORMAT;
	else
		r = compile_document(&d, ret);
	json_decref(d.root);
	if (r == IAM_ERR_MEMORY && findings != NULL)
		pol_findings_release(findings);
	return r;
}
