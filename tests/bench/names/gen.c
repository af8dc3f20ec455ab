/*
 * gen USERS DIR: the same people in the form of every peer.
 *
 *     passwd, group          passwd(5) and group(5): files, extrausers, db, nscd, SSSD
 *     *.cache.ixname, ixuid, ixgid
 *                            libnss-cache's indexes: key NUL offset, padded with NUL
 *                            to one width, sorted
 *     cdb                    input of cdb(1): ":NAME" and "=UID" -> the passwd line
 *     probe                  see limit_probe.c
 *     lines                  input of mksnap
 *
 * Each user has a private group and is in ten more; "everyone" has 10,000
 * members (all, where there are fewer).
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/bench/names/people.h"
#include "tests/bench/names/probe.h"

static unsigned users;
static const char *dir;

static FILE *
create(const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((f = fopen(path, "we")) == NULL)
		err(1, "%s", path);
	return f;
}

static void
done(FILE *f)
{
	if (ferror(f) || fclose(f) != 0)
		err(1, "write");
}

/* ---- an index of libnss-cache ---- */

struct entry {
	char key[24];
	long at;
};
struct index {
	struct entry *e;
	size_t n;
};

static void
note(struct index *x, const char *key, long at)
{
	if ((x->n & (x->n - 1)) == 0 &&
	    (x->e = reallocarray(x->e, x->n == 0 ? 1 : x->n * 2, sizeof(*x->e))) == NULL)
		err(1, "index");
	snprintf(x->e[x->n].key, sizeof(x->e[x->n].key), "%s", key);
	x->e[x->n++].at = at;
}

