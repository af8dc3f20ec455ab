#include "common/base/base.h"

#include <errno.h>
#include <stdarg.h>

#include "iamctl/cli.h"
#include "iamctl/shorthand.h"
#include "common/base/suggest.h"

const struct cli_option cli_options[] = {
	{ "output", "FORMAT", "json|table|text",
	    "How the answer is printed: json (the default), table or text." },
	{ "color", "WHEN", "auto|on|off",
	    "Colour in tables: auto (the default) where a terminal takes it." },
	{ "cli-input-json", "JSON", NULL,
	    "All parameters in one JSON object, or file://FILE with it; options "
	    "on the command line win." },
	{ "generate-cli-skeleton", NULL, NULL,
	    "Print an object for --cli-input-json and do nothing." },
	{ "help", NULL, NULL, "Print help and do nothing." },
	{ "version", NULL, NULL, "Print the version and do nothing." },
	{ NULL, NULL, NULL, NULL },
};

struct words { /* what is left of argv */
	char **v;
	int n;
};

static int fail(struct cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int
fail(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cli->error, sizeof(cli->error), fmt, ap);
	va_end(ap);
	return -1;
}

bool
cli_is_choice(const char *choices, const char *word)
{
	size_t n, len = strlen(word);
	const char *p = choices;

	while (*p != '\0') {
		n = strcspn(p, "|");
		if (n == len && memcmp(p, word, n) == 0)
			return true;
		p += n + (p[n] == '|');
	}
	return false;
}

static bool
is_option(const char *word)
{
	return strncmp(word, "--", 2) == 0 && word[2] != '\0';
}

/* ---- which operation ---- */

static int
unknown_operation(struct cli *cli, const char *word)
{
	const struct op *const *o;
	struct suggest s;
	char kebab[OP_KEBAB_MAX];

	suggest_init(&s, word);
	for (o = op_all(); *o != NULL; o++) {
		op_kebab((*o)->name, kebab);
		suggest_try(&s, kebab);
	}
	suggest_try(&s, "help");
	if (s.best[0] != '\0')
		return fail(cli, "There is no operation '%s'. Did you mean '%s'?",
		    word, s.best);
	return fail(cli, "There is no operation '%s'. 'iamctl help' lists all.",
	    word);
}

static const struct op *
find_operation(const char *word)
{
	const struct op *op = op_find(word);
	char kebab[OP_KEBAB_MAX];

	/* One spelling on the command line: create-user, not CreateUser. */
	if (op == NULL)
		return NULL;
	op_kebab(op->name, kebab);
	return strcmp(kebab, word) == 0 ? op : NULL;
}

/* ---- global options ---- */

/* The value of an option that takes exactly one. */
static int
take_value(struct cli *cli, const char *name, const char *attached,
    struct words *w, const char **ret)
{
	if (attached != NULL) {
		*ret = attached;
		return 0;
	}
	if (w->n == 0 || is_option(w->v[0]))
		return fail(cli, "--%s needs a value%s.", name,
		    w->n == 0 ? "" : "; one that begins with -- is written "
		    "--option=VALUE");
	*ret = w->v[0];
	w->v++;
	w->n--;
	return 0;
}

static int
wrong_choice(struct cli *cli, const char *name, const char *value,
    const char *choices)
{
	char list[256];
	size_t i, n = 0;

	for (i = 0; choices[i] != '\0' && n + 3 < sizeof(list); i++) {
		list[n++] = choices[i] == '|' ? ',' : choices[i];
		if (choices[i] == '|')
			list[n++] = ' ';
	}
	list[n] = '\0';
	return fail(cli, "--%s: '%s' is not one of %s.", name, value, list);
}

static int
set_format(struct cli *cli, const char *value)
{
	if (strcmp(value, "json") == 0)
		cli->format = CLI_JSON;
	else if (strcmp(value, "table") == 0)
		cli->format = CLI_TABLE;
	else if (strcmp(value, "text") == 0)
		cli->format = CLI_TEXT;
	else
		return wrong_choice(cli, "output", value, "json|table|text");
	return 0;
}

