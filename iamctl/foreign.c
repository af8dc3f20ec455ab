#include "common/base/base.h"

#include <sodium.h>

#include "iamctl/foreign.h"

#define DAY_S 86400
#define LINE_MAX_LEN 1024

/* The line at *text (at most LINE_MAX_LEN bytes of it), which moves on; false at the end. */
static bool
next_line(const char **text, char line[LINE_MAX_LEN + 1])
{
	size_t len = strcspn(*text, "\n");

	if (**text == '\0')
		return false;
	snprintf(line, LINE_MAX_LEN + 1, "%.*s",
	    (int)(len > LINE_MAX_LEN ? LINE_MAX_LEN : len), *text);
	*text += len + ((*text)[len] == '\n');
	return true;
}

static int
refuse(struct iam_why *why, const char *what)
{
	iam_why_set(why, 0, 0, "%s", what);
	return IAM_ERR_FORMAT;
}

/* ---- shadow(5) ---- */

static int
shadow_entry(char *line, struct foreign_password *ret, struct iam_why *why)
{
	char *fields = line, *hash, *day;
	uint32_t days;

	(void)strsep(&fields, ":");
	hash = strsep(&fields, ":");
	day = fields != NULL ? strsep(&fields, ":") : NULL;
	if (hash == NULL || fields == NULL)
		return refuse(why, "its line is not one of shadow(5)");
	if (hash[0] == '!')
		return refuse(why, "its password is locked; unlock it first with"
		    " 'passwd -u'");
	if (strlen(hash) >= PASSWORD_HASH_MAX || !password_hash_known(hash))
		return refuse(why, "it has no password that crypt(5) knows");
	*ret = (struct foreign_password){ 0 };
	memcpy(ret->hash, hash, strlen(hash) + 1);
	if (day[0] != '\0' && name_parse_u32(day, &days)) {
		ret->changed_s = (int64_t)days * DAY_S;
		ret->must_change = days == 0;
	}
	return 0;
}

int
foreign_shadow(const char *text, const char *name,
    struct foreign_password *ret, struct iam_why *why)
{
	char line[LINE_MAX_LEN + 1];
	size_t len = strlen(name);
	int r = IAM_ERR_ABSENT;

	while (r == IAM_ERR_ABSENT && next_line(&text, line))
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			r = shadow_entry(line, ret, why);
	explicit_bzero(line, sizeof(line));
	return r;
}

/* ---- google-authenticator ---- */

/* "\" STEP_SIZE 60": an option and its first argument. */
static int
google_option(const char *line, struct foreign_device *ret, bool *totp,
    struct iam_why *why)
{
	if (strcmp(line, "\" TOTP_AUTH") == 0)
		*totp = true;
	else if (strncmp(line, "\" HOTP_COUNTER", 14) == 0)
		return refuse(why, "it counts codes (HOTP); only those by time are"
		    " taken over");
	else if (strcmp(line, "\" STEP_SIZE 60") == 0)
		ret->params.period_s = 60;
	else if (strncmp(line, "\" STEP_SIZE ", 12) == 0 &&
	    strcmp(line, "\" STEP_SIZE 30") != 0)
		return refuse(why, "its codes are good for neither 30 nor 60 seconds");
	/* Window, rate, skew and the like: we have our own. */
	return 0;
}

static int
take_seed(struct foreign_device *ret, struct iam_why *why)
{
	if (ret->seed.len < TOTP_SEED_MIN || ret->seed.len > TOTP_SEED_MAX) {
		iam_why_set(why, 0, 0, "its secret has %zu bytes and not %d to %d;"
		    " enrol a new device", ret->seed.len, TOTP_SEED_MIN,
		    TOTP_SEED_MAX);
		return IAM_ERR_FORMAT;
	}
	return 0;
}

static bool
is_scratch_code(const char *line)
{
	return strlen(line) == 8 && strspn(line, "0123456789") == 8;
}

int
foreign_google(const char *text, struct foreign_device *ret,
    struct iam_why *why)
{
	char line[LINE_MAX_LEN + 1];
	bool totp = false;
	int r = 0;

