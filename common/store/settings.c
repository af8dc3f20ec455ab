/*
 * Rules that this file keeps: what is not understood is refused, never
 * skipped, because a misspelt setting is one that does not hold; and what is
 * refused changes nothing.
 */
#include "common/base/base.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common/store/settings.h"

#define SETTINGS_FILE_MAX ((size_t)256 << 10)

/* DESIGN, "ARNs, actions, resources": what is not here is host:Authenticate. */
static const struct snap_service default_services[] = {
	{ "sshd", "host:Login" },
	{ "login", "host:Login" },
	{ "gdm*", "host:Login" },
	{ "lightdm", "host:Login" },
	{ "sddm", "host:Login" },
	{ "cockpit", "host:Login" },
	{ "sudo", "host:Sudo" },
	{ "sudo-i", "host:Sudo" },
	{ "su", "host:SwitchUser" },
	{ "su-l", "host:SwitchUser" },
	{ "cron", "host:RunScheduled" },
	{ "atd", "host:RunScheduled" },
	{ "systemd-user", "host:RunScheduled" },
};

static const char *const actions[] = { "host:Login", "host:Authenticate",
	"host:Sudo", "host:SwitchUser", "host:RunScheduled" };

static int
refuse(struct iam_why *why, const char *group, const char *name,
    const char *what)
{
	char shown[65];
	size_t i;

	/* The name may be anything that JSON can say. */
	snprintf(shown, sizeof(shown), "%s", name);
	for (i = 0; shown[i] != '\0'; i++) {
		if ((unsigned char)shown[i] < 0x20 || shown[i] == 0x7f)
			shown[i] = '?';
	}
	iam_why_set(why, 0, 0, "%s%s%s: %s", group, group[0] == '\0' ? "" : ".",
	    shown, what);
	return IAM_ERR_FORMAT;
}

/* 1..max of letters, digits and these. */
static bool
is_word(const char *s, const char *more, size_t max)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++) {
		if (i == max || !((s[i] >= 'a' && s[i] <= 'z') ||
		    (s[i] >= 'A' && s[i] <= 'Z') ||
		    (s[i] >= '0' && s[i] <= '9') ||
		    strchr(more, s[i]) != NULL))
			return false;
	}
	return i > 0;
}

/* ---- tags ---- */

/* The next character of valid UTF-8. */
static uint32_t
next_char(const uint8_t **p)
{
	const uint8_t *s = *p;
	unsigned more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : 0;
	uint32_t c = more == 0 ? s[0] : s[0] & (0x3fu >> more);
	unsigned i;

	for (i = 1; i <= more && (s[i] & 0xc0) == 0x80; i++)
		c = c << 6 | (s[i] & 0x3f);
	*p = s + i;
	return c;
}

/* Above ASCII only what changes how a line is shown is kept out (S42). */
static bool
is_tag_char(uint32_t c)
{
	if (c < 0x80)
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') ||
		    (c != 0 && strchr(" _.:/=+-@", (int)c) != NULL);
	return c >= 0xa0 && !(c >= 0x200b && c <= 0x200f) &&
	    !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2060 && c <= 0x206f) &&
	    c != 0xfeff;
}

static bool
is_tag_text(const char *s, size_t min, size_t max)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t n;

	for (n = 0; *p != '\0'; n++) {
		if (n == max || !is_tag_char(next_char(&p)))
			return false;
	}
	return n >= min;
}

bool
settings_tag_key_ok(const char *key)
{
	return is_tag_text(key, 1, 128) && strncasecmp(key, "aws:", 4) != 0;
}

bool
settings_tag_value_ok(const char *value)
{
	return is_tag_text(value, 0, 256);
}

/* Condition keys have no case, so neither may tags differ by case alone. */
static bool
has_tag(const struct settings_host *h, const char *key)
{
	uint32_t i;

	for (i = 0; i < h->tag_count; i++) {
		if (strcasecmp(h->tags[i].key, key) == 0)
			return true;
	}
	return false;
}

