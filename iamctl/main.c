/*
 * iamctl: from the command line to one row of the operation table and back.
 *
 * Runs as root for others. Rules kept here: nothing of the environment
 * but whether TERM is dumb; descriptors 0 to 2 are open; no file is made with
 * more rights than 0600; memory of JSON values is wiped; a caller's limits and
 * timers do not cut a change off from its event, and leave no core.
 */
#include "common/base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

#include "iamctl/call.h"
#include "iamctl/cli.h"
#include "iamctl/help.h"
#include "iamctl/input.h"
#include "iamctl/output.h"

/*
 * A closed standard output must fail when written to, and no file opened later
 * may take its place.
 */
static bool
open_standard_fds(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDONLY)) >= 0 && fd <= 2)
		;
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/*
 * What sudo hands on from its caller: a limit on file sizes or processor time,
 * or a timer, would end the process between a commit and its event.
 */
static void
drop_limits(void)
{
	static const int lifted[] = { RLIMIT_FSIZE, RLIMIT_CPU };
	static const int timers[] = { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	const struct rlimit none = { 0, 0 };
	const struct itimerval off = { { 0, 0 }, { 0, 0 } };
	size_t i;

	/* Those who are not root keep theirs: they change nothing. */
	for (i = 0; i < IAM_COUNT(lifted); i++)
		(void)setrlimit(lifted[i], &all);
	for (i = 0; i < IAM_COUNT(timers); i++)
		(void)setitimer(timers[i], &off, NULL);
	(void)setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

/* Returns whether the terminal, if it is one, takes colour. */
static bool
clean_process(void)
{
	const char *term = secure_getenv("TERM");
	bool color = term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;

	(void)clearenv();
	umask(077);
	drop_limits();
	cli_json_memory();
	return color;
}

/* The terminal driver knows whether it edits UTF-8; locales are the environment's. */
static bool
is_utf8(int fd)
{
	struct termios t;

	return tcgetattr(fd, &t) == 0 && (t.c_iflag & IUTF8) != 0;
}

/* Errors of an operation are told in AWS's words alone. */
static void
complain(const char *text)
{
	struct buf b = BUF_INIT;

	if (strncmp(text, "An error occurred", 17) != 0)
		buf_puts(&b, "iamctl: ");
	output_escape(&b, text, strlen(text));
	buf_putc(&b, '\n');
	(void)output_write(STDERR_FILENO, &b);
	buf_release(&b);
}

/* Print what is to be printed and say so if it could not be. */
static int
print(struct buf *b, bool changed, int status)
{
	char reason[128], text[256];
	int err = b->err != 0 ? b->err : output_write(STDOUT_FILENO, b);

	if (err != 0) {
		snprintf(text, sizeof(text), "the output could not be written: %s.%s",
		    err == IAM_ERR_IO ? strerror_r(errno, reason, sizeof(reason)) :
		    iam_strerror(err), changed ? " The change was made." : "");
		complain(text);
		status = CLI_EXIT_OTHER;
	}
	buf_release(b);
	return status;
}

/* ---- what needs no privilege ---- */

static int
print_help(const struct cli *cli)
{
	struct buf b = BUF_INIT;
	json_t *skeleton;

	switch (cli->kind) {
	case CLI_RUN:
		break;
	case CLI_HELP:
		help_overview(&b);
		break;
	case CLI_OP_HELP:
		help_operation(cli->op, &b);
		break;
	case CLI_VERSION:
		buf_puts(&b, "iamctl " IAM_VERSION "\n");
		break;
	case CLI_MANUAL:
		help_manual(&b);
		break;
	case CLI_COMPLETE:
		help_complete(cli->rest, &b);
		break;
	case CLI_SKELETON:
		skeleton = help_skeleton(cli->op);
		output_make(skeleton, CLI_JSON, cli->op->name, NULL, false, &b);
		json_decref(skeleton);
		break;
	}
	return print(&b, false, 0);
}

/* ---- running ---- */

static int
read_file(void *arg, const char *path, struct buf *ret, struct iam_why *why)
{
	return input_read_file(arg, path, CLI_FILE_MAX, ret, why);
}

static int
read_secret(void *arg, const char *prompt, bool confirm, struct secret *ret,
    struct iam_why *why)
{
	int r;

	(void)arg;
	if (isatty(STDIN_FILENO))
		return input_ask(prompt, confirm, ret, why);
	r = input_read_line(STDIN_FILENO, ret);
	if (r == IAM_ERR_ABSENT)
		iam_why_set(why, 0, 0, "standard input has no line");
	else if (r == IAM_ERR_LIMIT)
		iam_why_set(why, 0, 0, "the line is longer than %d bytes",
		    INPUT_SECRET_MAX);
	else if (r == IAM_ERR_FORMAT)
		iam_why_set(why, 0, 0, "the line has a NUL byte");
	else if (r != 0)
		iam_why_set(why, 0, 0, "%s", iam_strerror(r));
	return r;
}

static bool
may_run(void)
{
#ifdef IAM_TEST_BUILD
	return true;
#else
	return geteuid() == 0;
#endif
}

static void
show_picture(const struct cli *cli, const struct buf *picture)
{
	int fd = cli->format != CLI_JSON && isatty(STDOUT_FILENO) ?
	    STDOUT_FILENO : STDERR_FILENO;

	if (picture->len > 0 && isatty(fd))
		(void)output_write(fd, picture);
}

static void
make_answer(const struct cli *cli, const json_t *out, bool color, struct buf *ret)
{
	const struct op_face face = { color, is_utf8(STDOUT_FILENO) };

	if (cli->format == CLI_TABLE && cli->op->show != NULL)
		cli->op->show(cli->in, out, &face, ret);
	else
		output_make(out, cli->format, cli->op->name, cli->op->columns, color,
		    ret);
}

static int
show_reply(const struct cli *cli, struct call_reply *reply, bool color)
{
	struct buf b = BUF_INIT;
	json_t *text;
	size_t i;
	int status;

	json_array_foreach(reply->warnings, i, text)
		complain(json_string_value(text));
	if (cli->color != CLI_COLOR_AUTO)
		color = cli->color == CLI_COLOR_ON;
	else
		color = color && isatty(STDOUT_FILENO);
	if (reply->lines.len > 0)
		buf_put(&b, reply->lines.p, reply->lines.len);
	else if (reply->out != NULL)
		make_answer(cli, reply->out, color, &b);
	status = print(&b, reply->changed, reply->status);
	show_picture(cli, &reply->picture);
	if (reply->message[0] != '\0')
		complain(reply->message);
	return status;
}

static int
find_caller(const struct cli *cli, struct caller *ret)
{
	struct store_paths paths;
	struct iam_why why = { 0, 0, "" };

	memset(ret, 0, sizeof(*ret));
	/* Without the group there is no account, hence no session either. */
	if (call_paths(&paths, NULL) != 0 || !cli->op->needs_init)
		(void)caller_find(IAM_PATH_RUN, paths.auth_gid, ret, NULL);
	else if (caller_find(IAM_PATH_RUN, paths.auth_gid, ret, &why) != 0) {
		snprintf(why.text + strlen(why.text),
		    sizeof(why.text) - strlen(why.text),
		    "; so it is not known who calls. Run 'iamctl doctor' as root.");
		complain(why.text);
		return CLI_EXIT_OTHER;
	}
	return 0;
}

static int
run(struct cli *cli, bool color)
{
	struct caller who;
	struct call_reply reply = { 0 };
	struct cli_io io = { &who, isatty(STDIN_FILENO), read_file, read_secret };
	int status;

	if (!may_run()) {
		complain("This changes or reads the accounts of the host and is for "
		    "root: try 'sudo iamctl …'. 'iamctl help' works for everyone.");
		return CLI_EXIT_OTHER;
	}
	if ((status = find_caller(cli, &who)) != 0)
		return status;
	if (cli_load(cli, &io) != 0) {
		complain(cli->error);
		caller_release(&who);
		return CLI_EXIT_USAGE;
	}
	call_run(cli->op, cli->in, &who,
	    is_utf8(STDOUT_FILENO) || is_utf8(STDERR_FILENO), &reply);
	status = show_reply(cli, &reply, color);
	call_reply_release(&reply);
	caller_release(&who);
	return status;
}

int
main(int argc, char **argv)
{
	struct cli cli;
	bool color;
	int status;

	if (!open_standard_fds())
		return CLI_EXIT_OTHER;
	color = clean_process();
	if (cli_parse(argc, argv, &cli) != 0) {
		complain(cli.error);
		return CLI_EXIT_USAGE;
	}
	status = cli.kind == CLI_RUN ? run(&cli, color) : print_help(&cli);
	cli_release(&cli);
	return status;
}
