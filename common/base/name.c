#include "common/base/base.h"

#include <string.h>

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

/* May it begin a Unix name (2), be in one (1)? Asked more often than anything else
 * here: every look-up of a name begins so. */
static const uint8_t unix_chars[256] = {
	['a'] = 3, ['b'] = 3, ['c'] = 3, ['d'] = 3, ['e'] = 3, ['f'] = 3, ['g'] = 3,
	['h'] = 3, ['i'] = 3, ['j'] = 3, ['k'] = 3, ['l'] = 3, ['m'] = 3, ['n'] = 3,
	['o'] = 3, ['p'] = 3, ['q'] = 3, ['r'] = 3, ['s'] = 3, ['t'] = 3, ['u'] = 3,
	['v'] = 3, ['w'] = 3, ['x'] = 3, ['y'] = 3, ['z'] = 3, ['_'] = 3,
	['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1,
	['7'] = 1, ['8'] = 1, ['9'] = 1, ['.'] = 1, ['-'] = 1,
};

bool
name_is_unix(const char *name)
{
	const unsigned char *p = (const unsigned char *)name;
	size_t i;

	for (i = 0; unix_chars[p[i]] != 0; i++) {
		if (i == IAM_UNIX_NAME_MAX)
			return false;
	}
	return i > 0 && p[i] == '\0' && unix_chars[p[0]] == 3 && p[i - 1] != '.';
}

/* Sorted. Those of Debian, its daemons, and of other systems that hosts copy.
 * Arrays, not pointers: nothing to relocate in every process of the host. */
static const char privileged_groups[][16] = {
	"adm", "admin", "backup", "bluetooth", "daemon", "disk", "docker",
	"iam-auth", "incus", "incus-admin", "input", "kmem", "kvm", "libvirt",
	"lpadmin", "lxd", "mail", "netdev", "nogroup", "operator", "plugdev",
	"podman", "render", "root", "sasl", "shadow", "src", "ssl-cert", "staff",
	"sudo", "sys", "systemd-journal", "systemd-network", "tty", "utmp",
	"video", "wheel", "wireshark",
};

bool
name_is_privileged_group(const char *name)
{
	size_t low = 0, high = IAM_COUNT(privileged_groups), mid;
	int c;

	while (low < high) {
		mid = (low + high) / 2;
		if ((c = strcmp(name, privileged_groups[mid])) == 0)
			return true;
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

bool
name_is_iam(const char *name, unsigned max)
{
	size_t i;

	for (i = 0; name[i] != '\0'; i++) {
		if (i == max)
			return false;
		if (!is_word(name[i]) && strchr("+=,.@-", name[i]) == NULL)
			return false;
	}
	return i > 0;
}

bool
name_is_path(const char *path)
{
	size_t i, len = strnlen(path, 513);

	if (len == 0 || len > 512 || path[0] != '/' || path[len - 1] != '/')
		return false;
	for (i = 0; i < len; i++) {
		if (path[i] < 0x21 || path[i] > 0x7e)
			return false;
	}
	return true;
}

bool
name_parse_u32(const char *s, uint32_t *ret)
{
	uint64_t v = 0;
	size_t i;

	if (s[0] == '0' && s[1] != '\0')
		return false;
	for (i = 0; s[i] != '\0'; i++) {
		if (i == 10 || !is_digit(s[i]))
			return false;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	if (i == 0 || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}
