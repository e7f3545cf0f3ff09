/* SPDX-License-Identifier: MIT */
/*
 * A hierarchical timing wheel: O(1) arm, re-arm and cancel, millisecond ticks.
 *
 * Sans-IO: wheel_advance() runs what is due at `now`; wheel_next() says when to
 * come back.  net/loop drives one from one uv timer, simulations drive one from
 * a virtual clock.  Timers that fall on the same tick run in the order armed.
 * A timer that was re-armed or cancelled by an earlier callback of the same
 * advance does not run.
 *
 *   owner     the timer is embedded in its object; the wheel only links it
 *   memory    fixed: 6 levels x 64 slots
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "base/clock.h"

#define WHEEL_LEVELS 6
#define WHEEL_SLOTS 64

struct wheel_timer;
typedef void (*wheel_fn)(struct wheel_timer *t, void *ctx);

struct wheel_timer {
	struct wheel_timer *prev, *next; /* NULL when not armed */
	struct mono due;
	wheel_fn fn;
	void *ctx;
	uint8_t level, slot;
};

struct wheel {
	struct wheel_timer slots[WHEEL_LEVELS][WHEEL_SLOTS]; /* list heads */
	uint64_t occupied[WHEEL_LEVELS];
	int64_t tick; /* ms already run */
	size_t count;
};

void wheel_init(struct wheel *w, struct mono now);
void wheel_timer_init(struct wheel_timer *t, wheel_fn fn, void *ctx);

/* Arms or re-arms.  A due time in the past runs at the next advance. */
void wheel_arm(struct wheel *w, struct wheel_timer *t, struct mono due);
void wheel_cancel(struct wheel *w, struct wheel_timer *t);
bool wheel_armed(const struct wheel_timer *t);

/* Runs everything due at or before now; returns how many ran. */
size_t wheel_advance(struct wheel *w, struct mono now);
/* When to call wheel_advance() next (may be early, never late). */
struct mono wheel_next(const struct wheel *w);

#endif /* BASE_WHEEL_H */
