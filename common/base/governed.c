#include "common/base/base.h"
#include "common/base/governed.h"

#include <string.h>
#include <unistd.h>

#define GOVERNED_FILE_MAX ((size_t)16 << 20)

struct rules {
	uint32_t id_min, id_max;
	bool adopted; /* the name in question is */
};

/* One line of the file; unknown words are left for later versions. */
static void
rule_line(char *line, const char *name, struct rules *r)
{
	char *save = NULL, *word, *a, *b;
	uint32_t min, max;

	word = strtok_r(line, " ", &save);
	if (word == NULL || word[0] == '#')
		return;
	a = strtok_r(NULL, " ", &save);
	b = strtok_r(NULL, " ", &save);
	if (strcmp(word, "adopt") == 0 && a != NULL && strcmp(a, name) == 0)
		r->adopted = true;
	if (strcmp(word, "range") == 0 && a != NULL && b != NULL &&
	    name_parse_u32(a, &min) && name_parse_u32(b, &max) && min > 0 &&
	    min <= max) {
		r->id_min = min;
		r->id_max = max;
	}
}

static void
rules_read(const char *path, const char *name, struct rules *r)
{
	struct buf text = BUF_INIT;
	char *save = NULL, *line;

	r->id_min = IAM_ID_MIN_DEFAULT;
	r->id_max = IAM_ID_MAX_DEFAULT;
	r->adopted = false;
	if (file_read(path, FILE_ROOT_ONLY, GOVERNED_FILE_MAX, &text) == 0 &&
	    text.p != NULL) {
		for (line = strtok_r((char *)text.p, "\n", &save); line != NULL;
		    line = strtok_r(NULL, "\n", &save))
			rule_line(line, name, r);
	}
	buf_release(&text);
}

/* Is this passwd(5) line the account's? glibc skips malformed lines as well. */
static bool
passwd_line(char *line, const char *name, uint32_t *ret)
{
	char *save = line, *field = NULL;
	int i;

	for (i = 0; i < 3; i++) {
		if ((field = strsep(&save, ":")) == NULL)
			return false;
		if (i == 0 && strcmp(field, name) != 0)
			return false;
	}
	return save != NULL && name_parse_u32(field, ret);
}

/* The uid of a name in a passwd(5) file; false when it is not there. Not with
 * fgetpwent_r: that stops at a line longer than its buffer, and everyone after it
 * would be locked out (S0). */
static bool
local_uid(const char *path, const char *name, uint32_t *ret)
{
	size_t size = 0;
	char *line = NULL;
	bool found = false;
	FILE *f;
	int fd;

	if (file_open(path, FILE_ROOT_ONLY, &fd, NULL) != 0)
		return false;
	if ((f = fdopen(fd, "re")) == NULL) {
		close(fd);
		return false;
	}
	while (!found && getline(&line, &size, f) >= 0)
		found = passwd_line(line, name, ret);
	free(line);
	fclose(f);
	return found;
}

enum governed
governed_without_snapshot(const char *name, const char *governed_path,
    const char *passwd_path)
{
	struct rules rules;
	uint32_t uid;

	if (strcmp(name, "root") == 0)
		return GOVERNED_NO;
	if (!local_uid(passwd_path, name, &uid))
		return GOVERNED_YES;
	if (uid == 0)
		return GOVERNED_NO;
	rules_read(governed_path, name, &rules);
	if (rules.adopted || (uid >= rules.id_min && uid <= rules.id_max))
		return GOVERNED_YES;
	return GOVERNED_NO;
}

bool
governed_adopted(const char *name, const char *governed_path)
{
	struct rules rules;

	rules_read(governed_path, name, &rules);
	return rules.adopted;
}

static void
rules_text(struct buf *b, uint32_t id_min, uint32_t id_max,
    const char *const *adopted, unsigned count)
{
	unsigned i;

	buf_puts(b, "# Made by iamctl at every change; read when the snapshot"
	    " is damaged. Do not edit.\n");
	buf_printf(b, "range %u %u\n", id_min, id_max);
	for (i = 0; i < count; i++)
		buf_printf(b, "adopt %s\n", adopted[i]);
}

/* Does the file say so already? Then /etc may be read-only. */
static bool
is_current(const char *path, const struct buf *want)
{
	struct buf have = BUF_INIT;
	bool same;

	same = file_read(path, FILE_ROOT_ONLY, GOVERNED_FILE_MAX, &have) == 0 &&
	    have.len == want->len && memcmp(have.p, want->p, have.len) == 0;
	buf_release(&have);
	return same;
}

int
governed_write(const char *path, uint32_t id_min, uint32_t id_max,
    const char *const *adopted, unsigned count)
{
	struct buf b = BUF_INIT;
	int r;

	rules_text(&b, id_min, id_max, adopted, count);
	r = b.err;
	if (r == 0 && !is_current(path, &b))
		r = file_replace(path, b.p, b.len, 0644, (gid_t)-1);
	buf_release(&b);
	return r;
}
