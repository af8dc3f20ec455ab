/* The base of every part: include this one. */
#ifndef IAM_BASE_BASE_H
#define IAM_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/banned.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/file.h"
#include "common/base/name.h"
#include "common/base/paths.h"
#include "common/base/secret.h"
#include "common/base/tz.h"

#define IAM_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
