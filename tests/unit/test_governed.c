#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/base.h"
#include "common/base/governed.h"

static char dir[64], rules[96], passwd[96];

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_int_equal(file_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_governed.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(rules, sizeof(rules), "%s/governed", dir);
	snprintf(passwd, sizeof(passwd), "%s/passwd", dir);
	put(passwd, "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n"
	    "local:x:1000:1000::/home/local:/bin/sh\n"
	    "alice:x:1001:1001::/home/alice:/bin/sh\n"
	    "odd line\n"
	    "ours:x:2100000001:1::/:/bin/sh\nlow:x:500000:1::/:/bin/sh\n");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(rules);
	unlink(passwd);
	return rmdir(dir);
}

static enum governed
ask(const char *name)
{
	return governed_without_snapshot(name, rules, passwd);
}

/* S0, S2: root and local accounts go on, all others do not. */
static void
test_governed_without_snapshot__who_is_ours_S0_S2(void **state)
{
	const char *adopted[] = { "alice" };

	(void)state;
	assert_int_equal(governed_write(rules, 500000, 600000, adopted, 1), 0);
	assert_int_equal(ask("root"), GOVERNED_NO);
	assert_int_equal(ask("toor"), GOVERNED_NO);
	assert_int_equal(ask("local"), GOVERNED_NO);
	assert_int_equal(ask("alice"), GOVERNED_YES);
	assert_int_equal(ask("low"), GOVERNED_YES);
	assert_int_equal(ask("ours"), GOVERNED_NO); /* outside this range */
	assert_int_equal(ask("nobody-knows"), GOVERNED_YES);
	assert_int_equal(ask(""), GOVERNED_YES);
	assert_int_equal(ask("root\n"), GOVERNED_YES);
}

static void
test_governed_without_snapshot__no_rules_mean_the_default_range(void **state)
{
	(void)state;
	assert_int_equal(ask("local"), GOVERNED_NO);
	assert_int_equal(ask("ours"), GOVERNED_YES);
	put(rules, "range 10\nrange 9 8\nrange -1 5\nrange 0 4294967295\n\xff\n");
	assert_int_equal(ask("local"), GOVERNED_NO);
	assert_int_equal(ask("ours"), GOVERNED_YES);
	assert_int_equal(chmod(rules, 0666), 0); /* not to be believed */
	put(rules, "range 1 2\n");
	assert_int_equal(ask("ours"), GOVERNED_YES);
}

/* Without a passwd file only the name root is known to be local. */
static void
test_governed_without_snapshot__no_passwd(void **state)
{
	(void)state;
	unlink(passwd);
	assert_int_equal(ask("root"), GOVERNED_NO);
	assert_int_equal(ask("local"), GOVERNED_YES);
}

/* A line that is longer than any buffer, or odd, hides nobody after it. */
static void
test_governed_without_snapshot__odd_passwd_lines(void **state)
{
	static char text[40000];
	size_t n;

	(void)state;
	n = (size_t)snprintf(text, sizeof(text), "big:x:77:77:");
	memset(text + n, 'g', 30000);
	snprintf(text + n + 30000, 2000, ":/:/bin/sh\n\n#x\n+nis\n"
	    "local:x:1000:1000::/home/local:/bin/sh\n");
	put(passwd, text);
	assert_int_equal(ask("local"), GOVERNED_NO);
}

/* Every truncation of the file: root stays, adoption is never invented. */
static void
test_governed_without_snapshot__every_truncation(void **state)
{
	const char *adopted[] = { "alice" };
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	assert_int_equal(governed_write(rules, 2100000000, 2146999999, adopted, 1), 0);
	assert_int_equal(file_read(rules, FILE_ROOT_ONLY, 4096, &b), 0);
	for (i = b.len; i-- > 0;) {
		assert_int_equal(truncate(rules, (off_t)i), 0);
		assert_int_equal(ask("root"), GOVERNED_NO);
		assert_int_equal(ask("local"), GOVERNED_NO);
		assert_int_equal(ask("unknown"), GOVERNED_YES);
	}
	buf_release(&b);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_governed_without_snapshot__who_is_ours_S0_S2),
		T(test_governed_without_snapshot__no_rules_mean_the_default_range),
		T(test_governed_without_snapshot__no_passwd),
		T(test_governed_without_snapshot__odd_passwd_lines),
		T(test_governed_without_snapshot__every_truncation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
