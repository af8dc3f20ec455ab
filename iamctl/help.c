#include "common/base/base.h"

#include <ctype.h>

#include "iamctl/cli.h"
#include "iamctl/help.h"
#include "iamctl/output.h"

void
help_overview(struct buf *ret)
{
	const struct op_group *g;
	const struct op *o;
	const struct cli_option *opt;
	char kebab[OP_KEBAB_MAX];

	buf_puts(ret, "iamctl " IAM_VERSION " - identity and access management of "
	    "this host\n\nUsage: iamctl OPERATION [--option VALUE ...]\n"
	    "       iamctl OPERATION help\n       iamctl help\n");
	for (g = op_groups(); g->title != NULL; g++) {
		if (g->ops->name != NULL)
			buf_printf(ret, "\n%s\n", g->title);
		for (o = g->ops; o->name != NULL; o++) {
			op_kebab(o->name, kebab);
			buf_printf(ret, "  %s\n", kebab);
			output_wrap(ret, o->summary, 6, 0);
		}
	}
	buf_puts(ret, "\nOptions of every operation\n");
	for (opt = cli_options; opt->name != NULL; opt++) {
		buf_printf(ret, "  --%s%s%s\n", opt->name,
		    opt->value != NULL ? " " : "",
		    opt->value != NULL ? opt->value : "");
		output_wrap(ret, opt->help, 6, 0);
	}
	buf_puts(ret, "\nThe manual: iamctl(1). Policies: iam-policy(5).\n");
}

static const char *
placeholder(const struct op_param *p)
{
	switch (p->type) {
	case OP_STRING:
		return p->pattern == OP_ARN ? "ARN" : p->pattern == OP_CODE6 ?
		    "CODE" : "TEXT";
	case OP_DOCUMENT:
		return "JSON|file://FILE";
	case OP_INT:
		return "NUMBER";
	case OP_BOOL:
	case OP_SECRET:
		return NULL;
	case OP_LIST:
	case OP_TAG_KEYS:
		return "TEXT...";
	case OP_TAGS:
		return "Key=NAME,Value=TEXT...";
	case OP_STRUCTS:
		return "Name=VALUE,...";
	case OP_OUTFILE:
		return "FILE";
	case OP_INFILE:
		return "file://FILE";
	}
	return NULL;
}

/* "--x-stdin", "--x | --no-x", "--x TEXT" without its brackets. */
static void
put_option(struct buf *b, const struct op_param *p)
{
	char kebab[OP_KEBAB_MAX];
	const char *value = placeholder(p);

	op_kebab(p->name, kebab);
	if (p->type == OP_SECRET)
		buf_printf(b, "--%s-stdin", kebab);
	else if (p->type == OP_BOOL)
		buf_printf(b, "--%s | --no-%s", kebab, kebab);
	else
		buf_printf(b, "--%s %s", kebab, value != NULL ? value : "");
}

/* What the table knows besides the sentence. */
static void
put_rules(struct buf *b, const struct op_param *p)
{
	const char *c;
	bool list = p->type == OP_LIST || p->type == OP_TAGS ||
	    p->type == OP_TAG_KEYS || p->type == OP_STRUCTS;

	if (p->choices != NULL) {
		buf_puts(b, p->type == OP_STRUCTS ? " Members: " : " One of ");
		for (c = p->choices; *c != '\0'; c++) {
			if (*c == '|')
				buf_puts(b, ", ");
			else
				buf_putc(b, *c);
		}
		buf_putc(b, '.');
	}
	if (p->fallback != NULL)
		buf_printf(b, " Default: %s.", p->fallback);
	if (p->max != 0 && p->type == OP_INT)
		buf_printf(b, " From %ld to %ld.", p->min, p->max);
	else if (p->max != 0 && list)
		buf_printf(b, " At most %ld.", p->max);
	else if (p->max != 0 && p->choices == NULL)
		buf_printf(b, " At most %ld bytes.", p->max);
	if (p->type == OP_SECRET)
		buf_puts(b, " One line of standard input, or asked on the terminal.");
}

