/*
 * Decisions: nanoseconds by the number of statements, where an index helps,
 * where none can, and where the patterns are hostile; beside the peers that
 * tests/bench/peers measured in the same run. One principal, one request, which
 * the middle statement allows. The least of several rounds.
 *
 * Reads build/bench/peers/peers.tsv, writes build/bench/policy.svg.
 */
#include "tests/bench/policies.h"

static const unsigned sizes[] = { 1, 10, 100, 1000, 10000 };
#define BENCH IAM_TEST_BIN "/../bench/"
#define SIZES IAM_COUNT(sizes)
#define CURVES_MAX 16

struct curve {
	char name[48];
	double ns[SIZES]; /* 0: not measured */
	bool ours;
};

struct table {
	struct curve v[CURVES_MAX];
	size_t n;
};

/* ---- measuring ---- */

/* A round is short, so that on a busy machine some are not interrupted. */
#define ROUND_NS 1000000
#define POINT_NS 300000000

static double
round_ns(const struct pol_set *set, const struct request *q, enum pol_effect want)
{
	struct pol_decision d;
	unsigned calls = 0, n, i;
	int64_t t0 = now_ns(), t;

	for (n = 1, t = 0; t < ROUND_NS; n = n < 64 ? n * 2 : n) {
		for (i = 0; i < n; i++)
			if (pol_eval(set, &q->r, &d) != 0 || d.effect != want)
				abort();
		calls += n;
		t = now_ns() - t0;
	}
	return (double)t / calls;
}

static double
warm_ns(const struct buf *bytes, const struct request *q, enum pol_effect want)
{
	struct pol_source src = { .name = "bench" };
	struct pol_set set = { .identity = { &src, 1 } };
	double least = 0, ns;
	int64_t t0 = now_ns();

	if (pol_open(bytes->p, bytes->len, &src.doc) != 0)
		abort();
	do {
		ns = round_ns(&set, q, want);
		if (least == 0 || ns < least)
			least = ns;
	} while (now_ns() - t0 < POINT_NS);
	return least;
}

static void
measure(struct table *t, enum shape shape)
{
	struct curve *c = &t->v[t->n++];
	struct buf json = BUF_INIT, bytes = BUF_INIT;
	struct request q;
	size_t i;

	*c = (struct curve){ .ours = true };
	snprintf(c->name, sizeof(c->name), "Host IAM, %s", shape_names[shape]);
	for (i = 0; i < SIZES; i++) {
		buf_reset(&json);
		buf_reset(&bytes);
		put_document(&json, shape, sizes[i]);
		compile_or_die(&json, &bytes);
		make_request(&q, shape, sizes[i]);
		c->ns[i] = warm_ns(&bytes, &q,
		    shape == HOSTILE ? POL_IMPLICIT_DENY : POL_ALLOWED);
	}
	buf_release(&json);
	buf_release(&bytes);
}

/* ---- the peers: lines "name TAB statements TAB nanoseconds" ---- */

static struct curve *
curve_named(struct table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->v[i].name, name) == 0)
			return &t->v[i];
	if (t->n == CURVES_MAX)
		return NULL;
	snprintf(t->v[t->n].name, sizeof(t->v[t->n].name), "%s", name);
	return &t->v[t->n++];
}

static void
read_peers(struct table *t, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[200], name[48];
	struct curve *c;
	unsigned n;
	double ns;
	size_t i;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%47[^\t]\t%u\t%lf", name, &n, &ns) != 3 ||
		    (c = curve_named(t, name)) == NULL)
			continue;
		for (i = 0; i < SIZES; i++)
			if (sizes[i] == n)
				c->ns[i] = ns;
	}
	if (f != NULL)
		fclose(f);
}

/* ---- a table, and how many times slower than ours ---- */

static void
print_time(double ns)
{
	if (ns == 0)
		printf(" %10s", "-");
	else if (ns < 1e4)
		printf(" %7.2f us", ns / 1e3);
	else
		printf(" %7.0f us", ns / 1e3);
}

static void
print_table(const struct table *t)
{
	size_t i, j;

	printf("%-38s", "one decision, statements:");
	for (i = 0; i < SIZES; i++)
		printf(" %10u", sizes[i]);
	printf("\n");
	for (j = 0; j < t->n; j++) {
		printf("%-38s", t->v[j].name);
		for (i = 0; i < SIZES; i++)
			print_time(t->v[j].ns[i]);
		printf("\n");
	}
	for (j = 0; j < t->n; j++) {
		if (t->v[j].ours)
			continue;
		printf("%-38s", t->v[j].name);
		for (i = 0; i < SIZES; i++)
			printf(" %8.0f x", t->v[j].ns[i] / t->v[0].ns[i]);
		printf("\n");
	}
}