static int
set_color(struct cli *cli, const char *value)
{
	if (strcmp(value, "auto") == 0)
		cli->color = CLI_COLOR_AUTO;
	else if (strcmp(value, "on") == 0)
		cli->color = CLI_COLOR_ON;
	else if (strcmp(value, "off") == 0)
		cli->color = CLI_COLOR_OFF;
	else
		return wrong_choice(cli, "color", value, "auto|on|off");
	return 0;
}

static int
set_skeleton(struct cli *cli, const char *attached, struct words *w)
{
	const char *value = attached;

	if (value == NULL && w->n > 0 && !is_option(w->v[0])) {
		value = *w->v++;
		w->n--;
	}
	if (value != NULL && strcmp(value, "input") != 0)
		return wrong_choice(cli, "generate-cli-skeleton", value, "input");
	cli->kind = CLI_SKELETON;
	return 0;
}

/* 1: it was a global option; 0: it is not; -1: it was a wrong one. */
static int
global_option(struct cli *cli, const char *name, const char *attached,
    struct words *w)
{
	const char *value;
	int r = 0;

	if (strcmp(name, "output") == 0) {
		if ((r = take_value(cli, name, attached, w, &value)) == 0)
			r = set_format(cli, value);
	} else if (strcmp(name, "color") == 0) {
		if ((r = take_value(cli, name, attached, w, &value)) == 0)
			r = set_color(cli, value);
	} else if (strcmp(name, "cli-input-json") == 0) {
		r = take_value(cli, name, attached, w, &cli->input_json);
	} else if (strcmp(name, "generate-cli-skeleton") == 0) {
		r = set_skeleton(cli, attached, w);
	} else if (strcmp(name, "help") == 0 && attached == NULL) {
		cli->kind = cli->op != NULL ? CLI_OP_HELP : CLI_HELP;
	} else if (strcmp(name, "version") == 0 && attached == NULL) {
		cli->kind = CLI_VERSION;
	} else {
		return 0;
	}
	return r == 0 ? 1 : -1;
}

/* ---- an operation's options ---- */

static bool
is_list(enum op_type type)
{
	return type == OP_LIST || type == OP_TAGS || type == OP_TAG_KEYS ||
	    type == OP_STRUCTS;
}

/* "--mfa-serial-stdin" for a secret, "--no-x" for a flag, else "--x". */
static bool
option_is(const struct op_param *p, const char *name, bool *ret_negated)
{
	char kebab[OP_KEBAB_MAX], full[OP_KEBAB_MAX + 8];

	op_kebab(p->name, kebab);
	snprintf(full, sizeof(full), "%s%s", kebab,
	    p->type == OP_SECRET ? "-stdin" : "");
	*ret_negated = false;
	if (strcmp(full, name) == 0)
		return true;
	if (p->type != OP_BOOL)
		return false;
	snprintf(full, sizeof(full), "no-%s", kebab);
	*ret_negated = true;
	return strcmp(full, name) == 0;
}

static bool
is_bare_secret(const struct op_param *p, const char *name)
{
	char kebab[OP_KEBAB_MAX];

	op_kebab(p->name, kebab);
	return p->type == OP_SECRET && strcmp(kebab, name) == 0;
}

static int
unknown_option(struct cli *cli, const char *name)
{
	const struct op_param *p;
	const struct cli_option *o;
	struct suggest s;
	char kebab[OP_KEBAB_MAX], op[OP_KEBAB_MAX], full[OP_KEBAB_MAX + 8];

	if (strcmp(name, "query") == 0)
		return fail(cli, "--query is not supported; jq(1) filters JSON.");
	suggest_init(&s, name);
	for (p = cli->op->params; p != NULL && p->name != NULL; p++) {
		op_kebab(p->name, kebab);
		snprintf(full, sizeof(full), "%s%s", kebab,
		    p->type == OP_SECRET ? "-stdin" : "");
		suggest_try(&s, full);
	}
	for (o = cli_options; o->name != NULL; o++)
		suggest_try(&s, o->name);
	op_kebab(cli->op->name, op);
	if (s.best[0] != '\0')
		return fail(cli, "%s has no option --%s. Did you mean --%s?", op,
		    name, s.best);
	return fail(cli, "%s has no option --%s. 'iamctl %s help' lists all.", op,
	    name, op);
}

