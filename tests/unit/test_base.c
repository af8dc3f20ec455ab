#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "common/base/base.h"

static void
test_buf__written_and_read_back(void **state)
{
	struct buf b = BUF_INIT;
	struct rd r;
	size_t n, len;

	(void)state;
	buf_u8(&b, 0xfe);
	buf_u16(&b, 0x1234);
	buf_u32(&b, 0xdeadbeef);
	buf_u64(&b, UINT64_C(0x0123456789abcdef));
	buf_str(&b, "text");
	buf_str(&b, NULL);
	buf_blob(&b, "a\0b", 3);
	buf_patch_u32(&b, 3, 77);
	assert_int_equal(b.err, 0);
	assert_int_equal(b.p[1], 0x34); /* little-endian */
	for (len = 0; len < b.len; len++) { /* every truncation */
		rd_init(&r, b.p, len);
		rd_u8(&r), rd_u16(&r), rd_u32(&r), rd_u64(&r);
		rd_str(&r), rd_str(&r), rd_blob(&r, &n);
		assert_int_equal(rd_end(&r), IAM_ERR_FORMAT);
	}
	rd_init(&r, b.p, b.len);
	assert_int_equal(rd_u8(&r), 0xfe);
	assert_int_equal(rd_u16(&r), 0x1234);
	assert_int_equal(rd_u32(&r), 77);
	assert_true(rd_u64(&r) == UINT64_C(0x0123456789abcdef));
	assert_string_equal(rd_str(&r), "text");
	assert_null(rd_str(&r));
	assert_memory_equal(rd_blob(&r, &n), "a\0b", 3);
	assert_int_equal(n, 3);
	assert_int_equal(rd_end(&r), 0);
	buf_patch_u32(&b, b.len - 3, 1);
	assert_int_equal(b.err, IAM_ERR_BUG);
	buf_release(&b);
}

static void
test_rd_str__inner_nul_and_missing_end(void **state)
{
	static const uint8_t inner[] = { 3, 0, 0, 0, 'a', 0, 'b', 0 };
	static const uint8_t no_end[] = { 3, 0, 0, 0, 'a', 'b', 'c', 'd' };
	static const uint8_t huge[] = { 0xfe, 0xff, 0xff, 0xff, 'a', 0 };
	struct rd r;

	(void)state;
	rd_init(&r, inner, sizeof(inner));
	assert_null(rd_str(&r));
	assert_int_equal(r.err, IAM_ERR_FORMAT);
	rd_init(&r, no_end, sizeof(no_end));
	assert_null(rd_str(&r));
	assert_int_equal(r.err, IAM_ERR_FORMAT);
	rd_init(&r, huge, sizeof(huge));
	assert_string_equal(rd_str_must(&r), "");
	assert_int_equal(r.err, IAM_ERR_FORMAT);
}

static void
test_buf__errors_stay_and_strings_are_whole(void **state)
{
	struct buf b = BUF_INIT;
	char *s;

	(void)state;
	assert_string_equal(buf_cstr(&b), "");
	buf_printf(&b, "%s-%d", "x", 7);
	buf_align(&b, 8);
	assert_int_equal(b.len, 8);
	buf_align(&b, 128);
	assert_int_equal(b.err, IAM_ERR_BUG);
	buf_puts(&b, "lost");
	assert_int_equal(b.len, 8);
	assert_null(buf_steal(&b));
	assert_null(b.p);
	s = buf_steal(&b);
	assert_string_equal(s, "");
	free(s);
	buf_put(&b, "x", BUF_SIZE_MAX + 1);
	assert_int_equal(b.err, IAM_ERR_LIMIT);
	buf_release(&b);
}

static void
test_name__tables(void **state)
{
	static const struct {
		const char *name;
		bool unix_ok, iam_ok, path_ok;
	} rows[] = {
		{ "sarah", true, true, false }, { "_x", true, true, false },
		{ "a.b-c_9", true, true, false }, { "Sarah", false, true, false },
		{ "9a", false, true, false }, { "-a", false, true, false },
		{ "a.", false, true, false }, { "", false, false, false },
		{ "a b", false, false, false }, { "a/b", false, false, false },
		{ "..", false, true, false }, { "#0", false, false, false },
		{ "a\n", false, false, false }, { "\xc3\xa4", false, false, false },
		{ "+=,.@-", false, true, false },
		{ "abcdefghijklmnopqrstuvwxyz012345", true, true, false },
		{ "abcdefghijklmnopqrstuvwxyz0123456", false, true, false },
		{ "/", false, false, true }, { "/a/", false, false, true },
		{ "/a", false, false, false }, { "a/", false, false, false },
		{ "/a b/", false, false, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		if (name_is_unix(rows[i].name) != rows[i].unix_ok ||
		    name_is_iam(rows[i].name, 64) != rows[i].iam_ok ||
		    name_is_path(rows[i].name) != rows[i].path_ok)
			fail_msg("%s", rows[i].name);
	}
	assert_false(name_is_iam("abcde", 4));
}

/* S27. Found one by one, which a list out of order would not do. */
static void
test_name_is_privileged_group__by_whose_name_hosts_give_rights(void **state)
{
	static const char *const yes[] = { "adm", "admin", "backup", "daemon",
		"disk", "docker", "iam-auth", "incus", "incus-admin", "input", "kmem",
		"kvm", "libvirt", "lpadmin", "lxd", "mail", "netdev", "nogroup",
		"operator", "plugdev", "podman", "render", "root", "sasl", "shadow",
		"src", "ssl-cert", "staff", "sudo", "sys", "systemd-journal",
		"systemd-network", "tty", "utmp", "video", "wheel", "wireshark" };
	static const char *const no[] = { "", "a", "ad", "adm2", "marketing",
		"sudoers", "systemd-journal-remote", "zz" };
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(yes); i++)
		assert_true(name_is_privileged_group(yes[i]));
	for (i = 0; i < IAM_COUNT(no); i++)
		assert_false(name_is_privileged_group(no[i]));
}

