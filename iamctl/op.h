/*
 * The operation table: every management operation is one row, and is not
 * reachable around its row. From a row come the command line (create-user
 * --user-name), its help, completion and manual section, the authorization
 * check, the audit event, and later a network API.
 *
 * Names, types, limits and errors are AWS's (botocore's models of iam, sts,
 * cloudtrail and accessanalyzer); what a Unix host adds is marked as such.
 */
#ifndef IAM_IAMCTL_OP_H
#define IAM_IAMCTL_OP_H

#include <jansson.h>
#include <stdbool.h>

#include "common/base/base.h"
#include "common/store/store.h"

enum op_type {
	OP_STRING,  /* min..max bytes; check may name a pattern */
	OP_DOCUMENT,/* a policy document: text, file://… read by the front */
	OP_INT,     /* min..max */
	OP_BOOL,    /* --flag / --no-flag */
	OP_LIST,    /* list of strings: --action-names a b c, or JSON */
	OP_TAGS,    /* list of {Key,Value}: --tags Key=a,Value=b …, or JSON */
	OP_TAG_KEYS,/* list of strings */
	OP_STRUCTS, /* list of objects: JSON, or shorthand Name=…,Values=… */
	OP_SECRET,  /* never on the command line: --x-stdin, or asked on the terminal */
	OP_OUTFILE, /* a file that the front makes from c->outfile; the handler sees its name */
	OP_INFILE,  /* text, or file://… read by the front; too large and too secret for events */
};

/* OP_CODE6: 6 or 8 ASCII digits. Like OP_SECRET, never part of an event or a log. */
enum op_pattern { OP_ANY = 0, OP_IAM_NAME, OP_PATH, OP_ARN, OP_CODE6, OP_ACCOUNT_ALIAS,
	OP_UNIX_NAME, OP_UNIX_PATH, OP_PATH_PREFIX };

struct op_param {
	const char *name;       /* "UserName": JSON and events; the option is --user-name */
	enum op_type type;
	bool required;
	long min, max;          /* bytes or value; 0,0: no bound of its own */
	enum op_pattern pattern;
	const char *choices;    /* "Active|Inactive", NULL: any. OP_STRUCTS: the members,
	                         * "ContextKeyName|ContextKeyValues[]"; [] makes one value a list */
	const char *fallback;   /* default, as text; NULL: none */
	const char *help;       /* one sentence */
};

struct op_call; /* below */
struct op_face;

/* Beyond the caller's policies, who may call an operation? */
enum op_access {
	OP_ACCESS_POLICY = 0,   /* nobody */
	OP_ACCESS_ANY,          /* everyone: it takes nothing in and tells nothing (publish) */
	OP_ACCESS_OWN_PASSWORD, /* a user for herself, where the password policy says
	                         * AllowUsersToChangePassword and no policy denies it: ChangePassword */
	OP_ACCESS_SELF,         /* a user for herself, where no policy denies it; the row
	                         * itself says when */
	OP_ACCESS_TRUST,        /* whom the trust policy of the role RoleArn lets, too */
};

struct op {
	const char *name;       /* "CreateUser" */
	const char *service;    /* "iam", "sts", "host", "cloudtrail", "access-analyzer":
	                         * action is service:name, eventSource follows */
	const char *summary;    /* one sentence for help and manual */
	const struct op_param *params; /* ends with a NULL name */
	const char *resource;   /* ARN template with {account}, {path}, {UserName}, …; NULL: "*" */
	const char *target;     /* what it becomes, with {NewPath}, {NewUserName}, …: to be allowed
	                         * as well, as AWS asks of a renaming; usually left out */
	bool read_only;
	bool needs_init;        /* false only for init, doctor and the like */
	int (*run)(struct op_call *c); /* 0, or an error set with op_fail */
	const char *columns;    /* table output: members, comma-separated; NULL: all */
	enum op_access access;  /* usually left out */
	/* With --output table: drawn for people, at most 80 columns wide, in place
	 * of a table of columns. show_first: also without --output. */
	void (*show)(const json_t *in, const json_t *out, const struct op_face *face,
	    struct buf *ret);
	bool show_first;
};