static int
read_tags(json_t *tags, struct settings_host *h, struct iam_why *why)
{
	const char *key, *value;
	json_t *v;

	if (!json_is_object(tags))
		return refuse(why, "", "tags", "must be an object");
	if (json_object_size(tags) > SNAP_TAGS_MAX)
		return refuse(why, "", "tags", "may have 50 members at most");
	json_object_foreach(tags, key, v) {
		if (!settings_tag_key_ok(key))
			return refuse(why, "tags", key, "a key has 1 to 128 letters,"
			    " digits, spaces and _.:/=+-@, and does not begin"
			    " with aws:");
		value = json_string_value(v);
		if (value == NULL || !settings_tag_value_ok(value))
			return refuse(why, "tags", key, "must be a string of at most"
			    " 256 letters, digits, spaces and _.:/=+-@");
		if (has_tag(h, key))
			return refuse(why, "tags", key, "is there in another case, too");
		h->tags[h->tag_count].key = key;
		h->tags[h->tag_count++].value = value;
	}
	return 0;
}

/* ---- files and texts ---- */

/* jansson counts characters, we count bytes; it has read up to e->position. */
static unsigned
column(const char *text, size_t len, const json_error_t *e)
{
	size_t end = e->position < 0 ? 0 : (size_t)e->position;
	size_t start;

	if (end > len)
		end = len;
	start = end;
	while (start > 0 && text[start - 1] != '\n')
		start--;
	return end == start ? 1 : (unsigned)(end - start);
}

static int
load(const char *text, size_t len, json_t **ret, struct iam_why *why)
{
	json_error_t e;
	char *p;

	*ret = json_loadb(len == 0 ? "" : text, len, JSON_REJECT_DUPLICATES, &e);
	if (*ret == NULL) {
		if (e.text[0] == '\0') { /* a text is there for all else */
			iam_why_set(why, 0, 0, "out of memory");
			return IAM_ERR_MEMORY;
		}
		/* It quotes the file. */
		for (p = e.text; *p != '\0'; p++) {
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				*p = ' ';
		}
		iam_why_set(why, e.line < 1 ? 1 : (unsigned)e.line,
		    column(text, len, &e), "%s", e.text);
		return IAM_ERR_FORMAT;
	}
	if (!json_is_object(*ret)) {
		iam_why_set(why, 1, 1, "must be an object: {…}");
		return IAM_ERR_FORMAT;
	}
	return 0;
}

static void
explain_file(int r, const char *path, struct iam_why *why)
{
	switch ((enum iam_err)r) {
	case IAM_ERR_ABSENT:
		iam_why_set(why, 0, 0, "%s: there is no such file", path);
		break;
	case IAM_ERR_UNSAFE:
		iam_why_set(why, 0, 0, "%s: must be a regular file of root that"
		    " nobody else may write", path);
		break;
	case IAM_ERR_LIMIT:
		iam_why_set(why, 0, 0, "%s: larger than 256 KiB", path);
		break;
	case IAM_OK:
	case IAM_ERR_MEMORY:
	case IAM_ERR_IO:
	case IAM_ERR_FORMAT:
	case IAM_ERR_VERSION:
	case IAM_ERR_RANGE:
	case IAM_ERR_ARG:
	case IAM_ERR_CRYPTO:
	case IAM_ERR_BUSY:
	case IAM_ERR_CONFLICT:
	case IAM_ERR_BUG:
		iam_why_set(why, 0, 0, "%s: %s", path, iam_strerror(r));
		break;
	}
}

/* "PATH: " in front of what a parser said, with its place kept. */
static void
prepend_path(const char *path, struct iam_why *why)
{
	char text[sizeof(why->text)];

	if (why == NULL)
		return;
	memcpy(text, why->text, sizeof(text));
	iam_why_set(why, why->line, why->col, "%.100s: %.130s", path, text);
}

/*
 * The mark is taken first: should the file change in between, the mark is the
 * older one, and the next login sees that the snapshot is stale.
 */
static int
read_marked(const char *path, struct buf *text, struct snap_file_mark *mark,
    struct iam_why *why)
{
	int r;

	if ((r = snap_mark_take(path, mark)) != 0 ||
	    (r = file_read(path, FILE_ROOT_ONLY, SETTINGS_FILE_MAX, text)) != 0)
		explain_file(r, path, why);
	return r;
}

/* ---- host.json ---- */

