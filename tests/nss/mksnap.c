/*
 * mksnap REVISION FILE: a public snapshot from lines of standard input.
 *
 *     user NAME UID HOME SHELL
 *     person NAME UID HOME SHELL     a user with a private group, as they are published
 *     group NAME GID [MEMBER...]
 *     member NAME GID...
 *     key NAME LINE
 *     subids NAME UID START
 */
#include "common/base/base.h"
#include "common/snapshot/accounts.h"

#include <endian.h>
#include <err.h>
#include <stdio.h>

static uint32_t
number(const char *s)
{
	uint32_t v;

	if (s == NULL || !name_parse_u32(s, &v))
		errx(1, "not a number: %s", s == NULL ? "" : s);
	return v;
}

static void
add(struct snap_builder *b, enum snap_table t, const void *key, size_t len,
    const struct buf *v)
{
	int r = v->err;

	if (r == 0)
		r = snap_builder_add(b, t, key, len, buf_cstr(v), v->len);
	if (r != 0)
		errx(1, "%s", iam_strerror(r));
}

static void
line(struct snap_builder *b, char *text)
{
	char *save = NULL, *word = strtok_r(text, " ", &save);
	char *name = strtok_r(NULL, " ", &save), *s;
	struct buf v = BUF_INIT, m = BUF_INIT;
	struct snap_group g = { 0 };
	struct snap_user u = { 0 };
	uint32_t id;

	if (word == NULL || name == NULL)
		return;
	if (strcmp(word, "user") == 0 || strcmp(word, "person") == 0) {
		u.private_group = word[0] == 'p';
		u.uid = u.gid = number(strtok_r(NULL, " ", &save));
		u.name = name;
		u.gecos = "";
		u.home = strtok_r(NULL, " ", &save);
		u.shell = strtok_r(NULL, " ", &save);
		id = htole32(u.uid);
		snap_user_encode(&u, &v);
		add(b, SNAP_USER_NAME, name, strlen(name), &v);
		add(b, SNAP_USER_UID, &id, sizeof(id), &v);
	} else if (strcmp(word, "group") == 0) {
		g.name = name;
		g.gid = number(strtok_r(NULL, " ", &save));
		for (; (s = strtok_r(NULL, " ", &save)) != NULL; g.member_count++)
			buf_put(&m, s, strlen(s) + 1);
		g.members = buf_cstr(&m);
		g.members_len = m.len;
		id = htole32(g.gid);
		snap_group_encode(&g, &v);
		add(b, SNAP_GROUP_NAME, name, strlen(name), &v);
		add(b, SNAP_GROUP_GID, &id, sizeof(id), &v);
	} else if (strcmp(word, "member") == 0) {
		while ((s = strtok_r(NULL, " ", &save)) != NULL)
			buf_u32(&v, number(s));
		add(b, SNAP_MEMBER_OF, name, strlen(name), &v);
	} else if (strcmp(word, "key") == 0) {
		buf_printf(&v, "%s\n", strtok_r(NULL, "", &save));
		add(b, SNAP_SSH_KEYS, name, strlen(name), &v);
	} else if (strcmp(word, "subids") == 0) {
		const struct snap_subids r = {
			.owner = name,
			.uid = number(strtok_r(NULL, " ", &save)),
			.start = number(strtok_r(NULL, " ", &save)),
			.count = IAM_SUBID_COUNT,
		};
		char start[SNAP_SUBIDS_KEY_MAX];

		snap_subids_key(r.start, start);
		snap_subids_encode(&r, &v);
		add(b, SNAP_SUBIDS, name, strlen(name), &v);
		add(b, SNAP_SUBIDS, start, strlen(start), &v);
	} else {
		errx(1, "unknown word: %s", word);
	}
	buf_release(&v);
	buf_release(&m);
}

int
main(int argc, char **argv)
{
	struct snap_builder *b;
	char *text = NULL;
	size_t room = 0;
	int r;

	if (argc != 3)
		errx(2, "usage: mksnap REVISION FILE");
	if ((r = snap_builder_new(SNAP_PUBLIC, number(argv[1]), 0, &b)) != 0)
		errx(1, "%s", iam_strerror(r));
	while (getline(&text, &room, stdin) >= 0) {
		text[strcspn(text, "\n")] = '\0';
		line(b, text);
	}
	free(text);
	if ((r = snap_builder_write(b, argv[2], 0644, (gid_t)-1)) != 0)
		errx(1, "%s: %s", argv[2], iam_strerror(r));
	snap_builder_free(b);
	return 0;
}
