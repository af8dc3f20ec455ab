/* Files of other programs that import --from reads: shadow, google-authenticator,
 * pam_oath. What is taken over is whole. */
#include "common/base/base.h"

#include "iamctl/foreign.h"
#include "iamctl/foreign.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_device(struct foreign_device *d)
{
	if (d->seed.len < TOTP_SEED_MIN || d->seed.len > TOTP_SEED_MAX ||
	    (d->params.period_s != 30 && d->params.period_s != 60) ||
	    (d->params.digits != 6 && d->params.digits != 8))
		abort();
	secret_release(&d->seed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct foreign_device d = { .seed = SECRET_INIT };
	struct foreign_password p;
	struct iam_why why;
	char *text = malloc(size + 1);
	bool device = false;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (foreign_shadow(text, "anna", &p, &why) == 0 &&
	    !password_hash_known(p.hash))
		abort();
	if (foreign_google(text, &d, &why) == 0)
		check_device(&d);
	if (foreign_oath_line(text, &device, &d, &why) == 0 && device) {
		if (!name_is_unix(d.user))
			abort();
		check_device(&d);
	}
	if (d.seed.p != NULL)
		abort(); /* a secret was left behind */
	free(text);
	return 0;
}