static int
refuse_secret(struct cli *cli, const char *name)
{
	return fail(cli, "--%s is not taken on the command line, where every "
	    "process of this host and the shell's history can read it. Use "
	    "--%s-stdin: it reads one line from standard input, or asks on "
	    "the terminal.", name, name);
}

static int
take_values(struct cli *cli, const char *name, struct cli_given *g,
    struct words *w)
{
	const char *value;

	g->values = w->v;
	if (g->param->type == OP_BOOL || g->param->type == OP_SECRET) {
		if (g->attached != NULL)
			return fail(cli, "--%s takes no value.", name);
		return 0;
	}
	if (!is_list(g->param->type)) {
		if (g->attached == NULL)
			g->count = 1;
		return take_value(cli, name, g->attached, w, &value);
	}
	while (g->attached == NULL && w->n > 0 && !is_option(w->v[0])) {
		g->count++;
		w->v++;
		w->n--;
	}
	if (g->attached == NULL && g->count == 0)
		return fail(cli, "--%s needs one value or more.", name);
	return 0;
}

static int
op_option(struct cli *cli, const char *name, const char *attached,
    struct words *w)
{
	const struct op_param *p;
	struct cli_given *g = &cli->given[cli->given_count];
	unsigned i;
	bool negated = false;

	for (p = cli->op->params; p != NULL && p->name != NULL; p++) {
		if (is_bare_secret(p, name))
			return refuse_secret(cli, name);
		if (option_is(p, name, &negated))
			break;
	}
	if (p == NULL || p->name == NULL)
		return unknown_option(cli, name);
	for (i = 0; i < cli->given_count; i++)
		if (cli->given[i].param == p)
			return fail(cli, "--%s is given twice.", name);
	if (cli->given_count == CLI_GIVEN_MAX)
		return fail(cli, "Too many options.");
	*g = (struct cli_given){ .param = p, .attached = attached,
		.negated = negated };
	cli->given_count++;
	return take_values(cli, name, g, w);
}

static int
take_option(struct cli *cli, struct words *w)
{
	const char *word = w->v[0] + 2, *eq = strchr(word, '=');
	char name[OP_KEBAB_MAX];
	int r;

	w->v++;
	w->n--;
	if (eq == NULL)
		eq = word + strlen(word);
	if ((size_t)(eq - word) >= sizeof(name))
		return fail(cli, "There is no option --%.80s….", word);
	snprintf(name, sizeof(name), "%.*s", (int)(eq - word), word);
	r = global_option(cli, name, *eq == '=' ? eq + 1 : NULL, w);
	if (r != 0)
		return r > 0 ? 0 : -1;
	if (cli->op == NULL)
		return fail(cli, "--%s comes after the operation, or is unknown. "
		    "'iamctl help' lists operations and options.", name);
	return op_option(cli, name, *eq == '=' ? eq + 1 : NULL, w);
}

/* "iamctl help", "iamctl help create-user", "iamctl create-user help". */
static int
take_word(struct cli *cli, struct words *w)
{
	const char *word = w->v[0];

	w->v++;
	w->n--;
	if (strcmp(word, "help") == 0) {
		cli->kind = cli->op != NULL ? CLI_OP_HELP : CLI_HELP;
		return 0;
	}
	if (cli->op != NULL)
		return fail(cli, "'%s' belongs to no option.", word);
	if ((cli->op = find_operation(word)) == NULL)
		return unknown_operation(cli, word);
	if (cli->kind == CLI_HELP)
		cli->kind = CLI_OP_HELP;
	return 0;
}

/* ---- what is missing ---- */

static bool
is_given(const struct cli *cli, const struct op_param *p)
{
	unsigned i;

	for (i = 0; i < cli->given_count; i++)
		if (cli->given[i].param == p)
			return true;
	return cli->in != NULL && json_object_get(cli->in, p->name) != NULL;
}