static int
host_members(struct settings_host *h, struct iam_why *why)
{
	const char *name;
	json_t *v;
	int r;

	json_object_foreach(h->json, name, v) {
		if (strcmp(name, "region") == 0)
			h->region = json_string_value(v);
		else if (strcmp(name, "hostname") == 0)
			h->hostname = json_string_value(v);
		else if (strcmp(name, "tags") != 0)
			return refuse(why, "", name, "there is no such member here");
		else if ((r = read_tags(v, h, why)) != 0)
			return r;
	}
	if (h->region == NULL || !is_word(h->region, "_-", 64))
		return refuse(why, "", "region", "must be a string of 1 to 64"
		    " letters, digits, '-' and '_'");
	if (h->hostname == NULL || !is_word(h->hostname, "._-", 253))
		return refuse(why, "", "hostname", "must be a string of 1 to 253"
		    " letters, digits, '.', '-' and '_'");
	return 0;
}

int
settings_host_parse(const char *text, size_t len, struct settings_host *ret,
    struct iam_why *why)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	if ((r = load(text, len, &ret->json, why)) != 0 ||
	    (r = host_members(ret, why)) != 0)
		settings_host_release(ret);
	return r;
}

int
settings_host_read(const char *path, struct settings_host *ret,
    struct iam_why *why)
{
	struct buf text = BUF_INIT;
	struct snap_file_mark mark;
	int r;

	memset(ret, 0, sizeof(*ret));
	if ((r = read_marked(path, &text, &mark, why)) != 0)
		goto out;
	r = settings_host_parse((const char *)text.p, text.len, ret, why);
	if (r != 0)
		prepend_path(path, why);
	else
		ret->mark = mark;
out:
	buf_release(&text);
	return r;
}

void
settings_host_release(struct settings_host *h)
{
	json_decref(h->json);
	memset(h, 0, sizeof(*h));
}

static json_t *
host_json(const struct settings_host *h)
{
	json_t *tags = json_object();
	uint32_t i;

	for (i = 0; i < h->tag_count; i++) {
		if (json_object_set_new(tags, h->tags[i].key,
		    json_string(h->tags[i].value)) != 0) {
			json_decref(tags);
			return NULL;
		}
	}
	return json_pack("{s:s, s:s, s:o}", "region", h->region, "hostname",
	    h->hostname, "tags", tags);
}

static int
host_text(const struct settings_host *h, struct buf *ret, struct iam_why *why)
{
	json_t *json = host_json(h);
	char *text = json_dumps(json, JSON_INDENT(4));
	int r = 0;

	if (text == NULL ||
	    json_object_size(json_object_get(json, "tags")) != h->tag_count) {
		/* Nothing else keeps jansson from writing a string. */
		iam_why_set(why, 0, 0, "a tag is there twice, or a text is not"
		    " valid UTF-8");
		r = IAM_ERR_FORMAT;
	} else {
		buf_puts(ret, text);
		buf_putc(ret, '\n');
		r = ret->err;
	}
	free(text);
	json_decref(json);
	return r;
}

int
settings_host_write(const char *path, const struct settings_host *host,
    struct iam_why *why)
{
	struct buf text = BUF_INIT;
	struct settings_host again;
	int r;

	if (host->region == NULL || host->hostname == NULL ||
	    host->tag_count > SNAP_TAGS_MAX) {
		iam_why_set(why, 0, 0, "region, hostname and at most %u tags are"
		    " needed", SNAP_TAGS_MAX);
		return IAM_ERR_ARG;
	}
	if ((r = host_text(host, &text, why)) != 0 ||
	    (r = settings_host_parse((const char *)text.p, text.len, &again,
	    why)) != 0)
		goto out;
	settings_host_release(&again);
	r = file_replace(path, text.p, text.len, 0644, (gid_t)-1);
	if (r != 0)
		explain_file(r, path, why);
out:
	buf_release(&text);
	return r;
}

/* ---- iam.json ---- */

/* Services that show one prompt, or answer all with what was typed at the first. */
static const char *const default_one_line[] = { "i3lock", "swaylock", "waylock",
	"xrdp-sesman", "apache2", "dovecot", "postgresql", "proftpd", "vsftpd" };

enum kind { WHOLE, YES_NO, WHEN_ENROLLED, SELF_ENROLMENT, UMASK,
	GROUP };