static int
by_key(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

static void
write_index(struct index *x, const char *name)
{
	FILE *f = create(name);
	char line[48];
	size_t i;

	qsort(x->e, x->n, sizeof(*x->e), by_key);
	for (i = 0; i < x->n; i++) {
		memset(line, 0, sizeof(line));
		line[sizeof(line) - 1] = '\n';
		snprintf(line, sizeof(line) - 1, "%s", x->e[i].key);
		snprintf(line + strlen(line) + 1, 16, "%ld", x->e[i].at);
		fwrite(line, sizeof(line), 1, f);
	}
	done(f);
	free(x->e);
}

/* ---- people ---- */

static void
cdb_entry(FILE *cdb, const char *key, const char *value)
{
	fprintf(cdb, "+%zu,%zu:%s->%s\n", strlen(key), strlen(value), key, value);
}

static void
write_users(void)
{
	FILE *passwd = create("passwd"), *cdb = create("cdb"), *lines = create("lines");
	struct index by_name = { 0 }, by_uid = { 0 };
	char name[24], key[32], line[160];
	unsigned i, n;
	long at;

	for (i = 0; i < users; i++) {
		user_name(i, name);
		snprintf(line, sizeof(line), "%s:x:%u:%u::/home/%s:/bin/bash", name,
		    USER_ID + i, USER_ID + i, name);
		at = ftell(passwd);
		fprintf(passwd, "%s\n", line);
		note(&by_name, name, at);
		snprintf(key, sizeof(key), "=%u", USER_ID + i);
		note(&by_uid, key + 1, at);
		cdb_entry(cdb, key, line);
		snprintf(key, sizeof(key), ":%s", name);
		cdb_entry(cdb, key, line);
		fprintf(lines, "person %s %u /home/%s /bin/bash\nmember %s",
		    name, USER_ID + i, name, name);
		for (n = 0; n < GROUPS_EACH; n++)
			fprintf(lines, " %u", group_id(users, i, n));
		fputc('\n', lines);
	}
	fputc('\n', cdb);
	write_index(&by_name, "passwd.cache.ixname");
	write_index(&by_uid, "passwd.cache.ixuid");
	done(passwd);
	done(cdb);
	done(lines);
}

struct group_out {
	FILE *group, *lines;
	struct index by_name, by_gid;
};

static void
begin_group(struct group_out *o, const char *name, uint32_t gid)
{
	char key[16];
	long at = ftell(o->group);

	fprintf(o->group, "%s:x:%u:", name, gid);
	fprintf(o->lines, "group %s %u", name, gid);
	snprintf(key, sizeof(key), "%u", gid);
	note(&o->by_name, name, at);
	note(&o->by_gid, key, at);
}

static void
member(struct group_out *o, unsigned i, bool first)
{
	char name[24];

	user_name(i, name);
	fprintf(o->group, first ? "%s" : ",%s", name);
	fprintf(o->lines, " %s", name);
}

static void
end_group(struct group_out *o)
{
	fputc('\n', o->group);
	fputc('\n', o->lines);
}

static void
write_team(struct group_out *o, unsigned set, unsigned team)
{
	char name[24];
	unsigned i, first = team;

	while (set == GROUPS_EACH - 1 && first < EVERYONE_MAX)
		first += teams(users);
	snprintf(name, sizeof(name), "team%u-%u", set, team);
	begin_group(o, name, TEAM_ID + set * TEAMS_MAX + team);
	for (i = first; i < users; i += teams(users))
		member(o, i, i == first);
	end_group(o);
}

static void
write_groups(void)
{
	struct group_out o = { create("group"), NULL, { 0 }, { 0 } };
	char name[24], path[4096];
	unsigned i, set;

	snprintf(path, sizeof(path), "%s/lines", dir);
	if ((o.lines = fopen(path, "ae")) == NULL)
		err(1, "%s", path);
	for (i = 0; i < users; i++) {
		long at = ftell(o.group);

		user_name(i, name);
		fprintf(o.group, "%s:x:%u:\n", name, USER_ID + i);
		note(&o.by_name, name, at);
		snprintf(name, sizeof(name), "%u", USER_ID + i);
		note(&o.by_gid, name, at);
	}
	for (set = 0; set < GROUPS_EACH; set++) {
		for (i = 0; i < teams(users); i++)
			write_team(&o, set, i);
	}
	begin_group(&o, "everyone", EVERYONE_ID);
	for (i = 0; i < everyone(users); i++)
		member(&o, i, i == 0);
	end_group(&o);
	write_index(&o.by_name, "group.cache.ixname");
	write_index(&o.by_gid, "group.cache.ixgid");
	done(o.group);
	done(o.lines);
}

/* ---- the hash table that is the limit ---- */

static void
put(uint32_t *slots, uint32_t mask, uint64_t hash, uint32_t value)
{
	uint32_t at = (uint32_t)hash & mask;

	while (slots[at] != 0)
		at = (at + 1) & mask;
	slots[at] = value;
}

static void
write_probe(void)
{
	struct probe_head h = { .users = users, .mask = 1 };
	struct probe_record r;
	uint32_t *by_name, *by_uid;
	FILE *f = create("probe");
	unsigned i, n;

	while (h.mask < users * 2)
		h.mask = h.mask * 2 + 1;
	h.members = everyone(users);
	by_name = calloc(h.mask + 1, 2 * sizeof(*by_name));
	if (by_name == NULL)
		err(1, "probe");
	by_uid = by_name + h.mask + 1;
	for (i = 0; i < users; i++) {
		memset(&r, 0, sizeof(r));
		user_name(i, r.name);
		put(by_name, h.mask, probe_hash(r.name), i + 1);
		put(by_uid, h.mask, probe_hash_id(USER_ID + i), i + 1);
	}
	fwrite(&h, sizeof(h), 1, f);
	fwrite(by_name, sizeof(*by_name), 2 * ((size_t)h.mask + 1), f);
	for (i = 0; i < users; i++) {
		memset(&r, 0, sizeof(r));
		user_name(i, r.name);
		snprintf(r.home, sizeof(r.home), "/home/%s", r.name);
		r.id = USER_ID + i;
		for (n = 0; n < GROUPS_EACH; n++)
			r.gids[n] = group_id(users, i, n);
		fwrite(&r, sizeof(r), 1, f);
	}
	for (i = 0; i < h.members; i++) {
		user_name(i, r.name);
		fwrite(r.name, strlen(r.name) + 1, 1, f);
	}
	free(by_name);
	done(f);
}

int
main(int argc, char **argv)
{
	if (argc != 3 || (users = (unsigned)strtoul(argv[1], NULL, 10)) < 100 ||
	    users > 10000000)
		errx(2, "usage: gen USERS DIR, 100 to 10000000 users");
	dir = argv[2];
	umask(022);
	write_users();
	write_groups();
	write_probe();
	return 0;
}