static int
check_required(struct cli *cli, bool ask_secrets)
{
	const struct op_param *p;
	struct buf missing = BUF_INIT;
	char kebab[OP_KEBAB_MAX];
	int r = 0;

	for (p = cli->op->params; p != NULL && p->name != NULL; p++) {
		if (!p->required || is_given(cli, p) ||
		    (ask_secrets && p->type == OP_SECRET))
			continue;
		op_kebab(p->name, kebab);
		buf_printf(&missing, "%s--%s%s", missing.len > 0 ? ", " : "",
		    kebab, p->type == OP_SECRET ? "-stdin" : "");
	}
	if (missing.len > 0)
		r = fail(cli, "the following arguments are required: %s",
		    buf_cstr(&missing));
	buf_release(&missing);
	return r;
}

int
cli_parse(int argc, char **argv, struct cli *ret)
{
	struct words w = { argv + 1, argc > 0 ? argc - 1 : 0 };

	memset(ret, 0, sizeof(*ret));
	ret->kind = CLI_RUN;
	ret->color = CLI_COLOR_AUTO;
	if (w.n > 0 && strcmp(w.v[0], "--complete") == 0) {
		ret->kind = CLI_COMPLETE;
		ret->rest = w.v + 1;
		return 0;
	}
	if (w.n == 1 && strcmp(w.v[0], "--manual") == 0) {
		ret->kind = CLI_MANUAL;
		return 0;
	}
	while (w.n > 0)
		if ((is_option(w.v[0]) ? take_option(ret, &w) :
		    take_word(ret, &w)) != 0)
			return -1;
	if ((ret->kind == CLI_RUN || ret->kind == CLI_SKELETON) && ret->op == NULL)
		return fail(ret, "An operation is needed, as in 'iamctl create-user "
		    "--user-name NAME'. 'iamctl help' lists all.");
	if (ret->format == 0)
		ret->format = ret->op != NULL && ret->op->show_first ? CLI_TABLE :
		    CLI_JSON;
	/* The rest is checked when the JSON and the terminal are known. */
	if (ret->kind == CLI_RUN && ret->input_json == NULL)
		return check_required(ret, true);
	return 0;
}

/* ---- values ---- */

static int
bad_value(struct cli *cli, const struct op_param *p, const char *what)
{
	char kebab[OP_KEBAB_MAX];

	op_kebab(p->name, kebab);
	return fail(cli, "--%s: %s", kebab, what);
}

/* Bytes of the character at p, of n that are left: 0 when it is not UTF-8. */
static size_t
utf8_len(const uint8_t *p, size_t n)
{
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 :
	    p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0, i;

	if (len > n)
		return 0;
	for (i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

/* "line 2, column 17" of the first byte that is NUL or no UTF-8. */
static void
bad_place(const struct buf *b, char *ret, size_t size)
{
	unsigned line = 1, column = 1;
	size_t i, n;

	for (i = 0; i < b->len && b->p[i] != 0; i += n) {
		if ((n = utf8_len(b->p + i, b->len - i)) == 0)
			break;
		column = b->p[i] == '\n' ? 1 : column + 1;
		line += b->p[i] == '\n';
	}
	snprintf(ret, size, "line %u, column %u", line, column);
}

/* The text of a value, or of the file that it names; owned by *b. */
static int
fetch_text(struct cli *cli, const struct cli_io *io, const char *option,
    const char *value, struct buf *b)
{
	struct iam_why why = { 0, 0, "" };
	char place[48];

	if (strncmp(value, "file://", 7) != 0) {
		buf_puts(b, value);
	} else if (io->read_file(io->arg, value + 7, b, &why) != 0) {
		return fail(cli, "--%s: %s: %s", option, value, why.text);
	}
	if (b->err != 0)
		return fail(cli, "--%s: %s", option, iam_strerror(b->err));
	if (memchr(buf_cstr(b), '\0', b->len) != NULL) {
		bad_place(b, place, sizeof(place));
		return fail(cli, "--%s: %s has a NUL byte at %s.", option, value, place);
	}
	return 0;
}

static int
load_json(struct cli *cli, const char *option, const struct buf *text,
    json_t **ret)
{
	json_error_t e;

	*ret = json_loadb(buf_cstr(text), text->len, JSON_REJECT_DUPLICATES, &e);
	if (*ret == NULL)
		return fail(cli, "--%s: not valid JSON: line %d, column %d: %s",
		    option, e.line, e.column, e.text);
	return 0;
}

static int
make_string(struct cli *cli, const char *option, const struct buf *text,
    json_t **ret)
{
	char place[48];

	*ret = json_stringn(buf_cstr(text), text->len);
	if (*ret != NULL)
		return 0;
	bad_place(text, place, sizeof(place));
	return fail(cli, "--%s: the value is not valid UTF-8 at %s.", option, place);
}

static int
make_int(struct cli *cli, const char *option, const char *text, json_t **ret)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || strchr(" \t\n+", *text))
		return fail(cli, "--%s: '%s' is not a whole number.", option, text);
	*ret = json_integer(v);
	return *ret != NULL ? 0 : fail(cli, "out of memory");
}

