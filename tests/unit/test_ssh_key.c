#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/base/base.h"
#include "common/credential/credential.h"
#include "common/credential/internal.h"

/* Made by ssh-keygen of OpenSSH 9.2, as are what "ssh-keygen -l" says of them;
 * the two sk- keys after PROTOCOL.u2f, and read by the same ssh-keygen. */
static const struct {
	const char *line;
	unsigned bits;
	const char *sha256, *md5;
} good[] = {
	{ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILVIBM/HYQBQF7nb3wqHyfTUUOYl"
	    "wGtcs6wlb/I60Zbh someone@example.com",
	    256, "SHA256:FbUNTq6iUBR0l7HD+lxKvr85BP37Qu3OeR6LHVQYgg4",
	    "bf:f6:7f:20:3a:59:35:6e:e6:b4:6d:9c:89:84:e9:91" },
	{ "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAy"
	    "NTYAAABBBBnAU9NfDwOMG1i7lDk6E0tiui13/ZTbG3amboyCm9j62VI7C052swOj"
	    "Pe+JVBipuCSNT37JK+WGzwPXMbxQJHU= someone@example.com",
	    256, "SHA256:lRGAbkM0HNeLJHGcnBPYjbajcSrHizwGCvo76/SrEyw",
	    "38:bf:0f:fc:9b:9b:17:3c:6e:12:ea:92:36:20:02:7f" },
	{ "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAz"
	    "ODQAAABhBKfikB4AXUsb2y6C5E3sM5IGrzRh2rJXJRE7csKQjMX03sjdAU7eA8NO"
	    "IyZEUhwB3J1A8tAlDKZZ6Oh8QVeG7hvru5AswkJrgh3pVeJYPBl0cd3J56YrwmPA"
	    "hO/dE2qoAQ== someone@example.com",
	    384, "SHA256:nu0HmKqlBmZckmyVtqyC7PJo1cGi7h9arM838lN0nQI",
	    "26:b3:21:8c:48:1a:ea:57:76:64:4e:ca:e8:55:e8:ac" },
	{ "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1"
	    "MjEAAACFBAGtUprO5mTBDqVr2HAwdo2jqCNM8xWcGUUIbp8r663lMPsd2gUofp3s"
	    "heWdbTBjOkrkjg7/0T86iXyGZFIlo4ymEwEkS5vPXjFf3eSA7/gUiM+pWH+0hUIy"
	    "q5HzCGqjSNGPEBKv2GfeNn1MrytcTTDK1TddWJujyrBk+PCj09QwRF0qXQ== som"
	    "eone@example.com",
	    521, "SHA256:ipuUi9t1cAg1eGywCBdzAlAbl/8PPBZ/AkGknOCAJjo",
	    "78:81:27:ed:81:ee:32:66:5c:44:04:d2:62:26:46:a9" },
	{ "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCpomQqa2RkMLvAeZoXx9Ik2cem"
	    "Cf9lGLQeOSz9K3UgYULQpjdfYxZNrmzxoiO04t5CxyQaqgQQidcZZ0pYxEi3/8Ne"
	    "OPWF2hX5EdEeqR5nb6yzo09dJfW8ntl2W1tEBc9Zug95AnI6WbwjgGT0A4jfDNQx"
	    "WOLVE65tL8n+QAF6MPrUCg6cu7X9fwllvsjEtovo1muiE3+PckkjvGtfVX8iGKt3"
	    "ztRiYikMiWacQIZubK1Ujq+mMou3FAfUiDj3n6nymMH0E8CtJeza/RV3j/9gF0NT"
	    "EG/ROIh/30XTnG3UenHrdiUm2PZoLiHhvGUWwowdYlUDPkAHoPMfMjpoCHZf som"
	    "eone@example.com",
	    2048, "SHA256:7CDDqdzhhyOZrgFFREdmy4DOPm0Bk57rK4cRXChHER4",
	    "dd:7a:f9:89:ff:6d:06:88:26:b5:57:d5:64:f2:92:f4" },
	{ "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDbmqFFgxVMUdJpT8jCwrD/bPQA"
	    "aCGDH2oMvJNKsQR2Y6KcHfom1NkC6IDYtRGd9Rw2yoOptZ5/WjBfZ44/CyYv1idq"
	    "Lt6UY/jZZ5SAX7Qspq5DtmQQ0V5NYbW846VVsTiPjsYIWSgPYi2JxkmR+z/u1+df"
	    "5/kBqKE3GQUbFDrgFLcoJyW/1kD7gXweRu+MSspzsRtkbe6THXICPEr0UhaKguyR"
	    "NKMSKXqVT0mBsKOmUrjQpzlfpqERm1BRJa563lo7lx2yBMsudOKa8GFtgKMztxe8"
	    "1BCnKuGqb7B3AMA3RXmkbPcQXWkh4BX1MBX+4Dcm5T9VnGHBU8K+r9zRq+MIhA3U"
	    "/T2zShDYEMc4Jy2LBGfCcS/O0MzG2L17QXz0gtKQlOkKT0Th0PRG3wjZmOVZlX1V"
	    "Eq/HX17ZG7NwvQ89HiRfZrBKzsXDvOTUuqz+Oydl3oZAn9zXY3QFeCOV2HTrDc2M"
	    "GmWW66opUfLxkun3HHN0Q0irzGgzz4/F0iNwaeE= someone@example.com",
	    3072, "SHA256:zVJ/LKSgwuSmowMD91A3MYHs/FjBA9tkZLhRSPxkoO0",
	    "be:ba:dd:8d:16:47:e5:35:cb:7d:6a:0f:5f:ff:3c:46" },
	{ "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY"
	    "29tAAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAABHNzaDo= "
	    "c",
	    256, "SHA256:/p0CbeE3dk2SyW1OXXsThGc12ezDVD8eGw2/vtztDfk",
	    "cf:44:e4:6b:27:42:ed:24:a2:8a:c7:78:81:89:dc:78" },
	{ "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzd"
	    "HAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBGsX0fLhLEJH+Lzm5WOkQ"
	    "PJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/U"
	    "fUAAAAEc3NoOg== c",
	    256, "SHA256:Sq6FPgsPWZc3RXSXKFq4uzEhPEwaHZCAoX46/7Q5024",
	    "32:29:65:aa:9f:c1:e4:19:d1:ed:63:00:6a:ef:70:cb" },
};
static const char rsa1024[] =
	    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDqm1Y8EAHRX8Q3EXzHUIFI1otF"
	    "rR/V3ciU5/Yc0frtrOhtMaLOzCasdNSHw+QfuZ/jRNXGs7Pk/N/XWEE3DgR8fKRj"
	    "rek/oG+zCYt/vpCuZvYHLJKL658lAMmtawsBtUi4XKh+jssSGwM8cpu+4DAC3Nlu"
	    "7WAMVUxdR68tKMY1Pw== c";