/* ---- the plot: both axes logarithmic ---- */

#define LEFT 70.0
#define TOP 20.0
#define WIDTH 420.0
#define HEIGHT 360.0
#define DECADES 8 /* 10 ns to 1 s */

/* log10, without libm: halvings and a square root's worth of precision. */
static double
decades(double v)
{
	double whole = 0, part = 0.5;
	int i;

	for (; v >= 10; v /= 10)
		whole++;
	for (i = 0; i < 16; i++, part /= 2) {
		v *= v;
		if (v >= 10) {
			v /= 10;
			whole += part;
		}
	}
	return whole;
}

static double
plot_x(unsigned statements)
{
	return LEFT + WIDTH * decades(statements) / 4;
}

static double
plot_y(double ns)
{
	return TOP + HEIGHT - HEIGHT * (decades(ns < 10 ? 10 : ns) - 1) / DECADES;
}

static void
put_axes(FILE *f)
{
	static const char *const times[DECADES + 1] = { "10 ns", "100 ns", "1 us", "10 us",
		"100 us", "1 ms", "10 ms", "100 ms", "1 s" };
	double at, ns = 10;
	size_t i;

	for (i = 0; i <= DECADES; i++, ns *= 10) {
		at = plot_y(ns);
		fprintf(f, "<path d=\"M%.0f %.1fh%.0f\" stroke=\"#ddd\"/>"
		    "<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
		    LEFT, at, WIDTH, LEFT - 6, at + 4, times[i]);
	}
	for (i = 0; i < SIZES; i++)
		fprintf(f, "<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%u</text>\n",
		    plot_x(sizes[i]), TOP + HEIGHT + 18, sizes[i]);
	fprintf(f, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">statements</text>\n",
	    LEFT + WIDTH / 2, TOP + HEIGHT + 36);
}

static void
put_curve(FILE *f, const struct curve *c, size_t number)
{
	static const char *const colours[] = { "#0b6e4f", "#1f77b4", "#9467bd", "#17becf",
		"#bcbd22", "#d62728", "#ff7f0e", "#8c564b", "#e377c2" };
	const char *colour = colours[number % IAM_COUNT(colours)];
	double y = TOP + 14 + 20 * (double)number;
	char step = 'M';
	size_t i;

	fprintf(f, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s d=\"", colour,
	    c->ours ? "" : " stroke-dasharray=\"5 3\"");
	for (i = 0; i < SIZES; i++, step = 'L')
		if (c->ns[i] != 0)
			fprintf(f, "%c%.1f %.1f", step, plot_x(sizes[i]), plot_y(c->ns[i]));
	fprintf(f, "\"/>\n<text x=\"%.0f\" y=\"%.0f\" fill=\"%s\">%s</text>\n",
	    LEFT + WIDTH + 14, y, colour, c->name);
}

static void
plot(const struct table *t, const char *path)
{
	FILE *f = fopen(path, "we");
	size_t i;

	if (f == NULL) {
		perror(path);
		return;
	}
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"430\" "
	    "font-family=\"sans-serif\" font-size=\"12\">\n"
	    "<rect width=\"760\" height=\"430\" fill=\"#fff\"/>\n");
	put_axes(f);
	for (i = 0; i < t->n; i++)
		put_curve(f, &t->v[i], i);
	fprintf(f, "</svg>\n");
	fclose(f);
	printf("%s: cost against size\n", path);
}

/* How long 10,000 statements take to compile, and how large they become. */
static void
print_compiled(void)
{
	struct buf json = BUF_INIT, bytes = BUF_INIT;
	int64_t t, least = INT64_MAX;
	int i;

	put_document(&json, BY_RESOURCE, 10000);
	for (i = 0; i < 5; i++) {
		buf_reset(&bytes);
		t = now_ns();
		compile_or_die(&json, &bytes);
		t = now_ns() - t;
		least = t < least ? t : least;
	}
	printf("10,000 statements: %zu KiB of JSON to %zu KiB in %.1f ms\n",
	    json.len / 1024, bytes.len / 1024, (double)least / 1e6);
	buf_release(&json);
	buf_release(&bytes);
}

int
main(void)
{
	static struct table t;
	int shape;

	for (shape = 0; shape < SHAPES; shape++)
		measure(&t, (enum shape)shape);
	read_peers(&t, BENCH "peers/peers.tsv");
	print_table(&t);
	print_compiled();
	plot(&t, BENCH "policy.svg");
	return 0;
}