static void
test_name_parse_u32__edges(void **state)
{
	static const struct {
		const char *s;
		bool ok;
		uint32_t v;
	} rows[] = { { "0", true, 0 }, { "4294967295", true, UINT32_MAX },
		{ "4294967296", false, 0 }, { "99999999999", false, 0 },
		{ "00", false, 0 }, { "01", false, 0 }, { "", false, 0 },
		{ "-1", false, 0 }, { "+1", false, 0 }, { " 1", false, 0 },
		{ "1 ", false, 0 }, { "1a", false, 0 } };
	uint32_t v;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		v = 0;
		if (name_parse_u32(rows[i].s, &v) != rows[i].ok || v != rows[i].v)
			fail_msg("%s", rows[i].s);
	}
}

/* S25, S37, S40: what is not root's own regular file is not believed. */
static void
test_file_open__only_trusted_files_S37(void **state)
{
	char dir[] = "/tmp/test_base.XXXXXX", path[64], other[64];
	struct buf b = BUF_INIT;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/f", dir);
	snprintf(other, sizeof(other), "%s/g", dir);
	assert_int_equal(file_read(path, FILE_SECRET, 9, &b), IAM_ERR_ABSENT);
	assert_int_equal(file_replace(path, "content", 7, 0640, (gid_t)-1), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(file_read(path, FILE_SECRET, 7, &b), 0);
	assert_string_equal(buf_cstr(&b), "content");
	assert_int_equal(file_read(path, FILE_SECRET, 6, &b), IAM_ERR_LIMIT);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(file_read(path, FILE_SECRET, 9, &b), IAM_ERR_UNSAFE);
	assert_int_equal(chmod(path, 0660), 0);
	assert_int_equal(file_read(path, FILE_ROOT_ONLY, 9, &b), IAM_ERR_UNSAFE);
	assert_int_equal(file_read(path, FILE_GROUP_WRITE, 9, &b), 0);
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(file_read(other, FILE_GROUP_WRITE, 9, &b), IAM_ERR_UNSAFE);
	assert_int_equal(file_read(other, FILE_ANY, 9, &b), 0);
	unlink(other);
	assert_int_equal(mkfifo(other, 0600), 0);
	assert_int_equal(file_read(other, FILE_ROOT_ONLY, 9, &b), IAM_ERR_UNSAFE);
	unlink(other);
	assert_int_equal(file_read(dir, FILE_ROOT_ONLY, 9, &b), IAM_ERR_UNSAFE);
	if (geteuid() == 0) {
		assert_int_equal(chmod(path, 0600), 0);
		assert_int_equal(chown(path, 12345, 0), 0);
		assert_int_equal(file_read(path, FILE_SECRET, 9, &b), IAM_ERR_UNSAFE);
	}
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
	buf_release(&b);
}

static void
test_secret__set_and_equal(void **state)
{
	struct secret s = SECRET_INIT;

	(void)state;
	assert_string_equal(secret_str(&s), "");
	assert_int_equal(secret_set(&s, "abc", 3), 0);
	assert_int_equal(secret_set(&s, s.p, 2), 0); /* of its own content */
	assert_string_equal(secret_str(&s), "ab");
	assert_true(secret_equal("abc", "abd", 2));
	assert_false(secret_equal("abc", "abd", 3));
	assert_true(secret_equal("", "x", 0));
	secret_release(&s);
	assert_null(s.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf__written_and_read_back),
		cmocka_unit_test(test_rd_str__inner_nul_and_missing_end),
		cmocka_unit_test(test_buf__errors_stay_and_strings_are_whole),
		cmocka_unit_test(test_name__tables),
		cmocka_unit_test(test_name_is_privileged_group__by_whose_name_hosts_give_rights),
		cmocka_unit_test(test_name_parse_u32__edges),
		cmocka_unit_test(test_file_open__only_trusted_files_S37),
		cmocka_unit_test(test_secret__set_and_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