	ret->params = (struct totp_params){ TOTP_SHA1, 6, 30, 0 };
	ret->scratch_codes = 0;
	if (!next_line(&text, line) || base32_decode(line, &ret->seed) != 0)
		r = refuse(why, "its first line is no secret in Base32");
	else
		r = take_seed(ret, why);
	while (r == 0 && next_line(&text, line)) {
		if (line[0] == '"')
			r = google_option(line, ret, &totp, why);
		else if (is_scratch_code(line))
			ret->scratch_codes++;
		else if (line[0] != '\0')
			r = refuse(why, "it has a line that is neither an option nor an"
			    " emergency code");
	}
	explicit_bzero(line, sizeof(line));
	if (r == 0 && !totp)
		r = refuse(why, "it does not say TOTP_AUTH");
	if (r != 0)
		secret_release(&ret->seed);
	return r;
}

/* ---- pam_oath ---- */

/* "HOTP/T30/6": by time, and the digits. */
static int
oath_type(const char *type, struct totp_params *ret, struct iam_why *why)
{
	static const struct {
		const char *name;
		uint32_t period_s;
	} periods[] = { { "HOTP/T30", 30 }, { "HOTP/T60", 60 } };
	size_t i, len;

	*ret = (struct totp_params){ TOTP_SHA1, 6, 0, 0 };
	for (i = 0; i < IAM_COUNT(periods); i++) {
		len = strlen(periods[i].name);
		if (strncmp(type, periods[i].name, len) == 0 &&
		    (type[len] == '\0' || type[len] == '/')) {
			ret->period_s = periods[i].period_s;
			type += len;
			break;
		}
	}
	if (ret->period_s == 0)
		return refuse(why, "not a token of 30 or 60 seconds (HOTP/T30, HOTP/T60)");
	if (strcmp(type, "/8") == 0)
		ret->digits = 8;
	else if (type[0] != '\0' && strcmp(type, "/6") != 0)
		return refuse(why, "its codes have neither 6 nor 8 digits");
	return 0;
}

static int
oath_secret(const char *hex, struct foreign_device *ret, struct iam_why *why)
{
	uint8_t raw[TOTP_SEED_MAX + 1];
	size_t len;
	int r;

	if (sodium_hex2bin(raw, sizeof(raw), hex, strlen(hex), NULL, &len,
	    NULL) != 0 || len == 0)
		return refuse(why, "its secret is not in hexadecimal, or too long");
	r = secret_set(&ret->seed, raw, len);
	explicit_bzero(raw, sizeof(raw));
	return r != 0 ? r : take_seed(ret, why);
}

static int
oath_fields(char *line, struct foreign_device *ret, struct iam_why *why)
{
	const char *type, *user, *pin, *secret;
	char *save = NULL;
	int r;

	type = strtok_r(line, " \t\r", &save);
	user = strtok_r(NULL, " \t\r", &save);
	pin = strtok_r(NULL, " \t\r", &save);
	secret = strtok_r(NULL, " \t\r", &save);
	if (type == NULL || user == NULL || pin == NULL || secret == NULL)
		return refuse(why, "not a line of pam_oath's users file");
	if ((r = oath_type(type, &ret->params, why)) != 0)
		return r;
	if (!name_is_unix(user))
		return refuse(why, "its user is not the name of one of ours");
	if (strcmp(pin, "-") != 0 && strcmp(pin, "+") != 0)
		return refuse(why, "it has a PIN, which is not taken over");
	snprintf(ret->user, sizeof(ret->user), "%s", user);
	return oath_secret(secret, ret, why);
}

int
foreign_oath_line(const char *line, bool *ret_device,
    struct foreign_device *ret, struct iam_why *why)
{
	char copy[LINE_MAX_LEN + 1];
	size_t skip = strspn(line, " \t\r");
	int r;

	*ret_device = false;
	if (line[skip] == '\0' || line[skip] == '#')
		return 0;
	if (strlen(line) > LINE_MAX_LEN)
		return refuse(why, "the line is too long");
	snprintf(copy, sizeof(copy), "%s", line);
	if ((r = oath_fields(copy, ret, why)) == 0)
		*ret_device = true;
	else
		secret_release(&ret->seed);
	explicit_bzero(copy, sizeof(copy));
	return r;
}
