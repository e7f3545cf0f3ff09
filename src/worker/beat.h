/* SPDX-License-Identifier: MIT */
/*
 * The heartbeat: what changed goes up, leases and commands come down.
 *
 * One beat is under way at a time.  Its answer counts from the moment the beat was
 * *sent*: leases are extended by a duration from there, so a slow answer gives less,
 * never more.  The first beat of a process, and one after a refusal, is full; the
 * others carry what changed since the last answered one.  Counters are totals since
 * the process started, so a beat that arrives twice counts nothing twice.
 *
 * What the node holds and the answer does not name is hung up and reported
 * released.  Without answers nothing is done here: the leases end by themselves
 * (fleet_check_leases) and beating goes on.
 *
 *   owner     struct worker
 *   memory    one beat's text while it is under way
 *   failure   logged once per outage; backs off, at most one interval
 */
#ifndef WORKER_BEAT_H
#define WORKER_BEAT_H

#include "http/client.h"
#include "worker/node.h"
#include "worker/orders.h"

#define BEAT_BOOT_RANDOM 8
#define BEAT_BOOT_ID_LEN 40

struct beat {
	struct loop *loop;
	struct http_client *http;
	struct node *node;
	struct fleet *fleet;
	struct orders *orders;
	void (*on_answer)(void *ctx, enum err rc); /* after each beat */
	void *ctx;
	struct wheel_timer timer;
	uint64_t seq, request;
	uint64_t mark; /* fleet->changes when the one under way was made */
	struct mono sent;
	uint16_t fails;
	bool under_way, again, full, draining;
	char boot_id[BEAT_BOOT_ID_LEN + 1];
};

struct beat_config {
	struct loop *loop;
	struct rnd *rnd;
	struct http_client *http;
	struct node *node;
	struct fleet *fleet;
	struct orders *orders;
	void (*on_answer)(void *ctx, enum err rc);
	void *ctx;
};

void beat_init(struct beat *b, const struct beat_config *cfg);
void beat_deinit(struct beat *b);
/* At once, or right after the one under way. */
void beat_now(struct beat *b);
/* Soon; many such wishes become one beat.  No effect while beats fail. */
void beat_soon(struct beat *b);

/* The text of the next beat (full or changes only); for beat_now and tests. */
enum err beat_encode(struct beat *b, struct buf *out, struct err_info *ei);
/* What an answer to the beat sent at b->sent says is done. */
void beat_apply(struct beat *b, const struct wire_answer *ans);

#endif /* WORKER_BEAT_H */
