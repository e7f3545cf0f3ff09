/* SPDX-License-Identifier: MIT */
#include "worker/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rnd.h"
#include "worker/journal.h"

#define FLEET_OUT_MAX (4U << 20)
#define FLEET_OUT_KEEP 65536 /* scratch above this is given back */

static void on_dial_timer(struct wheel_timer *t, void *ctx);
static void on_lease_timer(struct wheel_timer *t, void *ctx);
static void on_config_timer(struct wheel_timer *t, void *ctx);
static void on_flush(void *ctx);

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	while (*s)
		h = (h ^ (uint8_t)*s++) * 16777619u;
	return h;
}

static enum err net_dial(void *ctx, const struct link_dial_options *o,
			 const struct link_ops *ops, void *who,
			 uint64_t *ret_link, struct err_info *ei)
{
	return link_dial(ctx, o, ops, who, ret_link, ei);
}

static enum err net_send(void *ctx, uint64_t link, const void *data, size_t len)
{
	return link_send(ctx, link, data, len);
}

static void net_close(void *ctx, uint64_t link, enum close_reason reason)
{
	link_close(ctx, link, reason);
}

static void net_abandon(void *ctx, uint64_t link)
{
	static const struct link_ops nobody = { 0 };

	link_own(ctx, link, &nobody, NULL);
	link_close(ctx, link, CLOSE_SHUTDOWN);
}

static const struct fleet_net loop_net = { net_dial, net_send, net_close,
					   net_abandon };

enum err fleet_init(struct fleet *f, const struct fleet_config *cfg)
{
	*f = (struct fleet){ .loop = cfg->loop,
			     .net = cfg->net ? cfg->net : &loop_net,
			     .net_ctx = cfg->net ? cfg->net_ctx : cfg->loop,
			     .rnd = cfg->rnd,
			     .telegram = cfg->telegram,
			     .dcs = cfg->dcs,
			     .journal = cfg->journal,
			     .peerbook = cfg->peerbook,
			     .ops = cfg->ops,
			     .ctx = cfg->ctx,
			     .lease_min = MONO_NEVER };
	idtab_init(&f->accounts, FLEET_ACCOUNTS_MAX);
	bset_init(&f->dirty);
	bset_init(&f->waiting);
	buf_init(&f->out, FLEET_OUT_MAX);
	wheel_timer_init(&f->dial_timer, on_dial_timer, f);
	wheel_timer_init(&f->lease_timer, on_lease_timer, f);
	wheel_timer_init(&f->config_timer, on_config_timer, f);
	f->flush = (struct loop_call){ .fn = on_flush, .ctx = f };
	f->dial_at = loop_now(f->loop);
	f->nbuckets = 32768;
	f->buckets = calloc(f->nbuckets, sizeof(struct account *));
	return f->buckets ? ERR_OK : ERR_NOMEM;
}

void fleet_deinit(struct fleet *f)
{
	struct account *a;
	uint32_t cursor = 0;

	if (!f->loop)
		return;
	f->closing = true;
	account_keys_orphan(f);
	while ((a = idtab_next(&f->accounts, &cursor))) {
		if (a->link)
			f->net->abandon(f->net_ctx, a->link);
		idtab_remove(&f->accounts, a->id);
		account_free(a);
	}
	loop_cancel(f->loop, &f->dial_timer);
	loop_cancel(f->loop, &f->lease_timer);
	loop_cancel(f->loop, &f->config_timer);
	loop_undefer(f->loop, &f->flush);
	idtab_deinit(&f->accounts);
	bset_deinit(&f->dirty);
	bset_deinit(&f->waiting);
	buf_deinit(&f->out);
	free(f->buckets);
	*f = (struct fleet){ 0 };
}

struct account *fleet_get(const struct fleet *f, uint64_t id)
{
	return idtab_get(&f->accounts, id);
}

static struct account **bucket(const struct fleet *f, const char *account_id)
{
	struct account **at = &f->buckets[hash(account_id) & (f->nbuckets - 1)];

	while (*at && strcmp((*at)->account_id, account_id) != 0)
		at = &(*at)->next;
	return at;
}

struct account *fleet_find(const struct fleet *f, const char *account_id)
{
	return *bucket(f, account_id);
}