static const struct member {
	const char *group, *name;
	enum kind kind;
	size_t offset;
	uint32_t min, max;
} members[] = {
#define AT(m) offsetof(struct settings, m)
	{ "ids", "min", WHOLE, AT(id_min), 1, UINT32_MAX },
	{ "ids", "max", WHOLE, AT(id_max), 1, UINT32_MAX },
	{ "subordinateIds", "min", WHOLE, AT(subid_min), 1, UINT32_MAX },
	{ "subordinateIds", "max", WHOLE, AT(subid_max), 1, UINT32_MAX },
	{ "mfa", "whenEnrolled", WHEN_ENROLLED, AT(mfa_when_enrolled), 0, 1 },
	{ "mfa", "memorySeconds", WHOLE, AT(mfa_memory_s), 0, 86400 },
	{ "mfa", "selfEnrolment", SELF_ENROLMENT, AT(self_enrolment), 0, 2 },
	{ "mfa", "selfEnrolmentDays", WHOLE, AT(enrolment_days), 1, 365 },
	{ "throttle", "freeAttempts", WHOLE, AT(throttle_free), 0, 1000 },
	{ "throttle", "maxDelaySeconds", WHOLE, AT(throttle_max_s), 1, 86400 },
	{ "throttle", "sourceFreeAttempts", WHOLE, AT(source_free), 0, 1000 },
	{ "login", "passwordWarnDays", WHOLE, AT(password_warn_days), 0, 365 },
	{ "home", "create", YES_NO, AT(create_home), 0, 1 },
	{ "home", "umask", UMASK, AT(home_umask), 0, 0777 },
	{ "helper", "group", GROUP, AT(helper_group), 0, 0 },
#undef AT
};

static const struct settings defaults = {
	.id_min = IAM_ID_MIN_DEFAULT,
	.id_max = IAM_ID_MAX_DEFAULT,
	.subid_min = IAM_SUBID_MIN_DEFAULT,
	.subid_max = IAM_SUBID_MAX_DEFAULT,
	.mfa_when_enrolled = 1,
	.mfa_memory_s = 900,
	.self_enrolment = SNAP_ENROLMENT_OFF,
	.enrolment_days = 14,
	.throttle_free = 10,
	.throttle_max_s = 300,
	.source_free = 100,
	.password_warn_days = 7,
	.create_home = 1,
	.home_umask = 0077,
};

/* "077" or "0077"; a home that everyone may write to is a mistake. */
static bool
parse_umask(const char *s, uint32_t *ret)
{
	uint32_t v = 0;
	size_t i;

	for (i = 0; s[i] != '\0'; i++) {
		if (i == 4 || s[i] < '0' || s[i] > '7')
			return false;
		v = v << 3 | (uint32_t)(s[i] - '0');
	}
	if (i < 3 || v > 0777 || (v & 02) == 0)
		return false;
	*ret = v;
	return true;
}

static int
read_whole(const struct member *m, const json_t *v, uint32_t *ret,
    struct iam_why *why)
{
	json_int_t n = json_integer_value(v);
	char what[80];

	if (!json_is_integer(v) || n < m->min || n > m->max) {
		snprintf(what, sizeof(what), "must be a whole number from %u to %u",
		    m->min, m->max);
		return refuse(why, m->group, m->name, what);
	}
	*ret = (uint32_t)n;
	return 0;
}

/* Names as Debian's own: "Debian-exim" has a capital. */
static bool
is_local_group(const char *name)
{
	return name != NULL && is_word(name, "_.-", IAM_UNIX_NAME_MAX) &&
	    strchr("-.0123456789", name[0]) == NULL &&
	    strcmp(name, "root") != 0;
}