static int
make_scalar(struct cli *cli, const struct cli_io *io, const char *option,
    const struct op_param *p, const char *value, json_t **ret)
{
	struct buf text = BUF_INIT;
	int r;

	if (p->type == OP_OUTFILE)
		buf_puts(&text, value);
	else if ((r = fetch_text(cli, io, option, value, &text)) != 0)
		goto out;
	if (p->type == OP_INT)
		r = make_int(cli, option, buf_cstr(&text), ret);
	else
		r = make_string(cli, option, &text, ret);
out:
	buf_release(&text);
	return r;
}

/* The members that a list of objects may have: "Name|Values[]". */
static bool
find_member(const char *members, const char *name, bool *ret_list)
{
	size_t n, len = strlen(name);
	const char *p = members;

	while (*p != '\0') {
		n = strcspn(p, "|");
		*ret_list = n > 2 && memcmp(p + n - 2, "[]", 2) == 0;
		if (n - (*ret_list ? 2 : 0) == len && memcmp(p, name, len) == 0)
			return true;
		p += n + (p[n] == '|');
	}
	return false;
}

static const char *
members_of(const struct op_param *p)
{
	return p->type == OP_TAGS ? "Key|Value" : p->choices;
}

static bool
is_texts(const json_t *v)
{
	const json_t *item;
	size_t i;

	json_array_foreach(v, i, item)
		if (!json_is_string(item))
			return false;
	return json_is_array(v);
}

/* One value where a list belongs becomes a list of one, as in the AWS CLI. */
static int
shape_object(struct cli *cli, const char *option, const struct op_param *p,
    json_t *object)
{
	const char *name;
	json_t *value, *list;
	void *next;
	bool is_array;

	json_object_foreach_safe(object, next, name, value) {
		if (!find_member(members_of(p), name, &is_array))
			return fail(cli, "--%s: unknown member '%s'; the members are "
			    "%s.", option, name, members_of(p));
		if (!json_is_string(value) && !(is_array && is_texts(value)))
			return fail(cli, "--%s: %s must be a string%s.", option, name,
			    is_array ? " or a list of strings" : "");
		if (!is_array || json_is_array(value))
			continue;
		list = json_pack("[O]", value);
		if (list == NULL || json_object_set_new(object, name, list) != 0)
			return fail(cli, "out of memory");
	}
	return 0;
}

/* One word of a list: shorthand, a JSON object, or plain text. */
static int
make_item(struct cli *cli, const char *option, const struct op_param *p,
    const struct buf *text, json_t **ret)
{
	struct iam_why why = { 0, 0, "" };

	if (p->type == OP_LIST || p->type == OP_TAG_KEYS)
		return make_string(cli, option, text, ret);
	if (buf_cstr(text)[0] == '{')
		return load_json(cli, option, text, ret);
	if (shorthand_parse(buf_cstr(text), ret, &why) != 0)
		return fail(cli, "--%s: '%s': character %u: %s.", option,
		    buf_cstr(text), why.col, why.text);
	return 0;
}

