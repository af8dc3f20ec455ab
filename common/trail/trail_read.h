/* Shared by the readers; jansson. */
#ifndef IAM_TRAIL_TRAIL_READ_H
#define IAM_TRAIL_TRAIL_READ_H

#include <jansson.h>
#include <sys/stat.h>

#include "common/trail/internal.h"

/* Open for reading; *ret_size is the end of the last complete write. */
int trail_read_open(const char *file, int *ret_fd, off_t *ret_size);
/* A line as an object (new), NULL when it is none. */
json_t *trail_read_record(const char *line, size_t len);

#endif
