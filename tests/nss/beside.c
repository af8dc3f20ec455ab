/*
 * beside: a program that uses json-c and json-glib, whose names clash with those
 * of other JSON libraries, before and after the module was loaded by glibc.
 */
#include <dlfcn.h>
#include <err.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

int __nss_configure_lookup(const char *db, const char *service);

static void *
library(const char *file)
{
	void *so = dlopen(file, RTLD_NOW | RTLD_GLOBAL);

	if (so == NULL)
		errx(77, "%s", dlerror());
	return so;
}

static void
use_json_c(void *so)
{
	void *(*parse)(const char *) = dlsym(so, "json_tokener_parse");
	const char *(*print)(void *) = dlsym(so, "json_object_to_json_string");
	void *doc = parse("{\"a\": [1, 2]}");

	if (doc == NULL || strcmp(print(doc), "{ \"a\": [ 1, 2 ] }") != 0)
		errx(1, "json-c is broken");
}

static void
use_json_glib(void *so)
{
	void *(*parser)(void) = dlsym(so, "json_parser_new");
	int (*load)(void *, const char *, long, void **) =
	    dlsym(so, "json_parser_load_from_data");
	void *(*root)(void *) = dlsym(so, "json_parser_get_root");
	void *(*object)(void *) = dlsym(so, "json_node_get_object");
	unsigned (*size)(void *) = dlsym(so, "json_object_get_size");
	void *p = parser();

	if (!load(p, "{\"a\": [1, 2], \"b\": 3}", -1, NULL) ||
	    size(object(root(p))) != 2)
		errx(1, "json-glib is broken");
}

int
main(void)
{
	void *c = library("libjson-c.so.5"), *glib = library("libjson-glib-1.0.so.0");
	const struct passwd *pw;
	const struct group *gr;

	use_json_c(c);
	use_json_glib(glib);
	__nss_configure_lookup("passwd", "iam");
	__nss_configure_lookup("group", "iam");
	if ((pw = getpwnam("sarah")) == NULL || strcmp(pw->pw_dir, "/home/sarah") != 0 ||
	    (gr = getgrnam("marketing")) == NULL || strcmp(gr->gr_mem[0], "sarah") != 0)
		errx(1, "the name service is broken");
	use_json_c(c);
	use_json_glib(glib);
	return 0;
}