static int
append_value(struct cli *cli, const struct cli_io *io, const char *option,
    const struct op_param *p, const char *value, bool only, json_t *list)
{
	struct buf text = BUF_INIT;
	json_t *item = NULL;
	int r;

	if ((r = fetch_text(cli, io, option, value, &text)) != 0)
		goto out;
	if (only && buf_cstr(&text)[strspn(buf_cstr(&text), " \t\r\n")] == '[') {
		if ((r = load_json(cli, option, &text, &item)) == 0 &&
		    json_array_extend(list, item) != 0)
			r = fail(cli, "out of memory");
		json_decref(item);
	} else if ((r = make_item(cli, option, p, &text, &item)) == 0 &&
	    json_array_append_new(list, item) != 0) {
		r = fail(cli, "out of memory");
	}
out:
	buf_release(&text);
	return r;
}

static int
make_list(struct cli *cli, const struct cli_io *io, const char *option,
    const struct cli_given *g, json_t **ret)
{
	json_t *list = json_array();
	int n, r = 0;

	if (list == NULL)
		return fail(cli, "out of memory");
	if (g->attached != NULL)
		r = append_value(cli, io, option, g->param, g->attached, true, list);
	for (n = 0; n < g->count && r == 0; n++)
		r = append_value(cli, io, option, g->param, g->values[n],
		    g->count == 1, list);
	if (r != 0)
		json_decref(list);
	else
		*ret = list;
	return r;
}

static int
make_secret(struct cli *cli, const struct cli_io *io, const char *option,
    const struct op_param *p, json_t **ret)
{
	struct iam_why why = { 0, 0, "" };
	struct secret s = SECRET_INIT;
	bool confirm = strncmp(p->name, "Old", 3) != 0;
	int r = 0;

	if (io->read_secret(io->arg, p->name, confirm, &s, &why) != 0)
		return fail(cli, "--%s-stdin: %s", option, why.text);
	*ret = json_stringn(secret_str(&s), s.len);
	if (*ret == NULL)
		r = fail(cli, "--%s-stdin: not valid UTF-8.", option);
	secret_release(&s);
	return r;
}

static int
make_value(struct cli *cli, const struct cli_io *io, const struct cli_given *g,
    json_t **ret)
{
	const struct op_param *p = g->param;
	char option[OP_KEBAB_MAX];

	op_kebab(p->name, option);
	if (p->type == OP_BOOL) {
		*ret = json_boolean(!g->negated);
		return 0;
	}
	if (p->type == OP_SECRET)
		return make_secret(cli, io, option, p, ret);
	if (is_list(p->type))
		return make_list(cli, io, option, g, ret);
	return make_scalar(cli, io, option, p,
	    g->attached != NULL ? g->attached : g->values[0], ret);
}

static int
set_value(struct cli *cli, const struct op_param *p, json_t *value)
{
	if (json_object_set_new(cli->in, p->name, value) != 0)
		return bad_value(cli, p, "out of memory");
	return 0;
}

/* ---- --cli-input-json ---- */

static bool
type_fits(const struct op_param *p, const json_t *v)
{
	const json_t *item;
	size_t i;

	switch (p->type) {
	case OP_STRING:
	case OP_DOCUMENT:
	case OP_SECRET:
	case OP_OUTFILE:
	case OP_INFILE:
		return json_is_string(v);
	case OP_INT:
		return json_is_integer(v);
	case OP_BOOL:
		return json_is_boolean(v);
	case OP_LIST:
	case OP_TAG_KEYS:
		return is_texts(v);
	case OP_TAGS:
	case OP_STRUCTS:
		json_array_foreach(v, i, item)
			if (!json_is_object(item))
				return false;
		return json_is_array(v);
	}
	return false;
}

static const char *
type_name(enum op_type type)
{
	switch (type) {
	case OP_STRING:
	case OP_DOCUMENT:
	case OP_SECRET:
	case OP_OUTFILE:
	case OP_INFILE:
		return "a string";
	case OP_INT:
		return "a whole number";
	case OP_BOOL:
		return "true or false";
	case OP_LIST:
	case OP_TAG_KEYS:
		return "a list of strings";
	case OP_TAGS:
	case OP_STRUCTS:
		return "a list of objects";
	}
	return "something else";
}

