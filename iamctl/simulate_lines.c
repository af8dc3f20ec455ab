/*
 * A table of requests: the first line names the columns, every other one is a
 * request; fields are separated by tabs, as jq's @tsv and spreadsheets write
 * them. Written down in iamctl(1), TABLES OF REQUESTS.
 *
 * A million lines are decided in one go: nothing is allocated for a line but
 * what its answer needs.
 */
#include "common/base/base.h"

#include "iamctl/simulate.h"

#define COLUMNS_MAX 64
#define LIST_VALUES_MAX 256
#define FIELD_MAX 8192 /* bytes of a line */
#define TOLD_MAX 10    /* lines that are not as expected */

struct column {
	enum { COL_ACTION = 1, COL_RESOURCE, COL_EXPECTED, COL_KEY } kind;
	char *name;  /* of a key; owned */
	bool list;   /* values with | between them */
};

struct table {
	struct simulation *s;
	struct column columns[COLUMNS_MAX];
	size_t n;
	unsigned long line;
	unsigned long requests, wrong;
	char text[FIELD_MAX + 1];
	struct pol_key keys[CONTEXT_ENTRIES_MAX + COLUMNS_MAX];
	struct pol_value values[COLUMNS_MAX], lists[LIST_VALUES_MAX];
	size_t list_count;
};

struct row {
	const char *action, *resource, *expected;
	size_t key_count;
};

static int
bad(const struct table *t, const char *what)
{
	return op_fail(t->s->c, "InvalidInput", "Requests, line %lu: %s.", t->line, what);
}