/* One of the words, by its place; a list that ends with NULL. */
static bool
read_word(const json_t *v, const char *const *words, uint32_t *ret)
{
	const char *text = json_string_value(v);
	uint32_t i;

	for (i = 0; text != NULL && words[i] != NULL; i++) {
		if (strcmp(text, words[i]) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static int
read_member(const struct member *m, const json_t *v, struct settings *s,
    struct iam_why *why)
{
	static const char *const when[] = { "policy", "always", NULL };
	static const char *const enrolment[] = { "off", "policy", "always", NULL };
	void *at = (char *)s + m->offset;
	uint32_t *ret = at;
	const char *text = json_string_value(v);

	switch (m->kind) {
	case WHOLE:
		return read_whole(m, v, ret, why);
	case YES_NO:
		if (!json_is_boolean(v))
			return refuse(why, m->group, m->name, "must be true or false");
		*ret = json_is_true(v);
		return 0;
	case WHEN_ENROLLED:
		return read_word(v, when, ret) ? 0 : refuse(why, m->group, m->name,
		    "must be \"always\" or \"policy\"");
	case SELF_ENROLMENT:
		return read_word(v, enrolment, ret) ? 0 : refuse(why, m->group,
		    m->name, "must be \"off\", \"policy\" or \"always\"");
	case UMASK:
		if (text == NULL || !parse_umask(text, ret))
			return refuse(why, m->group, m->name, "must be an octal number"
			    " in quotes that takes the right to write from others,"
			    " such as \"0077\"");
		return 0;
	case GROUP:
		if (!is_local_group(text))
			return refuse(why, m->group, m->name,
			    "must be the name of a group, and not root");
		*(const char **)at = text;
		return 0;
	}
	return IAM_ERR_BUG;
}

static bool is_service(const char *s);

static int
read_one_line(json_t *list, struct settings *s, struct iam_why *why)
{
	const char *name;
	size_t i;
	json_t *v;

	if (!json_is_array(list) || json_array_size(list) > SNAP_ONE_LINE_MAX)
		return refuse(why, "mfa", "oneLine", "must be a list of at most 32"
		    " PAM services");
	s->one_line_count = 0;
	json_array_foreach(list, i, v) {
		name = json_string_value(v);
		if (name == NULL || !is_service(name))
			return refuse(why, "mfa.oneLine", name == NULL ? "?" : name,
			    "not the name of a PAM service, nor the beginning of one"
			    " followed by '*'");
		s->one_line[s->one_line_count++] = name;
	}
	return 0;
}

static int
read_group(const char *group, json_t *v, struct settings *s,
    struct iam_why *why)
{
	const char *name;
	json_t *value;
	size_t i;
	int r;

	if (!json_is_object(v))
		return refuse(why, "", group, "must be an object");
	json_object_foreach(v, name, value) {
		for (i = 0; i < IAM_COUNT(members); i++) {
			if (strcmp(members[i].group, group) == 0 &&
			    strcmp(members[i].name, name) == 0)
				break;
		}
		if (i < IAM_COUNT(members))
			r = read_member(&members[i], value, s, why);
		else if (strcmp(group, "mfa") == 0 && strcmp(name, "oneLine") == 0)
			r = read_one_line(value, s, why);
		else
			r = refuse(why, group, name, "there is no such member");
		if (r != 0)
			return r;
	}
	return 0;
}

/* A service of the default table gets the file's action, others are added. */
static bool
set_service(struct settings *s, const char *service, const char *action)
{
	uint32_t i;

	for (i = 0; i < s->service_count; i++) {
		if (strcmp(s->services[i].service, service) == 0)
			break;
	}
	if (i == SNAP_SERVICES_MAX)
		return false;
	s->services[i].service = service;
	s->services[i].action = action;
	if (i == s->service_count)
		s->service_count++;
	return true;
}

/* A PAM service's name, or the beginning of one with '*' after it. */
static bool
is_service(const char *s)
{
	size_t len = strlen(s);
	char name[65];

	if (len > 0 && s[len - 1] == '*')
		len--;
	if (len >= sizeof(name))
		return false;
	memcpy(name, s, len);
	name[len] = '\0';
	return len == 0 ? s[0] == '*' : is_word(name, "_.-", 64);
}

static const char *
find_action(const char *action)
{
	size_t i;

	for (i = 0; action != NULL && i < IAM_COUNT(actions); i++) {
		if (strcmp(actions[i], action) == 0)
			return actions[i];
	}
	return NULL;
}

static int
read_services(json_t *services, struct settings *s, struct iam_why *why)
{
	const char *name, *action;
	json_t *v;

	if (!json_is_object(services))
		return refuse(why, "", "services", "must be an object");
	json_object_foreach(services, name, v) {
		if (!is_service(name))
			return refuse(why, "services", name, "not the name of a PAM"
			    " service, nor the beginning of one followed by '*'");
		if ((action = find_action(json_string_value(v))) == NULL)
			return refuse(why, "services", name, "must be host:Login,"
			    " host:Authenticate, host:Sudo, host:SwitchUser or"
			    " host:RunScheduled");
		if (!set_service(s, name, action))
			return refuse(why, "", "services", "too many");
	}
	return 0;
}

static int
read_local_groups(json_t *groups, struct settings *s, struct iam_why *why)
{
	const char *name;
	uint32_t i;
	size_t at;
	json_t *v;

	if (!json_is_array(groups) ||
	    json_array_size(groups) > SETTINGS_LOCAL_GROUPS_MAX)
		return refuse(why, "", "localGroups",
		    "must be a list of at most 64 names");
	json_array_foreach(groups, at, v) {
		name = json_string_value(v);
		if (!is_local_group(name))
			return refuse(why, "localGroups", name == NULL ? "?" : name,
			    "not the name of a local group that people may be put"
			    " into");
		for (i = 0; i < s->local_group_count; i++) {
			if (strcmp(s->local_groups[i], name) == 0)
				return refuse(why, "localGroups", name,
				    "is there twice");
		}
		s->local_groups[s->local_group_count++] = name;
	}
	return 0;
}

static bool
is_group_of_members(const char *name)
{
	size_t i;

	for (i = 0; i < IAM_COUNT(members); i++) {
		if (strcmp(members[i].group, name) == 0)
			return true;
	}
	return false;
}

/*
 * Below 65536: local and system accounts, nobody, and what systemd hands out.
 * 100000..1879048191: subordinate ids (login.defs) and containers (systemd's
 * UIDS-GIDS). The last two: (uid_t)-2 and (uid_t)-1 mean nobody and no one.
 */
bool
settings_range_ok(uint32_t min, uint32_t max)
{
	return min >= 65536 && min <= max && max <= UINT32_MAX - 2 &&
	    (max < 100000 || min > 1879048191);
}

/* S26: in nobody else's way, and in whole ranges. */
static int
check_id_spans(const struct settings *s, struct iam_why *why)
{
	if (!settings_range_ok(s->id_min, s->id_max))
		return refuse(why, "", "ids", "min to max must lie within 65536 to"
		    " 99999 or 1879048192 to 4294967293: the rest is used by local"
		    " accounts, subordinate ids and containers");
	if (!settings_range_ok(s->subid_min, s->subid_max) ||
	    s->subid_min % IAM_SUBID_COUNT != 0 ||
	    s->subid_max % IAM_SUBID_COUNT != IAM_SUBID_COUNT - 1)
		return refuse(why, "", "subordinateIds", "min to max must lie within"
		    " 1879048192 to 4294901759 and be whole ranges of 65536: min a"
		    " multiple of it, max one less than a multiple");
	if (s->subid_min <= s->id_max && s->id_min <= s->subid_max)
		return refuse(why, "", "subordinateIds", "must not overlap ids");
	return 0;
}

static int
settings_members(struct settings *s, struct iam_why *why)
{
	const char *name;
	json_t *v;
	int r;

	json_object_foreach(s->json, name, v) {
		if (strcmp(name, "services") == 0)
			r = read_services(v, s, why);
		else if (strcmp(name, "localGroups") == 0)
			r = read_local_groups(v, s, why);
		else if (is_group_of_members(name))
			r = read_group(name, v, s, why);
		else if (strcmp(name, "password") == 0)
			r = refuse(why, "", name, "is not a host's setting: the account"
			    " has a password policy ('iamctl"
			    " update-account-password-policy')");
		else
			r = refuse(why, "", name, "there is no such member here");
		if (r != 0)
			return r;
	}
	return check_id_spans(s, why);
}

static void
set_defaults(struct settings *s)
{
	size_t i;

	*s = defaults;
	for (i = 0; i < IAM_COUNT(default_services); i++)
		s->services[i] = default_services[i];
	s->service_count = IAM_COUNT(default_services);
	memcpy(s->one_line, default_one_line, sizeof(default_one_line));
	s->one_line_count = IAM_COUNT(default_one_line);
}

int
settings_parse(const char *text, size_t len, struct settings *ret,
    struct iam_why *why)
{
	int r;

	set_defaults(ret);
	if ((r = load(text, len, &ret->json, why)) != 0 ||
	    (r = settings_members(ret, why)) != 0)
		settings_release(ret);
	return r;
}

int
settings_read(const char *path, struct settings *ret, struct iam_why *why)
{
	struct buf text = BUF_INIT;
	struct snap_file_mark mark;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = read_marked(path, &text, &mark, why);
	if (r == IAM_ERR_ABSENT) {
		set_defaults(ret);
		ret->mark = mark;
		r = 0;
	} else if (r == 0) {
		r = settings_parse((const char *)text.p, text.len, ret, why);
		if (r != 0)
			prepend_path(path, why);
		else
			ret->mark = mark;
	}
	buf_release(&text);
	return r;
}

void
settings_release(struct settings *s)
{
	json_decref(s->json);
	memset(s, 0, sizeof(*s));
}