enum err fleet_find_or_add(struct fleet *f, const char *account_id,
			   struct account **ret)
{
	struct account **at = bucket(f, account_id), *a;
	enum err rc;

	if (*at) {
		*ret = *at;
		return ERR_OK;
	}
	rc = account_new(f, account_id, &a);
	if (rc)
		return rc;
	rc = idtab_add(&f->accounts, a, &a->id);
	if (rc) {
		account_free(a);
		return rc;
	}
	*at = a;
	metrics_add(METRIC_ACCOUNTS, 1);
	*ret = a;
	return ERR_OK;
}

void fleet_remove(struct fleet *f, struct account *a)
{
	struct account **at = bucket(f, a->account_id);

	BUG_ON(*at != a || a->link || a->lease.epoch);
	*at = a->next;
	bset_remove(&f->dirty, idtab_index(a->id));
	bset_remove(&f->waiting, idtab_index(a->id));
	idtab_remove(&f->accounts, a->id);
	metrics_add(METRIC_ACCOUNTS, -1);
	account_free(a);
}

struct account *fleet_next(const struct fleet *f, uint32_t *cursor)
{
	return idtab_next(&f->accounts, cursor);
}

uint32_t fleet_count(const struct fleet *f)
{
	return f->accounts.used;
}

void fleet_check_leases(struct fleet *f)
{
	struct mono now = loop_now(f->loop), min = MONO_NEVER;
	struct account *a;
	uint32_t cursor = 0;

	if (mono_before(now, f->lease_min))
		return;
	while ((a = fleet_next(f, &cursor))) {
		if (!a->lease.epoch)
			continue;
		if (lease_hold_valid(&a->lease, now)) {
			min = mono_min(min, a->lease.deadline);
			continue;
		}
		if (account_state(a) == ACCOUNT_CLOSING)
			continue; /* hung up already, its end is coming */
		metrics_add(METRIC_LEASES_LOST, 1);
		log_warn(LOGEV_LEASE, log_str("acc", a->account_id),
			 log_i64("epoch", a->lease.epoch),
			 log_str("what", "not renewed in time: hanging up"));
		account_set_fault(a, ERR_LEASE_LOST,
				  "the control plane did not renew the lease",
				  "it comes back as soon as the control plane "
				  "answers");
		account_stop(a, "lease over");
	}
	f->lease_min = min;
	if (min.us != MONO_NEVER.us)
		loop_arm_at(f->loop, &f->lease_timer, min);
}

static void on_lease_timer(struct wheel_timer *t, void *ctx)
{
	fleet_check_leases(ctx);
}

void fleet_note_lease(struct fleet *f, struct mono deadline)
{
	/* renewals move deadlines up: the old time only means looking early */
	if (!mono_before(deadline, f->lease_min))
		return;
	f->lease_min = deadline;
	loop_arm_at(f->loop, &f->lease_timer, deadline);
}

struct account *fleet_at(const struct fleet *f, uint32_t index)
{
	uint32_t cursor = index;
	struct account *a = idtab_next(&f->accounts, &cursor);

	return a && idtab_index(a->id) == index ? a : NULL;
}

static void refill(struct fleet *f)
{
	struct mono now = loop_now(f->loop);
	int64_t per = US_PER_SEC / FLEET_DIAL_RATE;

	f->dial_tokens_us += mono_diff(now, f->dial_at);
	f->dial_at = now;
	if (f->dial_tokens_us > per * FLEET_DIAL_BURST)
		f->dial_tokens_us = per * FLEET_DIAL_BURST;
}

/* What the connection costs: a key exchange is dear, for both ends.  0: it has to
 * wait for others to be done with theirs. */
static int64_t price(const struct fleet *f, const struct account *a)
{
	if (!engine_needs_key(&a->engine, loop_now(f->loop)))
		return US_PER_SEC / FLEET_DIAL_RATE;
	return f->keying < FLEET_KEYS_MAX ? US_PER_SEC / FLEET_KEY_RATE : 0;
}

