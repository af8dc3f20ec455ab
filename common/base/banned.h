/*
 * Functions that are easy to misuse, keep static state or read the
 * environment do not compile. After git's banned.h; the list is ours.
 */
#ifndef IAM_BASE_BANNED_H
#define IAM_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat stpcpy sprintf vsprintf
#pragma GCC poison strtok atoi atol atof atoll gets tmpnam tempnam mktemp
#pragma GCC poison gmtime localtime ctime asctime localtime_r
#pragma GCC poison system popen getenv setenv putenv unsetenv strerror

#endif
