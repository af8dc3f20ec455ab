/* The shorthand of the command line: Key=a,Value=b. */
#include "common/base/base.h"

#include "iamctl/shorthand.h"
#include "iamctl/shorthand.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iam_why why;
	char *text = malloc(size + 1);
	json_t *v = NULL;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (shorthand_parse(text, &v, &why) == 0) {
		if (!json_is_object(v) || json_object_size(v) == 0)
			abort();
		json_decref(v);
	}
	free(text);
	return 0;
}