static void
test_ssh_key_parse__as_ssh_keygen_says(void **state)
{
	struct ssh_key k;
	const char *blank;
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(good); i++) {
		assert_int_equal(ssh_key_parse(good[i].line, &k, NULL), 0);
		assert_int_equal(k.bits, good[i].bits);
		assert_string_equal(k.fingerprint, good[i].sha256);
		assert_string_equal(k.fingerprint_md5, good[i].md5);
		assert_ptr_equal(k.body, good[i].line);
		blank = strchr(good[i].line, ' ');
		assert_int_equal(strncmp(k.type, good[i].line, strlen(k.type)), 0);
		assert_int_equal(strlen(k.type), blank - good[i].line);
		assert_int_equal(k.body_len, strrchr(good[i].line, ' ') - good[i].line);
	}
}

/* Cut anywhere before the comment it is another key or none: never accepted. */
static void
test_ssh_key_parse__every_truncation(void **state)
{
	char line[1024];
	struct ssh_key k;
	size_t i, n, body;

	(void)state;
	for (i = 0; i < IAM_COUNT(good); i++) {
		body = (size_t)(strrchr(good[i].line, ' ') - good[i].line);
		for (n = 0; n < body; n++) {
			memcpy(line, good[i].line, n);
			line[n] = '\0';
			if (ssh_key_parse(line, &k, NULL) != IAM_ERR_FORMAT)
				fail_msg("%zu %zu", i, n);
		}
	}
}

/* Flips never crash; what is accepted has another fingerprint. */
static void
test_ssh_key_parse__every_byte_flipped(void **state)
{
	char line[1024];
	struct ssh_key k;
	size_t i, n, body;

	(void)state;
	for (i = 0; i < IAM_COUNT(good); i++) {
		snprintf(line, sizeof(line), "%s", good[i].line);
		body = (size_t)(strrchr(line, ' ') - line);
		for (n = 0; n < body; n++) {
			line[n] ^= 1;
			if (ssh_key_parse(line, &k, NULL) == 0)
				assert_string_not_equal(k.fingerprint, good[i].sha256);
			line[n] ^= 1;
		}
	}
}

static void
assert_refused(const char *line, const char *says)
{
	struct iam_why why;
	struct ssh_key k;

	memset(&why, 0, sizeof(why));
	assert_int_not_equal(ssh_key_parse(line, &k, &why), 0);
	if (strstr(why.text, says) == NULL)
		fail_msg("%s: %s", line, why.text);
}

