/*
 * libnss_probe.so.2: the least that a name service can do. A hash probe into a
 * mapped file, a copy of what was found; nothing is checked.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/names/people.h"
#include "tests/bench/names/probe.h"

static const struct probe_head *head;
static const uint32_t *by_name, *by_uid;
static const struct probe_record *records;
static const char *members, *end;
static uint32_t walk;

enum nss_status _nss_probe_getpwnam_r(const char *name, struct passwd *pw,
    char *buf, size_t len, int *errnop);
enum nss_status _nss_probe_getpwuid_r(uid_t uid, struct passwd *pw, char *buf,
    size_t len, int *errnop);
enum nss_status _nss_probe_setpwent(int stayopen);
enum nss_status _nss_probe_endpwent(void);
enum nss_status _nss_probe_getpwent_r(struct passwd *pw, char *buf, size_t len,
    int *errnop);
enum nss_status _nss_probe_getgrnam_r(const char *name, struct group *gr,
    char *buf, size_t len, int *errnop);
enum nss_status _nss_probe_initgroups_dyn(const char *user, gid_t group,
    long *start, long *size, gid_t **groups, long limit, int *errnop);

static bool
map(void)
{
	struct stat st;
	void *p;
	int fd;

	if (head != NULL)
		return true;
	if ((fd = open(PROBE_FILE, O_RDONLY | O_CLOEXEC)) < 0)
		return false;
	if (fstat(fd, &st) != 0 || (p = mmap(NULL, (size_t)st.st_size,
	    PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
		return false;
	close(fd);
	head = p;
	by_name = (const uint32_t *)(head + 1);
	by_uid = by_name + head->mask + 1;
	records = (const struct probe_record *)(by_uid + head->mask + 1);
	members = (const char *)(records + head->users);
	end = (const char *)p + st.st_size;
	return true;
}

static const struct probe_record *
find(const char *name)
{
	uint32_t at;

	if (!map())
		return NULL;
	for (at = (uint32_t)probe_hash(name) & head->mask; by_name[at] != 0;
	    at = (at + 1) & head->mask) {
		if (strcmp(records[by_name[at] - 1].name, name) == 0)
			return &records[by_name[at] - 1];
	}
	return NULL;
}

static enum nss_status
give(const struct probe_record *r, struct passwd *pw, char *buf, size_t len,
    int *errnop)
{
	if (len < sizeof(r->name) + sizeof(r->home) + 16) {
		*errnop = ERANGE;
		return NSS_STATUS_TRYAGAIN;
	}
	memcpy(buf, r->name, sizeof(r->name) + sizeof(r->home));
	memcpy(buf + sizeof(r->name) + sizeof(r->home), "x\0/bin/bash\0\0", 14);
	pw->pw_name = buf;
	pw->pw_dir = buf + sizeof(r->name);
	pw->pw_passwd = pw->pw_dir + sizeof(r->home);
	pw->pw_shell = pw->pw_passwd + 2;
	pw->pw_gecos = pw->pw_shell + 10;
	pw->pw_uid = pw->pw_gid = r->id;
	return NSS_STATUS_SUCCESS;
}

enum nss_status
_nss_probe_getpwnam_r(const char *name, struct passwd *pw, char *buf,
    size_t len, int *errnop)
{
	const struct probe_record *r = find(name);

	return r == NULL ? NSS_STATUS_NOTFOUND : give(r, pw, buf, len, errnop);
}

enum nss_status
_nss_probe_getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t len,
    int *errnop)
{
	uint32_t at;

	if (!map())
		return NSS_STATUS_UNAVAIL;
	for (at = (uint32_t)probe_hash_id(uid) & head->mask; by_uid[at] != 0;
	    at = (at + 1) & head->mask) {
		if (records[by_uid[at] - 1].id == uid)
			return give(&records[by_uid[at] - 1], pw, buf, len, errnop);
	}
	return NSS_STATUS_NOTFOUND;
}

enum nss_status
_nss_probe_setpwent(int stayopen)
{
	(void)stayopen;
	walk = 0;
	return NSS_STATUS_SUCCESS;
}

enum nss_status
_nss_probe_endpwent(void)
{
	return _nss_probe_setpwent(0);
}

enum nss_status
_nss_probe_getpwent_r(struct passwd *pw, char *buf, size_t len, int *errnop)
{
	if (!map() || walk == head->users)
		return NSS_STATUS_NOTFOUND;
	return give(&records[walk++], pw, buf, len, errnop);
}

enum nss_status
_nss_probe_getgrnam_r(const char *name, struct group *gr, char *buf,
    size_t len, int *errnop)
{
	char **list = (char **)(void *)buf, *p, *stop;

	if (!map() || strcmp(name, "everyone") != 0)
		return NSS_STATUS_NOTFOUND;
	p = (char *)(list + head->members + 1);
	if ((size_t)(p - buf) + (size_t)(end - members) + 16 > len) {
		*errnop = ERANGE;
		return NSS_STATUS_TRYAGAIN;
	}
	gr->gr_mem = list;
	gr->gr_gid = EVERYONE_ID;
	stop = mempcpy(p, members, (size_t)(end - members));
	gr->gr_name = memcpy(stop, "everyone\0x", 11);
	gr->gr_passwd = gr->gr_name + 9;
	for (; p < stop; p += strlen(p) + 1)
		*list++ = p;
	*list = NULL;
	return NSS_STATUS_SUCCESS;
}

enum nss_status
_nss_probe_initgroups_dyn(const char *user, gid_t group, long *start,
    long *size, gid_t **groups, long limit, int *errnop)
{
	const struct probe_record *r = find(user);
	const uint32_t *gid;

	(void)group;
	(void)limit;
	if (r == NULL)
		return NSS_STATUS_NOTFOUND;
	if (*size < *start + 16) {
		gid_t *p = reallocarray(*groups, (size_t)*start + 16, sizeof(*p));

		if (p == NULL) {
			*errnop = ENOMEM;
			return NSS_STATUS_TRYAGAIN;
		}
		*groups = p;
		*size = *start + 16;
	}
	for (gid = r->gids; *gid != 0; gid++)
		(*groups)[(*start)++] = *gid;
	return NSS_STATUS_SUCCESS;
}
