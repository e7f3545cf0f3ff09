/* SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "base/metrics.h"
#include "net/loop.h"
#include "tl/schema.h"
#include "worker/account_int.h"
#include "worker/fleet.h"

/* The node's clock may be wrong, or be put right: Telegram's names the waits.
 * What one account heard of it is good for all. */
struct wall account_limits_now(const struct account *a)
{
	const struct fleet *f = a->fleet;
	struct mono now = loop_now(f->loop);
	struct wall guess = loop_wall(f->loop);

	if (f->srv_known)
		guess.us = now.us + f->srv_offset_us;
	return engine_time(&a->engine, now, guess);
}

void account_limits_learn_time(struct account *a)
{
	struct fleet *f = a->fleet;

	f->srv_offset_us = account_limits_now(a).us - loop_now(f->loop).us;
	f->srv_known = true;
}

void account_limits_restore(struct account *a)
{
	const struct flood *kept =
		journal_flood(a->fleet->journal, a->account_id);
	struct err_info ei = { 0 };

	for (uint32_t i = 0; kept && i < kept->n; i++)
		if (flood_put(&a->engine.flood, &kept->entries[i],
			      account_limits_now(a), &ei))
			log_warn(LOGEV_ACC_STATE, log_str("acc", a->account_id),
				 log_str("what", "a wait was not restored"),
				 log_str("msg", ei.msg));
	a->flood_seen = a->engine.flood.changes;
}

void account_limits_keep(struct account *a)
{
	const struct flood *f = &a->engine.flood;

	for (uint32_t i = 0; i < f->n; i++) {
		enum err rc = journal_put_flood(a->fleet->journal,
						a->account_id, &f->entries[i],
						account_limits_now(a));

		if (rc)
			log_error(LOGEV_ACC_STATE,
				  log_str("acc", a->account_id),
				  log_str("err", err_name(rc)),
				  log_str("what", "a wait is not kept"));
	}
	a->flood_seen = f->changes;
	fleet_flush(a->fleet);
}

void account_limits_note(struct account *a)
{
	const struct flood *f = &a->engine.flood;

	if (a->engine.flood_broken != a->flood_broken) {
		metrics_add(METRIC_FLOOD_BROKEN,
			    a->engine.flood_broken - a->flood_broken);
		a->flood_broken = a->engine.flood_broken;
		log_error(LOGEV_ACC_STATE, log_str("acc", a->account_id),
			  log_str("what", "a call went out before its time"));
	}
	if (f->changes == a->flood_seen)
		return;
	metrics_add(METRIC_FLOOD_WAITS, (int64_t)(f->changes - a->flood_seen));
	account_limits_keep(a);
	account_changed(a, true);
}

void account_limits_expire(struct account *a)
{
	uint32_t before = a->engine.flood.n;

	flood_expire(&a->engine.flood, account_limits_now(a));
	if (a->engine.flood.n != before)
		account_changed(a, true);
}

struct mono account_limits_due(const struct account *a)
{
	const struct flood *f = &a->engine.flood;

	if (!f->n)
		return MONO_NEVER;
	return mono_add(loop_now(a->fleet->loop),
			f->entries[0].until.us - account_limits_now(a).us);
}

int64_t account_limits_dial_wait_us(const struct account *a)
{
	const struct flood_entry *entry = flood_find(
		&a->engine.flood, schema_name_text(TLN_users_getUsers), 0,
		account_limits_now(a));

	return entry ? flood_seconds_left(entry, account_limits_now(a)) *
			       US_PER_SEC
		     : 0;
}
