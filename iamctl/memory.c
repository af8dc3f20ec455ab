/*
 * Memory of JSON values. Passwords and seeds pass through them, so they are wiped.
 * And when there is none left, the program ends, as if killed, which the store bears at
 * any moment: jansson 2.14 would go on without the characters of a string for
 * which it found no room (its lexer does not look at what strbuffer says), and a
 * policy, a name or a setting would be another one.
 */
#include "common/base/base.h"

#include <jansson.h>
#include <malloc.h>
#include <unistd.h>

#include "iamctl/cli.h"

static void *
malloc_or_end(size_t size)
{
	static const char text[] = "iamctl: out of memory\n";
	void *p = malloc(size);

	if (p == NULL) {
		(void)file_write_all(STDERR_FILENO, text, sizeof(text) - 1);
		_exit(CLI_EXIT_OTHER);
	}
	return p;
}

static void
wiping_free(void *p)
{
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

void
cli_json_memory(void)
{
	json_set_alloc_funcs(malloc_or_end, wiping_free);
}