/* jq's @tsv: \t \n \r \\ in place. */
static void
unescape(char *s)
{
	char *out = s;

	for (; *s != '\0'; s++) {
		if (*s == '\\' && s[1] != '\0') {
			s++;
			*out++ = *s == 't' ? '\t' : *s == 'n' ? '\n' : *s == 'r' ?
			    '\r' : *s;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* The next line into t->text; false at the end of the table. */
static int
next_line(struct table *t, const char **p, bool *ret)
{
	const char *end;
	size_t n;

	for (*ret = false; **p != '\0'; *p = *end == '\0' ? end : end + 1) {
		end = strchrnul(*p, '\n');
		t->line++;
		n = (size_t)(end - *p);
		if (n > 0 && (*p)[n - 1] == '\r')
			n--;
		if (n == 0 || **p == '#')
			continue;
		if (n > FIELD_MAX)
			return bad(t, "it has more than 8192 bytes");
		memcpy(t->text, *p, n);
		t->text[n] = '\0';
		*p = *end == '\0' ? end : end + 1;
		*ret = true;
		return 0;
	}
	return 0;
}

/* ---- the first line ---- */

static int
add_key(struct table *t, struct column *col, char *name)
{
	const struct context *x = t->s->context;
	size_t i, len = strlen(name);

	col->kind = COL_KEY;
	if (len > 2 && strcmp(name + len - 2, "[]") == 0) {
		col->list = true;
		name[len - 2] = '\0';
	}
	if (strchr(name, ':') == NULL)
		return op_fail(t->s->c, "InvalidInput", "Requests, line %lu: \"%.64s\""
		    " is no column. There are ActionName, ResourceArn, EvalDecision,"
		    " and condition keys such as aws:CurrentTime.", t->line, name);
	for (i = 0; i < x->count; i++)
		if (name_cmp(x->keys[i].name, name) == 0)
			return bad(t, "a column is a key of ContextEntries as well");
	for (i = 0; i < t->n; i++)
		if (t->columns[i].kind == COL_KEY &&
		    name_cmp(t->columns[i].name, name) == 0)
			return bad(t, "two columns are the same key");
	return (col->name = strdup(name)) == NULL ? no_memory(t->s->c) : 0;
}

static int
add_column(struct table *t, char *name)
{
	struct column *col = &t->columns[t->n];

	if (t->n == COLUMNS_MAX)
		return bad(t, "there are more than 64 columns");
	*col = (struct column){ 0 };
	if (strcmp(name, "ActionName") == 0)
		col->kind = COL_ACTION;
	else if (strcmp(name, "ResourceArn") == 0)
		col->kind = COL_RESOURCE;
	else if (strcmp(name, "EvalDecision") == 0)
		col->kind = COL_EXPECTED;
	else if (add_key(t, col, name) != 0)
		return -1;
	t->n++;
	return 0;
}

static int
read_columns(struct table *t)
{
	char *p = t->text, *field;
	bool action = false;
	size_t i;

	while ((field = strsep(&p, "\t")) != NULL)
		if (add_column(t, field) != 0)
			return -1;
	for (i = 0; i < t->n; i++)
		action = action || t->columns[i].kind == COL_ACTION;
	for (i = 0; i < t->s->context->count; i++)
		t->keys[i] = t->s->context->keys[i];
	return action ? 0 : bad(t, "there is no column ActionName; the first line"
	    " names the columns, with tabs between them");
}

/* ---- a request ---- */

static int
add_list(struct table *t, char *field, struct pol_key *k)
{
	char *value;

	k->values = &t->lists[t->list_count];
	k->multivalued = true;
	while ((value = strsep(&field, "|")) != NULL) {
		if (t->list_count == LIST_VALUES_MAX)
			return bad(t, "there are more than 256 values in lists");
		unescape(value);
		t->lists[t->list_count++] = (struct pol_value){ value, strlen(value) };
		k->n++;
	}
	return 0;
}

/* An empty field is a key that the request lacks. */
static int
take_field(struct table *t, const struct column *col, char *field, struct row *row)
{
	struct pol_value *v = &t->values[row->key_count - t->s->context->count];
	struct pol_key *k = &t->keys[row->key_count];

	if (!col->list && strchr(field, '\\') != NULL)
		unescape(field);
	switch (col->kind) {
	case COL_ACTION:
		row->action = field;
		return 0;
	case COL_RESOURCE:
		row->resource = field;
		return 0;
	case COL_EXPECTED:
		row->expected = field;
		return 0;
	case COL_KEY:
		break;
	}
	if (field[0] == '\0')
		return 0;
	*k = (struct pol_key){ .name = col->name };
	row->key_count++;
	if (col->list)
		return add_list(t, field, k);
	*v = (struct pol_value){ field, strlen(field) };
	k->values = v;
	k->n = 1;
	return 0;
}

static int
read_row(struct table *t, struct row *row)
{
	char *p = t->text, *field;
	size_t i;

	*row = (struct row){ .action = "", .resource = "", .expected = "",
		.key_count = t->s->context->count };
	t->list_count = 0;
	for (i = 0; (field = strsep(&p, "\t")) != NULL; i++) {
		if (i == t->n)
			return bad(t, "it has more fields than there are columns");
		if (take_field(t, &t->columns[i], field, row) != 0)
			return -1;
	}
	return 0;
}

/* ---- the answer ---- */

static void
put_number(struct buf *b, unsigned n)
{
	char text[12];
	char *p = text + sizeof(text);

	do {
		*--p = (char)('0' + n % 10);
	} while ((n /= 10) > 0);
	buf_put(b, p, (size_t)(text + sizeof(text) - p));
}

/* The decision, and the first statement that made it. */
static void
put_line(struct buf *b, const struct pol_decision *d)
{
	const struct pol_match *m = &d->matches[0];

	buf_puts(b, simulate_decision(d->effect));
	if (d->match_count > 0 && d->effect != POL_IMPLICIT_DENY) {
		buf_putc(b, '\t');
		buf_puts(b, m->policy);
		buf_putc(b, '\t');
		put_number(b, m->statement + 1);
	}
	buf_putc(b, '\n');
}

static int
compare(struct table *t, const struct row *row, const struct pol_decision *d)
{
	const char *got = simulate_decision(d->effect);
	struct op_call *c = t->s->c;

	if (row->expected[0] == '\0' || strcmp(row->expected, got) == 0)
		return 0;
	if (strcmp(row->expected, "allowed") != 0 &&
	    strcmp(row->expected, "explicitDeny") != 0 &&
	    strcmp(row->expected, "implicitDeny") != 0)
		return bad(t, "EvalDecision is allowed, explicitDeny or implicitDeny");
	if (t->wrong++ >= TOLD_MAX)
		return 0;
	return list_add(c, c->warnings, json_sprintf("Requests, line %lu: %s, not %s as"
	    " expected.", t->line, got, row->expected));
}

static int
decide(struct table *t, const struct row *row)
{
	struct simulate_request q = { row->action, row->resource, t->keys,
		row->key_count, t->s->context->now_s };
	struct pol_decision d;

	if (row->resource[0] == '\0')
		q.resource = t->s->host_arn[0] != '\0' &&
		    strncmp(row->action, "host:", 5) == 0 ? t->s->host_arn : "*";
	if (simulate_check_action(t->s->c, row->action) != 0)
		return -1;
	if (!simulate_is_resource(q.resource))
		return bad(t, "a resource is an ARN of at most 2048 bytes, or *");
	if (context_now(t->s->c, t->keys, row->key_count, &q.now_s) != 0 ||
	    t->s->decide(t->s->arg, &q, &d, NULL) != 0)
		return -1;
	t->requests++;
	put_line(&t->s->c->lines, &d);
	return compare(t, row, &d);
}

/* Which line it was, for errors that do not know. */
static int
with_line(struct table *t)
{
	struct op_call *c = t->s->c;
	char text[sizeof(c->error_text)];

	if (strncmp(c->error_text, "Requests, line", 14) == 0)
		return -1;
	snprintf(text, sizeof(text), "%s", c->error_text);
	return op_fail(c, c->error_code, "Requests, line %lu: %.900s", t->line, text);
}

static int
all_lines(struct table *t)
{
	const char *p = op_str(t->s->c, "Requests");
	struct row row;
	bool more;

	if (next_line(t, &p, &more) != 0 || (!more && bad(t, "there is no line") != 0) ||
	    read_columns(t) != 0)
		return -1;
	for (;;) {
		if (next_line(t, &p, &more) != 0)
			return -1;
		if (!more)
			return 0;
		if (read_row(t, &row) != 0 || decide(t, &row) != 0)
			return with_line(t);
	}
}

static int
sum_up(struct table *t)
{
	struct op_call *c = t->s->c;

	if (t->wrong == 0)
		return 0;
	c->exit_status = 1;
	return list_add(c, c->warnings, json_sprintf("%lu of %lu decisions are not as"
	    " expected.", t->wrong, t->requests));
}

int
simulate_lines(struct simulation *s)
{
	struct table *t = calloc(1, sizeof(*t));
	size_t i;
	int r = -1;

	if (t == NULL)
		return no_memory(s->c);
	t->s = s;
	if (op_has(s->c, "ActionNames") || op_has(s->c, "ResourceArns"))
		op_fail(s->c, "InvalidInput", "Actions and resources stand in the table"
		    " of --requests: leave out --action-names and --resource-arns.");
	else if (all_lines(t) == 0 && sum_up(t) == 0)
		r = s->c->lines.err != 0 ? no_memory(s->c) : 0;
	for (i = 0; i < t->n; i++)
		free(t->columns[i].name);
	free(t);
	return r;
}
