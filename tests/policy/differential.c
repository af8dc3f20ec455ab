/*
 * differential [-n CASES] [-s SEED] [-r REQUESTS]: random policies and requests
 * through the compiled policies and through the naive evaluator. A case whose
 * answers differ is made small and printed as a line of the corpus, with both
 * answers; the status is 1 then, and when many documents were refused. The same
 * seed makes the same cases.
 */
#include <unistd.h>

#include "tests/policy/compare.h"
#include "tests/policy/generate.h"

struct tally {
	unsigned long asked, refused, answers[3], differ;
};

/* ---- making a case small ---- */

static bool
differs(json_t *c)
{
	const char *compiled, *naive;

	return compare_case(c, &compiled, &naive) && strcmp(compiled, naive) != 0;
}

static bool shrink_value(json_t *root, json_t *v);

/* Can the case do without the i-th element? */
static bool
drop_element(json_t *root, json_t *array, size_t i)
{
	json_t *kept = json_incref(json_array_get(array, i));
	bool ok;

	json_array_remove(array, i);
	ok = differs(root);
	if (!ok)
		json_array_insert(array, i, kept);
	json_decref(kept);
	return ok;
}

static bool
drop_member(json_t *root, json_t *object, const char *key)
{
	json_t *kept = json_incref(json_object_get(object, key));
	bool ok;

	json_object_del(object, key);
	ok = differs(root);
	if (!ok)
		json_object_set_nocheck(object, key, kept);
	json_decref(kept);
	return ok;
}

/* Shorter texts: without one character after the other. */
static bool
shrink_text(json_t *root, json_t *v)
{
	const char *s = json_string_value(v);
	size_t n = json_string_length(v), i;
	char old[512], cut[512];

	if (n == 0 || n > sizeof(old))
		return false;
	memcpy(old, s, n);
	for (i = 0; i < n; i++) {
		memcpy(cut, old, i);
		memcpy(cut + i, old + i + 1, n - i - 1);
		json_string_setn_nocheck(v, cut, n - 1);
		if (differs(root))
			return true;
	}
	json_string_setn_nocheck(v, old, n);
	return false;
}

static bool
shrink_array(json_t *root, json_t *v)
{
	bool any = false;
	size_t i;

	for (i = json_array_size(v); i-- > 0;)
		any = drop_element(root, v, i) || shrink_value(root, json_array_get(v, i)) || any;
	return any;
}

static bool
shrink_object(json_t *root, json_t *v)
{
	char key[256];
	bool any = false;
	size_t i, n = json_object_size(v), at;
	const char *name;
	json_t *item;

	for (i = n; i-- > 0;) {
		at = 0;
		key[0] = 0;
		json_object_foreach(v, name, item)
			if (at++ == i)
				snprintf(key, sizeof(key), "%s", name);
		item = json_object_get(v, key);
		if (item != NULL)
			any = drop_member(root, v, key) || shrink_value(root, item) || any;
	}
	return any;
}

static bool
shrink_value(json_t *root, json_t *v)
{
	if (json_is_array(v))
		return shrink_array(root, v);
	if (json_is_object(v))
		return shrink_object(root, v);
	return json_is_string(v) && shrink_text(root, v);
}

/* ---- reporting ---- */

/* jansson writes no invalid UTF-8, and this has to: bytes as \xNN. */
static void
print_text(const char *s, size_t n)
{
	size_t i;

	putchar('"');
	for (i = 0; i < n; i++)
		if ((uint8_t)s[i] < 0x20 || (uint8_t)s[i] >= 0x7f || s[i] == '"' || s[i] == '\\')
			printf("\\x%02x", (uint8_t)s[i]);
		else
			putchar(s[i]);
	putchar('"');
}

static void
print_json(const json_t *v)
{
	const char *key, *comma = "";
	json_t *item;
	size_t i;

	if (json_is_string(v)) {
		print_text(json_string_value(v), json_string_length(v));
	} else if (json_is_array(v)) {
		putchar('[');
		json_array_foreach(v, i, item) {
			printf("%s", i > 0 ? "," : "");
			print_json(item);
		}
		putchar(']');
	} else if (json_is_object(v)) {
		putchar('{');
		json_object_foreach((json_t *)(uintptr_t)v, key, item) {
			printf("%s", comma);
			comma = ",";
			print_text(key, strlen(key));
			putchar(':');
			print_json(item);
		}
		putchar('}');
	} else {
		json_dumpf(v, stdout, JSON_ENCODE_ANY);
	}
}

static void
report(json_t *c, unsigned long seed)
{
	const char *compiled = "refused", *naive = "refused";
	unsigned rounds = 0;

	while (rounds++ < 40 && shrink_value(c, c))
		;
	compare_case(c, &compiled, &naive);
	printf("seed %lu: compiled %s, naive %s:\n", seed, compiled, naive);
	print_json(c);
	printf("\n");
	fflush(stdout);
}

/* ---- the run ---- */

static unsigned
answer_index(const char *answer)
{
	return answer[0] == 'A' ? 0 : answer[0] == 'I' ? 1 : 2;
}

/* Ask the policies of c with its request and some more. */
static void
run_case(struct tally *t, struct random *r, unsigned requests, unsigned long seed)
{
	json_t *j = generate_case(r), *q;
	const char *compiled, *naive;
	struct corpus_case c;
	unsigned i;

	if (corpus_case_make(&c, j) != 0 || c.kept) {
		t->refused++;
		requests = 0;
	}
	for (i = 0; i < requests; i++) {
		if ((compiled = compare_ask(&c)) == NULL)
			break;
		naive = naive_decide(j, COMPARE_ZONE, c.kept);
		t->asked++;
		t->answers[answer_index(naive)]++;
		if (strcmp(compiled, naive) != 0) {
			t->differ++;
			report(j, seed);
			break;
		}
		/* The role's trust policy is another kind than a resource's. */
		q = generate_request(r);
		if (c.set.resource != NULL)
			json_object_set(q, "action", json_object_get(json_object_get(j, "request"), "action"));
		json_object_set_new(j, "request", q);
		free(c.keys);
		free(c.values);
		c.keys = NULL;
		c.values = NULL;
		if (corpus_request(&c, q) != 0)
			break;
		c.set.trust = strcasecmp(c.req.action, "sts:AssumeRole") == 0;
	}
	corpus_case_release(&c);
	json_decref(j);
}

int
main(int argc, char **argv)
{
	unsigned long n = 20000, seed = 1, i;
	struct tally t = { 0 };
	unsigned requests = 8;
	struct random r;
	int o;

	while ((o = getopt(argc, argv, "n:s:r:")) != -1) {
		if (o == 'n')
			n = strtoul(optarg, NULL, 10);
		else if (o == 's')
			seed = strtoul(optarg, NULL, 10);
		else if (o == 'r')
			requests = (unsigned)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	for (i = 0; t.asked < n && t.differ < 10; i++) {
		r.s = seed + i;
		r.s = random_next(&r); /* far from the next one's */
		run_case(&t, &r, requests, seed + i);
	}
	printf("%lu cases of %lu sets of policies (%lu refused): %lu allowed, %lu denied "
	    "implicitly, %lu explicitly; %lu differ\n", t.asked, i, t.refused,
	    t.answers[0], t.answers[1], t.answers[2], t.differ);
	return t.differ > 0 || t.refused * 50 > i;
}