static void
test_ssh_key_parse__says_what_is_wrong(void **state)
{
	static char longest[SSH_KEY_LINE_MAX + 2];
	char line[1024];

	(void)state;
	assert_refused(rsa1024, "this one 1024");
	assert_refused("", "key type");
	assert_refused("ssh-dss AAAA", "key type");
	assert_refused("no-pty ssh-ed25519 AAAA", "key type");
	assert_refused(" ssh-ed25519 AAAA", "key type");
	assert_refused("ssh-ed25519", "Base64");
	assert_refused("ssh-ed25519  AAAA", "Base64");
	assert_refused("ssh-ed25519 A*AA", "Base64");
	assert_refused("ssh-ed25519 AAAA\nssh-ed25519 AAAA", "one line");
	assert_refused("ssh-ed25519 AAAA \033[2J", "control");
	snprintf(line, sizeof(line), "ssh-rsa%s", strchr(good[0].line, ' '));
	assert_refused(line, "another type inside");
	memset(longest, 'a', sizeof(longest) - 1);
	assert_refused(longest, "at most");
}

static void
test_ssh_key_parse__line_ends_and_comments(void **state)
{
	const char *body = good[0].line;
	char line[1024];
	struct ssh_key k;
	int n = (int)(strrchr(body, ' ') - body);

	(void)state;
	snprintf(line, sizeof(line), "%.*s\n", n, body);
	assert_int_equal(ssh_key_parse(line, &k, NULL), 0);
	assert_int_equal(k.body_len, n);
	snprintf(line, sizeof(line), "%.*s two words \xc3\xa9\r\n", n, body);
	assert_int_equal(ssh_key_parse(line, &k, NULL), 0);
	assert_int_equal(k.body_len, n);
	snprintf(line, sizeof(line), "%.*s\n\n", n, body);
	assert_int_equal(ssh_key_parse(line, &k, NULL), IAM_ERR_FORMAT);
}

/* Bytes after the end, and lengths that point beyond it. */
static void
test_ssh_key_parse__lengths_must_add_up(void **state)
{
	uint8_t blob[] = "\0\0\0\013ssh-ed25519\0\0\0\040"
	    "0123456789abcdef0123456789abcdef\0";
	char b64[128], line[192];
	struct ssh_key k;
	size_t len;

	(void)state;
	for (len = 0; len <= 52; len++) {
		sodium_bin2base64(b64, sizeof(b64), blob, len,
		    sodium_base64_VARIANT_ORIGINAL);
		snprintf(line, sizeof(line), "ssh-ed25519 %s", b64);
		assert_int_equal(ssh_key_parse(line, &k, NULL),
		    len == 51 ? 0 : IAM_ERR_FORMAT);
	}
	blob[15] = 0xff; /* the length of the key */
	sodium_bin2base64(b64, sizeof(b64), blob, 51, sodium_base64_VARIANT_ORIGINAL);
	snprintf(line, sizeof(line), "ssh-ed25519 %s", b64);
	assert_int_equal(ssh_key_parse(line, &k, NULL), IAM_ERR_FORMAT);
}

/* RFC 1321 appendix A.5. */
static void
test_md5__rfc1321_vectors(void **state)
{
	static const char *const rows[][2] = {
		{ "", "d41d8cd98f00b204e9800998ecf8427e" },
		{ "a", "0cc175b9c0f1b6a831c399e269772661" },
		{ "abc", "900150983cd24fb0d6963f7d28e17f72" },
		{ "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
		{ "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b" },
		{ "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
		    "d174ab98d277d9f5a5611c2c9f419d9f" },
		{ "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
		    "57edf4a22be3c955ac49da2e2107b67a" },
	};
	uint8_t sum[MD5_LEN];
	char hex[2 * MD5_LEN + 1];
	size_t i;

	(void)state;
	for (i = 0; i < IAM_COUNT(rows); i++) {
		md5(rows[i][0], strlen(rows[i][0]), sum);
		sodium_bin2hex(hex, sizeof(hex), sum, sizeof(sum));
		assert_string_equal(hex, rows[i][1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ssh_key_parse__as_ssh_keygen_says),
		cmocka_unit_test(test_ssh_key_parse__every_truncation),
		cmocka_unit_test(test_ssh_key_parse__every_byte_flipped),
		cmocka_unit_test(test_ssh_key_parse__says_what_is_wrong),
		cmocka_unit_test(test_ssh_key_parse__line_ends_and_comments),
		cmocka_unit_test(test_ssh_key_parse__lengths_must_add_up),
		cmocka_unit_test(test_md5__rfc1321_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