void
help_operation(const struct op *op, struct buf *ret)
{
	const struct op_param *p;
	struct buf line = BUF_INIT;
	char kebab[OP_KEBAB_MAX];

	op_kebab(op->name, kebab);
	buf_printf(ret, "iamctl %s\n\n", kebab);
	output_wrap(ret, op->summary, 2, 0);
	buf_printf(&line, "iamctl %s", kebab);
	for (p = op->params; p != NULL && p->name != NULL; p++) {
		buf_puts(&line, p->required ? " " : " [");
		put_option(&line, p);
		buf_puts(&line, p->required ? "" : "]");
	}
	buf_puts(ret, "\nUsage\n");
	output_wrap(ret, buf_cstr(&line), 2, 0);
	if (op->params != NULL && op->params->name != NULL)
		buf_puts(ret, "\nOptions\n");
	for (p = op->params; p != NULL && p->name != NULL; p++) {
		buf_puts(ret, "  ");
		put_option(ret, p);
		buf_putc(ret, '\n');
		buf_reset(&line);
		buf_printf(&line, "%s%s", p->required ? "Required. " : "", p->help);
		put_rules(&line, p);
		output_wrap(ret, buf_cstr(&line), 6, 0);
	}
	buf_printf(ret, "\nAuthorized as %s:%s on %s\n", op->service, op->name,
	    op->resource != NULL ? op->resource : "*");
	if (op->target != NULL)
		buf_printf(ret, "and on %s\n", op->target);
	buf_release(&line);
}

/* ---- the manual ---- */

/* Text that mdoc shall not read: a dot or quote at the start, backslashes. */
static void
mdoc_text(struct buf *b, const char *text)
{
	if (*text == '.' || *text == '\'')
		buf_puts(b, "\\&");
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			buf_puts(b, "\\e");
		else
			buf_putc(b, *text);
		/* A new sentence on a new line; one in brackets ends there, too. */
		if (text[0] == '.' && text[1] == ')') {
			buf_putc(b, ')');
			text++;
		} else if (*text != '.' && *text != '?') {
			continue;
		}
		if (text[1] == ' ' && isupper((unsigned char)text[2])) {
			buf_putc(b, '\n');
			text++;
		}
	}
	buf_putc(b, '\n');
}

static void
mdoc_option(struct buf *b, const struct op_param *p)
{
	char kebab[OP_KEBAB_MAX];
	const char *value = placeholder(p);

	op_kebab(p->name, kebab);
	buf_printf(b, "Fl Fl %s%s", kebab, p->type == OP_SECRET ? "-stdin" : "");
	if (p->type == OP_BOOL)
		buf_printf(b, " | Fl Fl no-%s", kebab);
	if (value != NULL)
		buf_printf(b, " Ar %s", value);
}

static void
mdoc_operation(const struct op *op, struct buf *b)
{
	const struct op_param *p;
	struct buf text = BUF_INIT;
	char kebab[OP_KEBAB_MAX];

	op_kebab(op->name, kebab);
	buf_printf(b, ".Ss %s\n", kebab);
	mdoc_text(b, op->summary);
	if (op->params == NULL || op->params->name == NULL)
		return;
	buf_puts(b, ".Bl -tag -width Ds -compact\n");
	for (p = op->params; p->name != NULL; p++) {
		buf_puts(b, ".It ");
		mdoc_option(b, p);
		buf_putc(b, '\n');
		buf_reset(&text);
		buf_printf(&text, "%s%s", p->required ? "Required. " : "", p->help);
		put_rules(&text, p);
		mdoc_text(b, buf_cstr(&text));
	}
	buf_puts(b, ".El\n");
	buf_release(&text);
}

void
help_manual(struct buf *ret)
{
	const struct op_group *g;
	const struct op *o;
	const char *c;

	for (g = op_groups(); g->title != NULL; g++) {
		if (g->ops->name == NULL)
			continue;
		buf_puts(ret, ".Sh ");
		for (c = g->title; *c != '\0'; c++)
			buf_putc(ret, (char)toupper((unsigned char)*c));
		buf_putc(ret, '\n');
		for (o = g->ops; o->name != NULL; o++)
			mdoc_operation(o, ret);
	}
}

/* ---- completion ---- */

static void
offer(struct buf *b, const char *prefix, const char *typed, const char *word)
{
	if (strncmp(word, typed, strlen(typed)) == 0)
		buf_printf(b, "%s%s\n", prefix, word);
}

static void
offer_choices(struct buf *b, const char *prefix, const char *typed,
    const char *choices)
{
	char word[128];
	size_t n;

	for (; choices != NULL && *choices != '\0';
	    choices += n + (choices[n] == '|')) {
		n = strcspn(choices, "|");
		snprintf(word, sizeof(word), "%.*s", (int)n, choices);
		offer(b, prefix, typed, word);
	}
}