/* Where an answer is drawn. */
struct op_face {
	bool color, utf8; /* what the terminal takes; both false for a pipe or a file */
};

/* What a handler gets and gives. */
struct op_call {
	const struct op *op;
	struct store *store;    /* in a transaction for operations that write; NULL if !needs_init */
	json_t *in;             /* object, validated against params; borrowed */
	json_t *out;            /* object to be filled by the handler; {} = no output */
	const char *account_id; /* NULL before init */
	int64_t now_s;
	int64_t caller_mfa_s;   /* when the caller proved MFA in her login session; 0: did not */
	bool caller_temporary;  /* her session began with a certificate, or is not known */
	json_t *caller;         /* {Arn, UserId, Account, UserName?}, of a role see caller.h; borrowed */
	/* filled by op_fail */
	const char *error_code; /* "NoSuchEntity" */
	char error_text[1024];
	bool publish;           /* snapshots must follow; set to !op->read_only by the front */
	bool utf8;              /* the terminal takes UTF-8; set by the front */
	/* Given beside out by a handler. BUF_INIT before; the front writes them and
	 * wipes them with buf_release. They may hold secrets: never in an event. */
	struct buf outfile;     /* content of the OP_OUTFILE parameter's file: mode 0600, O_EXCL */
	struct buf lines;       /* printed as they are in place of out, in every format */
	struct buf picture;     /* lines for a person: to a terminal only (stdout with
	                         * --output text or table, else stderr), never to a pipe or a log */
	/* Members of out, at any depth, that events must not carry: a list that
	 * ends with NULL, or NULL itself. Constant. */
	const char *const *secret_members;
	json_t *warnings;       /* array of strings, each a line on stderr; append to it */
	bool event_answer;      /* the event has the answer, although the row is read-only */
	bool dry_run;           /* after success: roll back and publish nothing */
	bool changed;           /* something outside the store was changed (host.json) */
	int exit_status;        /* after success: 0 unless a handler says otherwise (doctor) */
};

/* Set AWS's error code and a message; returns -1 to be returned. A message
 * names the thing, the reason and the mend. */
int op_fail(struct op_call *c, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same from an iam_err of a library: ServiceFailure with its text. */
int op_fail_err(struct op_call *c, int err, const char *what);

/* Typed access to c->in; NULL / fallback when absent. */
const char *op_str(const struct op_call *c, const char *name);
long op_int(const struct op_call *c, const char *name, long fallback);
bool op_bool(const struct op_call *c, const char *name, bool fallback);
bool op_has(const struct op_call *c, const char *name);

/* The tables, one file per noun, each ending with a NULL name. */
extern const struct op ops_user[], ops_group[], ops_role[], ops_policy[], ops_login[],
    ops_adopt[], ops_password_policy[], ops_mfa[], ops_enrol[], ops_recovery[], ops_sshkey[], ops_token[], ops_assume[],
    ops_account[], ops_access[], ops_trail[], ops_explain[], ops_host[];

/* The tables with the titles that help and manual give them; ends with a NULL title. */
struct op_group {
	const char *title; /* "Users" */
	const struct op *ops;
};
const struct op_group *op_groups(void);

/* All rows, in one list ending with NULL. */
const struct op *const *op_all(void);
const struct op *op_find(const char *name); /* "CreateUser" or "create-user" */
const struct op_param *op_param_find(const struct op *op, const char *name);

/*
 * "SSHPublicKeyId" -> "ssh-public-key-id", as botocore's xform_name does:
 * names longer than OP_KEBAB_MAX - 1 bytes do not exist.
 */
#define OP_KEBAB_MAX 80
void op_kebab(const char *name, char ret[OP_KEBAB_MAX]);

#endif
