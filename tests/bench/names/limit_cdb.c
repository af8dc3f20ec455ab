/*
 * libnss_tinycdb.so.2: passwd by name and uid out of a constant database that
 * stays mapped, as nss_cdb does it; it never looks whether the file is current.
 */
#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <nss.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CDB_FILE "/var/lib/bench/passwd.cdb"

enum nss_status _nss_tinycdb_getpwnam_r(const char *name, struct passwd *pw,
    char *buf, size_t len, int *errnop);
enum nss_status _nss_tinycdb_getpwuid_r(uid_t uid, struct passwd *pw, char *buf,
    size_t len, int *errnop);

static struct cdb db;
static bool is_open;

static bool
parse(char *line, struct passwd *pw)
{
	char *field[7], *p = line;
	unsigned i;

	for (i = 0; i < 7; i++) {
		if ((field[i] = strsep(&p, ":")) == NULL)
			return false;
	}
	pw->pw_name = field[0];
	pw->pw_passwd = field[1];
	pw->pw_uid = (uid_t)strtoul(field[2], NULL, 10);
	pw->pw_gid = (gid_t)strtoul(field[3], NULL, 10);
	pw->pw_gecos = field[4];
	pw->pw_dir = field[5];
	pw->pw_shell = field[6];
	return true;
}

static enum nss_status
look(const char *key, size_t key_len, struct passwd *pw, char *buf, size_t len,
    int *errnop)
{
	int fd;

	if (!is_open) {
		if ((fd = open(CDB_FILE, O_RDONLY | O_CLOEXEC)) < 0 ||
		    cdb_init(&db, fd) != 0)
			return NSS_STATUS_UNAVAIL;
		is_open = true;
	}
	if (cdb_find(&db, key, (unsigned)key_len) <= 0)
		return NSS_STATUS_NOTFOUND;
	if (cdb_datalen(&db) >= len) {
		*errnop = ERANGE;
		return NSS_STATUS_TRYAGAIN;
	}
	cdb_read(&db, buf, cdb_datalen(&db), cdb_datapos(&db));
	buf[cdb_datalen(&db)] = '\0';
	return parse(buf, pw) ? NSS_STATUS_SUCCESS : NSS_STATUS_UNAVAIL;
}

enum nss_status
_nss_tinycdb_getpwnam_r(const char *name, struct passwd *pw, char *buf,
    size_t len, int *errnop)
{
	size_t n = strlen(name);
	char key[64];

	if (n >= sizeof(key))
		return NSS_STATUS_NOTFOUND;
	key[0] = ':';
	memcpy(key + 1, name, n);
	return look(key, n + 1, pw, buf, len, errnop);
}

enum nss_status
_nss_tinycdb_getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t len,
    int *errnop)
{
	char key[16];
	int n = snprintf(key, sizeof(key), "=%u", uid);

	return look(key, (size_t)n, pw, buf, len, errnop);
}
