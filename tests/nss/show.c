/*
 * show MODULE [LIBRARY...]: every answer of a name service module, as text. The
 * libraries are loaded first, their symbols in front of everybody's.
 */
#include <dlfcn.h>
#include <err.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *so;
static char buf[1 << 20];

static void *
entry(const char *name)
{
	void *p = dlsym(so, name);

	if (p == NULL)
		errx(1, "%s", dlerror());
	return p;
}

static void
show_user(const char *how, enum nss_status s, const struct passwd *pw)
{
	if (s != NSS_STATUS_SUCCESS)
		printf("%s: %d\n", how, (int)s);
	else
		printf("%s: %s:%s:%u:%u:%s:%s:%s\n", how, pw->pw_name,
		    pw->pw_passwd, pw->pw_uid, pw->pw_gid, pw->pw_gecos,
		    pw->pw_dir, pw->pw_shell);
}

static void
show_group(const char *how, enum nss_status s, const struct group *gr)
{
	char **m;

	if (s != NSS_STATUS_SUCCESS) {
		printf("%s: %d\n", how, (int)s);
		return;
	}
	printf("%s: %s:%s:%u:", how, gr->gr_name, gr->gr_passwd, gr->gr_gid);
	for (m = gr->gr_mem; *m != NULL; m++)
		printf("%s ", *m);
	putchar('\n');
}

static void
groups_of(const char *user, gid_t gid)
{
	enum nss_status (*f)(const char *, gid_t, long *, long *, gid_t **, long,
	    int *) = entry("_nss_iam_initgroups_dyn");
	long start = 0, size = 0, i;
	gid_t *gids = NULL;
	int e;

	printf("groups of %s: %d", user, (int)f(user, gid, &start, &size, &gids,
	    -1, &e));
	for (i = 0; i < start; i++)
		printf(" %u", gids[i]);
	putchar('\n');
	free(gids);
}

static void
one_user(const char *name, uid_t uid)
{
	enum nss_status (*by_name)(const char *, struct passwd *, char *, size_t,
	    int *) = entry("_nss_iam_getpwnam_r");
	enum nss_status (*by_uid)(uid_t, struct passwd *, char *, size_t, int *) =
	    entry("_nss_iam_getpwuid_r");
	struct passwd pw;
	int e;

	show_user("by name", by_name(name, &pw, buf, sizeof(buf), &e), &pw);
	show_user("by uid", by_uid(uid, &pw, buf, sizeof(buf), &e), &pw);
	groups_of(name, uid);
}

static void
one_group(const char *name, gid_t gid)
{
	enum nss_status (*by_name)(const char *, struct group *, char *, size_t,
	    int *) = entry("_nss_iam_getgrnam_r");
	enum nss_status (*by_gid)(gid_t, struct group *, char *, size_t, int *) =
	    entry("_nss_iam_getgrgid_r");
	struct group gr;
	int e;

	show_group("by name", by_name(name, &gr, buf, sizeof(buf), &e), &gr);
	show_group("by gid", by_gid(gid, &gr, buf, sizeof(buf), &e), &gr);
}

static void
all_users(void)
{
	enum nss_status (*next)(struct passwd *, char *, size_t, int *) =
	    entry("_nss_iam_getpwent_r");
	struct passwd pw;
	enum nss_status s;
	char own[4096];
	int e;

	while ((s = next(&pw, own, sizeof(own), &e)) == NSS_STATUS_SUCCESS) {
		show_user("next", s, &pw);
		one_user(pw.pw_name, pw.pw_uid);
	}
	printf("end: %d\n", (int)s);
}

static void
all_groups(void)
{
	enum nss_status (*next)(struct group *, char *, size_t, int *) =
	    entry("_nss_iam_getgrent_r");
	static char own[1 << 20];
	struct group gr;
	enum nss_status s;
	int e;

	while ((s = next(&gr, own, sizeof(own), &e)) == NSS_STATUS_SUCCESS) {
		show_group("next", s, &gr);
		one_group(gr.gr_name, gr.gr_gid);
	}
	printf("end: %d\n", (int)s);
}

int
main(int argc, char **argv)
{
	int i;

	if (argc < 2)
		errx(2, "usage: show MODULE [LIBRARY...]");
	for (i = 2; i < argc; i++) {
		if (dlopen(argv[i], RTLD_NOW | RTLD_GLOBAL) == NULL)
			errx(77, "%s", dlerror());
	}
	if ((so = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL)) == NULL)
		errx(1, "%s", dlerror());
	all_users();
	all_groups();
	one_user("nobody-there", 2146999999u);
	one_group("nobody-there", 2146999999u);
	return 0;
}
