/* Documents: what jansson takes, doc_read takes, and it says the same. */
#include "common/base/base.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "common/store/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
compare(const struct doc_value *v, json_t *j)
{
	const struct doc_value *w;
	size_t n = 0;

	switch ((enum doc_kind)v->kind) {
	case DOC_NULL:
		assert(json_is_null(j));
		return;
	case DOC_FALSE:
	case DOC_TRUE:
		assert(json_is_boolean(j) && json_is_true(j) == doc_is_true(v));
		return;
	case DOC_INTEGER:
		assert(json_is_integer(j) && json_integer_value(j) == doc_integer(v));
		return;
	case DOC_REAL:
		assert(json_is_real(j));
		return;
	case DOC_STRING:
		assert(json_is_string(j));
		assert(strcmp(json_string_value(j), doc_text(v)) == 0);
		return;
	case DOC_ARRAY:
		assert(json_is_array(j) && json_array_size(j) == doc_size(v));
		doc_foreach(w, v)
			compare(w, json_array_get(j, n++));
		break;
	case DOC_OBJECT:
		assert(json_is_object(j) && json_object_size(j) == doc_size(v));
		doc_foreach(w, v) {
			assert(doc_get(v, w->name) == w);
			compare(w, json_object_get(j, w->name));
			n++;
		}
		break;
	}
	assert(n == doc_size(v));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct doc_value *v = NULL;
	struct doc d = DOC_INIT;
	json_error_t e;
	json_t *j;
	int r;

	/* Longer ones show nothing new. */
	if (size == 0 || size > 4096)
		return 0;
	j = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &e);
	r = doc_read(&d, data, size, &v);
	assert(r == 0 || r == IAM_ERR_FORMAT || r == IAM_ERR_LIMIT);
	/* A real number may be of any size: nobody reads one. jansson passes over a NUL
	 * behind a number. */
	if (memchr(data, 0, size) != NULL)
		assert(r != 0);
	else if (r == IAM_ERR_LIMIT || (j == NULL &&
	    json_error_code(&e) == json_error_numeric_overflow))
		r = IAM_ERR_LIMIT;
	else
		assert((r == 0) == (j != NULL));
	if (r == 0) {
		compare(v, j);
		assert(doc_equal(v, v));
	}
	json_decref(j);
	doc_release(&d);
	return 0;
}