static void
offer_options(struct buf *b, const struct op *op, const char *typed)
{
	const struct op_param *p;
	const struct cli_option *o;
	char kebab[OP_KEBAB_MAX], word[OP_KEBAB_MAX + 16];

	for (p = op->params; p != NULL && p->name != NULL; p++) {
		op_kebab(p->name, kebab);
		snprintf(word, sizeof(word), "--%s%s", kebab,
		    p->type == OP_SECRET ? "-stdin" : "");
		offer(b, "", typed, word);
		snprintf(word, sizeof(word), "--no-%s", kebab);
		if (p->type == OP_BOOL)
			offer(b, "", typed, word);
	}
	for (o = cli_options; o->name != NULL; o++) {
		snprintf(word, sizeof(word), "--%s", o->name);
		offer(b, "", typed, word);
	}
}

static void
offer_operations(struct buf *b, const char *typed)
{
	const struct op *const *o;
	char kebab[OP_KEBAB_MAX];

	for (o = op_all(); *o != NULL; o++) {
		op_kebab((*o)->name, kebab);
		offer(b, "", typed, kebab);
	}
	offer(b, "", typed, "help");
}

/* The choices of option (with its dashes). */
static const char *
choices_of(const struct op *op, const char *option)
{
	const struct op_param *p;
	const struct cli_option *o;
	char kebab[OP_KEBAB_MAX];

	if (strncmp(option, "--", 2) != 0)
		return NULL;
	for (o = cli_options; o->name != NULL; o++)
		if (strcmp(o->name, option + 2) == 0)
			return o->choices;
	for (p = op != NULL ? op->params : NULL; p != NULL && p->name != NULL; p++) {
		op_kebab(p->name, kebab);
		if (strcmp(kebab, option + 2) == 0 && p->type != OP_STRUCTS)
			return p->choices;
	}
	return NULL;
}

void
help_complete(char **words, struct buf *ret)
{
	const struct op *op = NULL;
	const char *typed = "", *before = "", *equals;
	char option[OP_KEBAB_MAX + 8];

	for (; *words != NULL; words++) {
		before = typed;
		typed = *words;
		if (op == NULL && words[1] != NULL && **words != '-')
			op = op_find(*words);
	}
	if (strncmp(typed, "--", 2) == 0 && (equals = strchr(typed, '=')) != NULL &&
	    (size_t)(equals - typed) < sizeof(option)) {
		snprintf(option, sizeof(option), "%.*s", (int)(equals - typed), typed);
		offer_choices(ret, "", equals + 1, choices_of(op, option));
	} else if (choices_of(op, before) != NULL) {
		offer_choices(ret, "", typed, choices_of(op, before));
	} else if (op == NULL) {
		offer_operations(ret, typed);
	} else if (*typed == '-' || *typed == '\0') {
		offer_options(ret, op, typed);
	}
}

/* ---- skeletons ---- */

static json_t *
skeleton_struct(const struct op_param *p)
{
	json_t *object = json_object();
	const char *c = p->choices != NULL ? p->choices : "";
	char name[128];
	size_t n;
	bool list;

	for (; *c != '\0'; c += n + (c[n] == '|')) {
		n = strcspn(c, "|");
		list = n > 2 && memcmp(c + n - 2, "[]", 2) == 0;
		snprintf(name, sizeof(name), "%.*s", (int)(n - (list ? 2 : 0)), c);
		(void)json_object_set_new(object, name,
		    list ? json_pack("[s]", "") : json_string(""));
	}
	return json_pack("[o]", object);
}

static json_t *
skeleton_value(const struct op_param *p)
{
	size_t n;

	switch (p->type) {
	case OP_STRING:
	case OP_DOCUMENT:
	case OP_SECRET:
	case OP_OUTFILE:
	case OP_INFILE:
		n = p->choices != NULL ? strcspn(p->choices, "|") : 0;
		return json_stringn(n > 0 ? p->choices : "", n);
	case OP_INT:
		return json_integer(p->min);
	case OP_BOOL:
		return json_true();
	case OP_LIST:
	case OP_TAG_KEYS:
		return json_pack("[s]", "");
	case OP_TAGS:
		return json_pack("[{s:s,s:s}]", "Key", "", "Value", "");
	case OP_STRUCTS:
		return skeleton_struct(p);
	}
	return NULL;
}

json_t *
help_skeleton(const struct op *op)
{
	const struct op_param *p;
	json_t *ret = json_object();

	for (p = op->params; p != NULL && p->name != NULL; p++) {
		if (p->type == OP_SECRET)
			continue; /* better not in a file */
		if (json_object_set_new(ret, p->name, skeleton_value(p)) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}