static void on_dial_timer(struct wheel_timer *t, void *ctx)
{
	struct fleet *f = ctx;
	int64_t per = US_PER_SEC / FLEET_DIAL_RATE;
	uint32_t bit = 0;

	refill(f);
	while (f->dial_tokens_us >= per && bset_next(&f->waiting, bit, &bit)) {
		struct account *a = fleet_at(f, bit);
		int64_t cost = a ? price(f, a) : 0;

		if (a && !cost) {
			bit++;
			continue;
		}
		bset_remove(&f->waiting, bit);
		f->dial_tokens_us -= cost;
		if (a)
			account_dial(a);
	}
	if (f->waiting.count)
		loop_arm(f->loop, &f->dial_timer, per);
}

void fleet_wait(struct fleet *f, struct account *a)
{
	if (bset_add(&f->waiting, idtab_index(a->id))) {
		account_back_off(a, 0, "out of memory");
		return;
	}
	if (!wheel_armed(&f->dial_timer))
		loop_arm(f->loop, &f->dial_timer, 0);
}

void fleet_hold_dc(struct fleet *f, int dc_id)
{
	struct fleet_hold *h = &f->holds[0];

	for (size_t i = 0; i < ARRAY_LEN(f->holds); i++) {
		if (f->holds[i].dc_id == dc_id) {
			h = &f->holds[i];
			break;
		}
		if (mono_before(f->holds[i].until, h->until))
			h = &f->holds[i]; /* the first to be over */
	}
	*h = (struct fleet_hold){
		.dc_id = dc_id,
		.until = mono_add(loop_now(f->loop),
				  FLEET_HOLD_SEC * US_PER_SEC),
	};
}

int64_t fleet_held_us(const struct fleet *f, int dc_id)
{
	struct mono now = loop_now(f->loop);

	for (size_t i = 0; i < ARRAY_LEN(f->holds); i++)
		if (f->holds[i].dc_id == dc_id &&
		    mono_before(now, f->holds[i].until))
			return mono_diff(f->holds[i].until, now);
	return 0;
}

bool fleet_knows_dc(const struct fleet *f, int dc_id)
{
	const struct dclist_want want = { .dc_id = dc_id, .obfuscated = true };
	struct addr_host at;

	return dcs_address(f->telegram, f->dcs, &want, 0, &at);
}

/* It is over: whoever is online asks again; else whoever is so next. */
static void on_config_timer(struct wheel_timer *t, void *ctx)
{
	struct fleet *f = ctx;
	struct account *a;
	uint32_t cursor = 0;

	while ((a = fleet_next(f, &cursor))) {
		if (account_state(a) != ACCOUNT_ONLINE)
			continue;
		account_ask_config(a);
		break;
	}
	loop_arm(f->loop, &f->config_timer, DCS_RETRY_US);
}

void fleet_take_config(struct fleet *f, const uint8_t *data, size_t len)
{
	struct err_info ei = { 0 };
	enum err rc;

	if (!f->dcs)
		return;
	rc = dcs_take(f->dcs, data, len, loop_now(f->loop), &ei);
	if (rc)
		log_fail(LOG_WARN, LOGEV_DCS, rc, &ei,
			 log_str("what", "Telegram's configuration"));
	else
		log_info(LOGEV_DCS, log_u64("addresses", f->dcs->list.n),
			 log_i64("ttl_s", f->dcs->list.ttl_sec));
	loop_arm_at(f->loop, &f->config_timer, f->dcs->due);
}

void fleet_note_position(struct fleet *f, struct account *a,
			 struct updates_pos pos, int64_t epoch)
{
	enum err rc = journal_put(f->journal, a->account_id, pos, epoch);

	if (rc)
		log_warn(LOGEV_ACC_MSG, log_str("acc", a->account_id),
			 log_str("err", err_name(rc)),
			 log_str("msg", "position not kept"));
	fleet_flush(f);
}

void fleet_flush(struct fleet *f)
{
	loop_defer(f->loop, &f->flush);
}

static void on_flush(void *ctx)
{
	struct fleet *f = ctx;
	struct err_info ei = { 0 };
	enum err rc = journal_flush(f->journal, &ei);

	if (rc)
		log_fail(LOG_ERROR, LOGEV_ACC_MSG, rc, &ei,
			 log_str("what", "positions"));
	if (f->out.cap > FLEET_OUT_KEEP) {
		buf_reset(&f->out);
		buf_drained(&f->out);
	}
}
