/*
 * Wall-clock time in a named zone, without touching the process's TZ.
 *
 * libc can only do this through the environment and global state, which a
 * module in a stranger's process must leave alone, so the system's TZif files
 * are read here. Source: RFC 8536 (TZif), POSIX TZ strings for the footer.
 * Pure after tz_load; safe in threads and after fork.
 */
#ifndef IAM_BASE_TZ_H
#define IAM_BASE_TZ_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct tz;

/* Broken-down local time. */
struct tz_local {
	int year;         /* 2026 */
	int month;        /* 1..12 */
	int day;          /* 1..31 */
	int weekday;      /* 0 = Sunday .. 6 = Saturday */
	int second_of_day;/* 0..86399, by the wall clock */
	int utc_offset_s; /* east of UTC is positive */
};

/*
 * Load a zone. name is an IANA name ("Europe/Berlin", "UTC"), or NULL for the
 * host's zone (/etc/localtime; UTC when that is missing). *ret is owned (tz_free).
 * A name that is absolute, has a ".." or an odd character is IAM_ERR_ARG; an
 * unknown one IAM_ERR_ABSENT; a damaged file IAM_ERR_FORMAT. No allocation
 * beyond *ret; files above 256 KiB are refused.
 */
int tz_load(const char *name, struct tz **ret);
/* The same from the bytes of a TZif file (for tests and fuzzing). */
int tz_parse(const void *data, uint64_t len, struct tz **ret);
void tz_free(struct tz *tz);

/* t in seconds since 1970 UTC; any 64-bit value within years -9999..9999. */
int tz_at(const struct tz *tz, int64_t t, struct tz_local *ret);
/* The same in UTC, without a zone. */
int tz_utc(int64_t t, struct tz_local *ret);
/* Seconds since 1970 of a UTC civil time. Pure arithmetic; no checks beyond
 * the ranges of the fields. */
int64_t tz_from_utc(int year, int month, int day, int second_of_day);

/* "2026-11-24T09:30:00Z": 20 characters and a NUL. */
#define TZ_ISO_LEN 21
void tz_iso(int64_t t, char ret[TZ_ISO_LEN]);

#endif
