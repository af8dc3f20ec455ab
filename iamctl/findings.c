#include "common/base/base.h"

#include "iamctl/findings.h"

struct position {
	const char *p; /* in the text */
	unsigned line, column;
	size_t offset;
};

/* One character on; a byte sequence of UTF-8 is one. */
static void
step(struct position *at)
{
	if (*at->p == '\n') {
		at->line++;
		at->column = 0;
	} else
		at->column++;
	at->offset++;
	do {
		at->p++;
	} while (((unsigned char)*at->p & 0xc0) == 0x80);
}

static struct position
seek(const char *text, unsigned line, unsigned col)
{
	struct position at = { .p = text, .line = 1 };

	while (*at.p != '\0' && (at.line < line ||
	    (at.line == line && at.column + 1 < col)))
		step(&at);
	return at;
}

static void
skip_string(struct position *at)
{
	step(at);
	while (*at->p != '\0' && *at->p != '"') {
		if (*at->p == '\\' && at->p[1] != '\0')
			step(at);
		step(at);
	}
	if (*at->p != '\0')
		step(at);
}

/* The end of the JSON value that begins here; one character for anything else. */
static struct position
value_end(struct position at)
{
	unsigned depth = 0;

	do {
		if (*at.p == '"') {
			skip_string(&at);
			continue;
		}
		if (*at.p == '{' || *at.p == '[')
			depth++;
		else if ((*at.p == '}' || *at.p == ']') && depth > 0)
			depth--;
		if (*at.p != '\0')
			step(&at);
		/* A number or a word goes on to what cannot be in it. */
		while (depth == 0 && *at.p != '\0' &&
		    strchr(" \t\r\n,:]}[{\"", at.p[-1]) == NULL &&
		    strchr(" \t\r\n,:]}", *at.p) == NULL)
			step(&at);
	} while (depth > 0 && *at.p != '\0');
	return at;
}

static json_t *
position_shape(const struct position *at)
{
	return json_pack("{s:i,s:i,s:I}", "line", (int)at->line, "column",
	    (int)at->column, "offset", (json_int_t)at->offset);
}

/* "Statement[0].Action" -> [{value: Statement}, {index: 0}, {value: Action}] */
static json_t *
path_shape(const char *path)
{
	json_t *ret = json_array(), *item;
	size_t len;
	char *end;

	while (ret != NULL && *path != '\0') {
		if (*path == '[') {
			item = json_pack("{s:i}", "index",
			    (int)strtol(path + 1, &end, 10));
			path = *end == ']' ? end + 1 : end;
		} else {
			len = strcspn(path, "[.");
			item = json_pack("{s:s%}", "value", path, len);
			path += len;
		}
		if (json_array_append_new(ret, item) != 0) {
			json_decref(ret);
			return NULL;
		}
		path += *path == '.' ? 1 : 0;
	}
	return ret;
}

static json_t *
locations_shape(const char *text, const struct pol_finding *f)
{
	struct position start, end;

	if (f->line == 0)
		return json_array();
	start = seek(text, f->line, f->col);
	end = value_end(start);
	return json_pack("[{s:o,s:{s:o,s:o}}]", "path",
	    path_shape(f->path != NULL ? f->path : ""), "span", "start",
	    position_shape(&start), "end", position_shape(&end));
}

static const char *
type_name(enum pol_severity severity)
{
	switch (severity) {
	case POL_ERROR:
		return "ERROR";
	case POL_SECURITY_WARNING:
		return "SECURITY_WARNING";
	case POL_WARNING:
		return "WARNING";
	case POL_SUGGESTION:
		break;
	}
	return "SUGGESTION";
}

json_t *
findings_shape(const char *text, const struct pol_findings *findings)
{
	json_t *ret = json_array();
	const struct pol_finding *f;
	size_t i;

	for (i = 0; ret != NULL && i < findings->n; i++) {
		f = &findings->v[i];
		if (json_array_append_new(ret, json_pack("{s:s,s:s,s:s,s:s,s:o}",
		    "findingDetails", f->text, "findingType", type_name(f->severity),
		    "issueCode", f->code, "learnMoreLink", "man:iam-policy(5)",
		    "locations", locations_shape(text, f))) != 0) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}
