/*
 * Subordinate ids that may be given out. The rules are those of unix_name.c: what
 * was ever given out is never given again, whoever has it (S26).
 */
#include "common/base/base.h"

#include <stdlib.h>
#include <unistd.h>

#include "iamctl/util.h"

/* Does a line "name:start:count" of subuid(5) touch the range? One that cannot be
 * read does not: shadow's tools pass over it, too. */
static bool
touches(const char *line, uint64_t first)
{
	const char *p = strchr(line, ':');
	uint64_t start, count;
	char *end;

	if (p == NULL)
		return false;
	start = strtoull(p + 1, &end, 10);
	if (*end != ':')
		return false;
	count = strtoull(end + 1, NULL, 10);
	return count > 0 && start < first + IAM_SUBID_COUNT &&
	    (count > UINT64_MAX - start || first < start + count);
}

static int
local_file_has(struct op_call *c, const char *path, uint32_t first, bool *ret)
{
	char *line = NULL;
	size_t room = 0;
	FILE *f;
	int fd, r;

	r = file_open(path, FILE_ROOT_ONLY, &fd, NULL);
	if (r == IAM_ERR_ABSENT)
		return 0;
	if (r != 0)
		return op_fail_err(c, r, path);
	if ((f = fdopen(fd, "re")) == NULL) {
		close(fd);
		return no_memory(c);
	}
	while (getline(&line, &room, f) >= 0)
		*ret |= touches(line, first);
	free(line);
	fclose(f);
	return 0;
}

static int
local_has(struct op_call *c, uint32_t first, bool *ret)
{
	*ret = false;
	return local_file_has(c, IAM_PATH_SUBUID, first, ret) != 0 ||
	    local_file_has(c, IAM_PATH_SUBGID, first, ret) != 0 ? -1 : 0;
}

static int
claim(struct op_call *c, const struct host_limits *limits, uint32_t wanted,
    uint32_t *ret)
{
	bool local;
	int r;

	if (wanted < limits->subid_min || wanted > limits->subid_max ||
	    wanted % IAM_SUBID_COUNT != 0)
		return op_fail(c, "InvalidInput", "Subordinate ids do not begin at %u:"
		    " they lie within %u to %u and begin at a multiple of %u.", wanted,
		    limits->subid_min, limits->subid_max, IAM_SUBID_COUNT);
	if (local_has(c, wanted, &local) != 0)
		return -1;
	r = local ? IAM_ERR_LIMIT : store_next_ids(c->store, wanted,
	    wanted + (IAM_SUBID_COUNT - 1), IAM_SUBID_COUNT, ret);
	if (r == IAM_ERR_LIMIT)
		return op_fail(c, "EntityAlreadyExists", "The subordinate ids from %u are"
		    " or were in use, and ids are never used twice.", wanted);
	return r != 0 ? op_fail_err(c, r, "No subordinate ids could be given") : 0;
}

int
subordinate_ids_new(struct op_call *c, uint32_t wanted, uint32_t *ret)
{
	struct host_limits limits;
	bool local;
	int r;

	if (host_limits_get(c, &limits) != 0)
		return -1;
	if (wanted != 0)
		return claim(c, &limits, wanted, ret);
	do {
		r = store_next_ids(c->store, limits.subid_min, limits.subid_max,
		    IAM_SUBID_COUNT, ret);
		if (r == IAM_ERR_LIMIT)
			return op_fail(c, "LimitExceeded", "The subordinate ids from %u to"
			    " %u are used up; widen \"subordinateIds\" in %s.",
			    limits.subid_min, limits.subid_max, IAM_PATH_SETTINGS);
		if (r != 0)
			return op_fail_err(c, r, "No subordinate ids could be given");
		if (local_has(c, *ret, &local) != 0)
			return -1;
	} while (local);
	return 0;
}
