/* SPDX-License-Identifier: MIT */
#include "fleet/lease.h"

#include <string.h>

/* Ten years: keeps every sum far from the edge of int64_t. */
#define LEASE_US_MAX (INT64_C(315360000) * US_PER_SEC)

static bool lease_in_range(int64_t us)
{
	return us > 0 && us <= LEASE_US_MAX;
}

enum err lease_rules_check(const struct lease_rules *r, struct err_info *ei)
{
	if (!lease_in_range(r->beat_us) || !lease_in_range(r->ttl_us) ||
	    !lease_in_range(r->grace_us))
		return err_set(ei, ERR_INVALID,
			       "heartbeat interval, lease ttl and lease grace "
			       "must be positive and below ten years");
	if (r->ttl_us / 3 < r->beat_us)
		return err_set(ei, ERR_INVALID,
			       "lease ttl %lld ms is less than 3 heartbeat "
			       "intervals of %lld ms: make it longer",
			       (long long)(r->ttl_us / US_PER_MS),
			       (long long)(r->beat_us / US_PER_MS));
	if (r->grace_us < r->ttl_us / 50)
		return err_set(ei, ERR_INVALID,
			       "lease grace %lld ms is less than 2 %% of the "
			       "lease ttl: clocks may differ by that much",
			       (long long)(r->grace_us / US_PER_MS));
	return ERR_OK;
}

struct mono lease_over_at(const struct lease_rules *r,
			  const struct lease_view *v)
{
	int64_t ttl_us = v->ttl_us > r->ttl_us ? v->ttl_us : r->ttl_us;

	if (v->stamp.epoch == 0 || v->released)
		return (struct mono){ INT64_MIN };
	if (ttl_us > LEASE_US_MAX)
		ttl_us = LEASE_US_MAX;
	return mono_add(v->seen, ttl_us + r->grace_us);
}

void lease_watch_see(struct lease_watch *w, const struct lease_stamp *stamp,
		     struct mono now)
{
	if (w->stamp.epoch == stamp->epoch &&
	    w->stamp.renewals == stamp->renewals)
		return;
	w->stamp = *stamp;
	w->seen = now;
}

enum lease_verdict lease_may_grant(const struct lease_rules *r,
				   const struct lease_view *v, const char *node,
				   struct mono now, struct mono *ret_until)
{
	struct mono over;

	if (v->stamp.epoch == 0 || v->released)
		return LEASE_GRANT;
	if (v->holder && strcmp(v->holder, node) == 0)
		return LEASE_GRANT;
	over = lease_over_at(r, v);
	if (!mono_before(now, over))
		return LEASE_TAKEOVER;
	*ret_until = over;
	return LEASE_WAIT;
}

bool lease_hold_confirm(struct lease_hold *h, int64_t epoch, struct mono sent,
			int64_t ttl_us)
{
	struct mono deadline = mono_add(sent, ttl_us);

	if (epoch <= 0 || epoch < h->epoch)
		return false;
	if (epoch > h->epoch || mono_before(h->deadline, deadline))
		h->deadline = deadline;
	h->epoch = epoch;
	return true;
}

bool lease_hold_valid(const struct lease_hold *h, struct mono now)
{
	return h->epoch != 0 && mono_before(now, h->deadline);
}
