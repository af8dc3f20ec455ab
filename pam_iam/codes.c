/* One-time and recovery codes compared with the user's devices. */
#include "common/base/base.h"
#include "common/credential/credential.h"
#include "pam_iam/internal.h"

#include <string.h>

_Static_assert(RECOVERY_HASH_LEN == SNAP_RECOVERY_HASH &&
    RECOVERY_CODES <= SNAP_RECOVERY_MAX, "what the snapshot holds");

/* The step that was running at t_s, and all before it, are over. */
static uint64_t
steps_until(int64_t t_s, const struct snap_device *d, int32_t drift)
{
	int64_t step;

	if (t_s <= 0 || d->period_s == 0)
		return 0;
	step = t_s / (int64_t)d->period_s + drift;
	return step > 0 ? (uint64_t)step : 0;
}

static int
min_step(struct flow *f, const struct snap_device *d,
    struct runtime_drift *drift, uint64_t *ret)
{
	uint64_t last, enabled, epoch;
	int64_t enabled_s;
	int r;

	r = runtime_totp_drift(f->rt, f->id.principal.uid, d->serial, drift, &last);
	if (r != 0)
		return r;
	enabled_s = d->enabled_s > INT64_MAX ? INT64_MAX : (int64_t)d->enabled_s;
	enabled = steps_until(enabled_s, d, d->drift_steps);
	/* Whichever its clock is: what it may have shown before the boot is over. */
	epoch = steps_until(runtime_epoch_s(f->rt), d,
	    drift->drift > drift->base ? drift->drift : drift->base);
	if (enabled > last)
		last = enabled;
	*ret = epoch > last ? epoch : last;
	return 0;
}

/* Around one drift. */
static int
check_window(struct flow *f, unsigned i, const struct secret *seed,
    int32_t drift, uint64_t min, const char *code, struct code_match *m)
{
	const struct snap_device *d = &f->id.principal.devices[i];
	struct totp_params params = { d->alg, d->digits, d->period_s, drift };
	bool ok = false, reused = false;
	uint64_t step;
	int r;

	r = totp_check(seed, &params, code, f->facts->now_s, min, &ok, &step,
	    &reused);
	if (r != 0)
		return r;
	if (reused)
		m->reused = true;
	if (ok && !m->hit) {
		m->hit = true;
		m->device = i;
		m->step = step;
	}
	return 0;
}

static int
check_device(struct flow *f, const struct seal_key *key, unsigned i,
    const char *code, struct code_match *m)
{
	const struct snap_device *d = &f->id.principal.devices[i];
	struct runtime_drift drift = { d->drift_steps, d->learnt_steps, 0 };
	struct secret seed = SECRET_INIT;
	bool had = m->hit;
	uint64_t min;
	int r;

	if ((r = unseal(key, d->serial, d->seed, d->seed_len, &seed)) == 0 &&
	    (r = min_step(f, d, &drift, &min)) == 0 &&
	    (r = check_window(f, i, &seed, drift.drift, min, code, m)) == 0 &&
	    drift.drift != drift.base)
		r = check_window(f, i, &seed, drift.base, min, code, m);
	secret_release(&seed);
	if (!had && m->hit)
		m->drift = drift;
	return r;
}

static int
check_recovery(struct flow *f, const struct seal_key *key, const char *code,
    struct code_match *m)
{
	const struct snap_principal *p = &f->id.principal;
	uint8_t hash[RECOVERY_HASH_LEN];
	bool is = false;
	int r;

	r = recovery_hash(key, p->user_id, code, &is, hash);
	m->recovery = r == 0 && is &&
	    recovery_find(hash, p->recovery, p->recovery_count) >= 0;
	return r;
}

int
code_check(struct flow *f, const char *code, struct code_match *m)
{
	struct seal_key key;
	unsigned i;
	int r, failed = 0;

	*m = (struct code_match){ 0 };
	if (f->id.principal.device_count == 0 && f->id.principal.recovery_count == 0)
		return 0;
	if ((r = seal_key_load(f->host->seal_key, &key)) != 0)
		return r;
	for (i = 0; i < f->id.principal.device_count && i < SNAP_DEVICES_MAX; i++) {
		r = check_device(f, &key, i, code, m);
		if (r != 0)
			failed = r;
	}
	if ((r = check_recovery(f, &key, code, m)) != 0)
		failed = r;
	explicit_bzero(&key, sizeof(key));
	/* Two devices may have one seed: what one of them has used is used (S35). */
	if (m->reused)
		m->hit = false;
	return m->hit || m->recovery ? 0 : failed;
}

void
code_learn_drift(struct flow *f, struct code_match *m)
{
	const struct snap_principal *p = &f->id.principal;
	const struct snap_device *d = &p->devices[m->device];
	int64_t offset = (int64_t)m->step - f->facts->now_s / (int64_t)d->period_s;
	bool moved = false;
	int r;

	if (offset == m->drift.drift && m->drift.lean == 0)
		return;
	r = runtime_totp_learn(f->rt, p->uid, d->serial, (int32_t)offset, &m->drift,
	    &moved);
	if (r == 0 && moved && f->host->record_drift != NULL)
		r = f->host->record_drift(f->host->publish_arg, p->user_name,
		    d->serial, m->drift.drift);
	if (r != 0)
		flow_set_note(f, "a device's drift is not kept", r);
}