/* Tags are objects of two strings, wherever they come from. */
static bool
tags_fit(const json_t *v)
{
	const json_t *item;
	size_t i;

	json_array_foreach(v, i, item)
		if (!json_is_string(json_object_get(item, "Key")) ||
		    !json_is_string(json_object_get(item, "Value")) ||
		    json_object_size(item) != 2)
			return false;
	return true;
}

/* The members of each object of a list, wherever it comes from. */
static int
check_objects(struct cli *cli, const struct op_param *p, json_t *v)
{
	char option[OP_KEBAB_MAX];
	json_t *item;
	size_t i;

	op_kebab(p->name, option);
	json_array_foreach(v, i, item)
		if (members_of(p) != NULL &&
		    shape_object(cli, option, p, item) != 0)
			return -1;
	return 0;
}

static int
check_types(struct cli *cli)
{
	const struct op_param *p;
	const char *name;
	json_t *v;

	json_object_foreach(cli->in, name, v) {
		if ((p = op_param_find(cli->op, name)) == NULL)
			return fail(cli, "Parameter validation failed: unknown "
			    "parameter '%s'.", name);
		if (!type_fits(p, v))
			return fail(cli, "Parameter validation failed: %s must be "
			    "%s.", name, type_name(p->type));
		if ((p->type == OP_TAGS || p->type == OP_STRUCTS) &&
		    check_objects(cli, p, v) != 0)
			return -1;
		if (p->type == OP_TAGS && !tags_fit(v))
			return fail(cli, "Parameter validation failed: %s: each is "
			    "Key=NAME,Value=TEXT, both of them strings.", name);
	}
	return 0;
}

static int
load_input_json(struct cli *cli, const struct cli_io *io)
{
	struct buf text = BUF_INIT;
	const struct op_param *p;
	const char *name;
	json_t *v;
	int r;

	if ((r = fetch_text(cli, io, "cli-input-json", cli->input_json, &text)) != 0 ||
	    (r = load_json(cli, "cli-input-json", &text, &v)) != 0)
		goto out;
	json_decref(cli->in);
	cli->in = v;
	if (!json_is_object(v)) {
		r = fail(cli, "--cli-input-json: expected a JSON object.");
		goto out;
	}
	json_object_foreach(cli->in, name, v) {
		p = op_param_find(cli->op, name);
		if (p != NULL && p->type == OP_SECRET &&
		    strncmp(cli->input_json, "file://", 7) != 0)
			r = fail(cli, "--cli-input-json: %s is a secret, and the "
			    "command line can be read by every process of this host. "
			    "Use file://FILE, or leave it out.", name);
	}
out:
	buf_release(&text);
	return r;
}

/* A secret that is needed and was not given is asked for on the terminal. */
static int
ask_secrets(struct cli *cli, const struct cli_io *io)
{
	const struct op_param *p;
	struct cli_given asked = { 0 };
	json_t *v;

	for (p = cli->op->params; io->terminal && p != NULL && p->name != NULL; p++) {
		if (p->type != OP_SECRET || !p->required || is_given(cli, p))
			continue;
		asked.param = p;
		if (make_value(cli, io, &asked, &v) != 0 || set_value(cli, p, v) != 0)
			return -1;
	}
	return 0;
}

int
cli_load(struct cli *cli, const struct cli_io *io)
{
	unsigned i;
	json_t *v;

	if ((cli->in = json_object()) == NULL)
		return fail(cli, "out of memory");
	if (cli->input_json != NULL && (load_input_json(cli, io) != 0 ||
	    check_types(cli) != 0))
		return -1;
	if (check_required(cli, io->terminal) != 0)
		return -1;
	for (i = 0; i < cli->given_count; i++)
		if (make_value(cli, io, &cli->given[i], &v) != 0 ||
		    set_value(cli, cli->given[i].param, v) != 0)
			return -1;
	if (check_types(cli) != 0)
		return -1;
	return ask_secrets(cli, io);
}

void
cli_release(struct cli *cli)
{
	json_decref(cli->in);
	cli->in = NULL;
}
