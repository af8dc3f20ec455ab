/*
 * LookupEvents: from the newest record to the oldest, past damaged lines.
 */
#include "common/base/base.h"
#include "common/trail/trail_read.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define CHUNK ((size_t)64 * 1024)

int
trail_read_open(const char *file, int *ret_fd, off_t *ret_size)
{
	struct stat st;
	int fd, r;

	if ((r = file_open(file, FILE_ROOT_ONLY, &fd, NULL)) != 0)
		return r;
	/* Under the lock, the end of the file is the end of a record. Without
	 * it (a writer that hangs) there may be half a line more. */
	(void)trail_lock(fd, LOCK_SH, TRAIL_LOCK_WAIT_MS);
	r = fstat(fd, &st) == 0 ? 0 : IAM_ERR_IO;
	flock(fd, LOCK_UN);
	if (r != 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	*ret_size = st.st_size;
	return 0;
}

json_t *
trail_read_record(const char *line, size_t len)
{
	json_t *record;

	if (len > TRAIL_LINE_MAX)
		return NULL;
	record = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (record != NULL && !json_is_object(record)) {
		json_decref(record);
		record = NULL;
	}
	return record;
}

/* ---- lines, backwards ---- */

struct back {
	int fd;
	off_t pos;     /* what is before it has not been read */
	char *p;       /* TRAIL_LINE_MAX + 1 + CHUNK bytes */
	size_t len;
	bool too_long; /* the line at the end of p has lost its end */
	bool done;
};

static int
read_before(struct back *k)
{
	size_t n = k->pos < (off_t)CHUNK ? (size_t)k->pos : CHUNK, got = 0;
	ssize_t r;

	memmove(k->p + n, k->p, k->len);
	while (got < n) {
		r = pread(k->fd, k->p + got, n - got, k->pos - (off_t)(n - got));
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return IAM_ERR_IO;
		got += (size_t)r;
	}
	k->pos -= (off_t)n;
	k->len += n;
	return 0;
}

/* *ret_line NULL: at the beginning of the file. Lines that are too long are
 * given as empty ones. Borrowed until the next call. */
static int
line_before(struct back *k, const char **ret_line, size_t *ret_len)
{
	const char *nl;
	size_t start;
	int r;

	*ret_line = NULL;
	if (k->done)
		return 0;
	while ((nl = memrchr(k->p, '\n', k->len)) == NULL && k->pos > 0) {
		if (k->len > TRAIL_LINE_MAX) {
			k->too_long = true;
			k->len = 0;
		}
		if ((r = read_before(k)) != 0)
			return r;
	}
	start = nl == NULL ? 0 : (size_t)(nl - k->p) + 1;
	*ret_line = k->p + start;
	*ret_len = k->too_long ? 0 : k->len - start;
	k->too_long = false;
	k->done = nl == NULL;
	k->len = nl == NULL ? 0 : start - 1;
	return 0;
}

/* ---- the filter ---- */

static const char *
text_at(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static bool
same(const char *want, const char *have)
{
	return want == NULL || (have != NULL && strcmp(want, have) == 0);
}

/* As LookupEvents shows it: the user's name; the session's, behind a role; "root". */
static const char *
username_of(const json_t *record)
{
	const json_t *who = json_object_get(record, "userIdentity");
	const char *name = text_at(who, "userName"), *type = text_at(who, "type");
	const char *arn = text_at(who, "arn");

	if (name != NULL)
		return name;
	if (type != NULL && strcmp(type, "Root") == 0)
		return "root";
	if (arn == NULL || strrchr(arn, '/') == NULL)
		return NULL;
	return strrchr(arn, '/') + 1;
}

/* An ARN in full, or the name at its end. */
static bool
names(const char *arn, const char *want)
{
	size_t have_len, want_len = strlen(want);

	if (arn == NULL)
		return false;
	if (strcmp(arn, want) == 0)
		return true;
	have_len = strlen(arn);
	return have_len > want_len && strcmp(arn + have_len - want_len, want) == 0 &&
	    strchr("/:", arn[have_len - want_len - 1]) != NULL;
}

/* The record's resources, and the parameters of a request that name one. */
static bool
has_resource(const json_t *record, const char *want)
{
	static const char *const params[] = { "userName", "groupName", "roleName",
		"policyName", "policyArn", "serialNumber", "virtualMFADeviceName",
		"sSHPublicKeyId", "roleArn" };
	const json_t *request = json_object_get(record, "requestParameters");
	json_t *resource;
	size_t i;

	json_array_foreach (json_object_get(record, "resources"), i, resource) {
		if (names(text_at(resource, "ARN"), want))
			return true;
	}
	for (i = 0; i < IAM_COUNT(params); i++) {
		if (names(text_at(request, params[i]), want))
			return true;
	}
	return false;
}

static bool
in_time(const json_t *record, const struct trail_filter *f)
{
	const char *when = text_at(record, "eventTime");
	char bound[TZ_ISO_LEN];

	if (f->start_s == 0 && f->end_s == 0)
		return true;
	if (when == NULL || strlen(when) != TZ_ISO_LEN - 1)
		return false;
	tz_iso(f->start_s, bound); /* this form sorts as time does */
	if (f->start_s != 0 && strcmp(when, bound) < 0)
		return false;
	tz_iso(f->end_s, bound);
	return f->end_s == 0 || strcmp(when, bound) <= 0;
}

static bool
read_only_is(const json_t *record, const char *want)
{
	const json_t *v = json_object_get(record, "readOnly");

	if (want == NULL)
		return true;
	return json_is_boolean(v) &&
	    strcmp(want, json_is_true(v) ? "true" : "false") == 0;
}

static bool
matches(const json_t *record, const struct trail_filter *f)
{
	return same(f->event_id, text_at(record, "eventID")) &&
	    same(f->event_name, text_at(record, "eventName")) &&
	    same(f->event_source, text_at(record, "eventSource")) &&
	    same(f->username, f->username == NULL ? NULL : username_of(record)) &&
	    read_only_is(record, f->read_only) && in_time(record, f) &&
	    (f->resource_name == NULL || has_resource(record, f->resource_name));
}

static bool
line_matches(const char *line, size_t len, const struct trail_filter *f)
{
	json_t *record;
	bool yes;

	/* An id is written without escapes: most lines need no parsing. */
	if (f->event_id != NULL &&
	    memmem(line, len, f->event_id, strlen(f->event_id)) == NULL)
		return false;
	if ((record = trail_read_record(line, len)) == NULL)
		return false;
	yes = matches(record, f);
	json_decref(record);
	return yes;
}

int
trail_lookup(const char *file, const struct trail_filter *f, trail_visit *visit,
    void *arg)
{
	struct back k = { .fd = -1 };
	const char *line;
	size_t len;
	int r;

	if ((r = trail_read_open(file, &k.fd, &k.pos)) != 0)
		return r;
	if ((k.p = malloc(TRAIL_LINE_MAX + 1 + CHUNK)) == NULL)
		r = IAM_ERR_MEMORY;
	while (r == 0 && (r = line_before(&k, &line, &len)) == 0 && line != NULL) {
		if (len > 0 && line_matches(line, len, f) && !visit(arg, line, len))
			break;
	}
	free(k.p);
	close(k.fd);
	return r;
}
