/*
 * The command line: argv by the operation table into the JSON object that a
 * row's handler takes.
 *
 * Two steps, so that a mistake in the words is told to everyone, and files,
 * terminals and secrets are touched only for a caller who may go on: cli_parse
 * reads argv alone; cli_load fetches file://…, secrets and --cli-input-json.
 * Source: AWS Command Line Interface User Guide (options, shorthand, file://,
 * return codes).
 */
#ifndef IAM_IAMCTL_CLI_H
#define IAM_IAMCTL_CLI_H

#include <jansson.h>
#include <stdbool.h>

#include "common/base/base.h"
#include "iamctl/op.h"

/* Exit statuses, as the AWS command line has them. */
#define CLI_EXIT_USAGE 252
#define CLI_EXIT_SERVICE 254
#define CLI_EXIT_OTHER 255

enum cli_kind { CLI_RUN = 1, CLI_HELP, CLI_OP_HELP, CLI_VERSION, CLI_SKELETON,
	CLI_COMPLETE, CLI_MANUAL };
enum cli_format { CLI_JSON = 1, CLI_TABLE, CLI_TEXT };
enum cli_color { CLI_COLOR_AUTO = 1, CLI_COLOR_ON, CLI_COLOR_OFF };

#define CLI_GIVEN_MAX 64
#define CLI_ERROR_MAX 1024
#define CLI_FILE_MAX ((size_t)256 << 20) /* bytes of a file:// */

struct cli_given { /* one option of the operation, as it was typed */
	const struct op_param *param;
	const char *attached; /* after '=', or NULL */
	char **values;        /* count following words; borrowed from argv */
	int count;
	bool negated;         /* --no-x */
};

struct cli {
	enum cli_kind kind;
	enum cli_format format;
	enum cli_color color;
	const struct op *op;     /* of CLI_RUN, CLI_OP_HELP, CLI_SKELETON */
	const char *input_json;  /* --cli-input-json, borrowed from argv; NULL */
	char **rest;             /* of CLI_COMPLETE: the words; ends with NULL */
	unsigned given_count;
	struct cli_given given[CLI_GIVEN_MAX];
	json_t *in;              /* owned: cli_release; NULL before cli_load */
	char error[CLI_ERROR_MAX]; /* what is wrong with the command line */
};

/* How cli_load reaches the world. */
struct cli_io {
	void *arg;
	bool terminal; /* secrets can be asked for */
	/* Append the file's bytes. Non-zero: why says what is wrong. */
	int (*read_file)(void *arg, const char *path, struct buf *ret,
	    struct iam_why *why);
	/* One line of stdin, or an answer without echo. */
	int (*read_secret)(void *arg, const char *prompt, bool confirm,
	    struct secret *ret, struct iam_why *why);
};

/* 0, or -1 with *ret->error set: exit CLI_EXIT_USAGE. argv is borrowed. */
int cli_parse(int argc, char **argv, struct cli *ret);
/* Fill cli->in. 0, or -1 with cli->error set. */
int cli_load(struct cli *cli, const struct cli_io *io);
void cli_release(struct cli *cli);

/* The global options, for help, completion and suggestions. */
struct cli_option {
	const char *name, *value, *choices, *help;
};
extern const struct cli_option cli_options[]; /* ends with a NULL name */

/* Is word one of "a|b|c"? */
bool cli_is_choice(const char *choices, const char *word);

/* memory.c: JSON values are wiped when freed, and the program ends when there is
 * no memory for one. For main, before anything else. */
void cli_json_memory(void);

#endif
