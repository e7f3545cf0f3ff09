/* SPDX-License-Identifier: MIT */
/*
 * Three clocks that do not mix.
 *
 * `struct mono` counts microseconds since an unknown start, never jumps and goes
 * on while the machine sleeps (CLOCK_BOOTTIME): every deadline is one.
 * `struct wall` is UTC since 1970: only for people and for the database.
 * `struct srvtime` is what Telegram's server believes: only for message ids.
 * They are different types, so mixing them does not compile.
 *
 * `struct clock` is where time comes from.  Programs use clock_system();
 * simulations and tests use a `struct clock_manual` that moves when told to.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/defs.h"

#define US_PER_MS INT64_C(1000)
#define US_PER_SEC INT64_C(1000000)

struct mono {
	int64_t us;
};
struct wall {
	int64_t us;
};
struct srvtime {
	int64_t us;
};

#define MONO_NEVER ((struct mono){ INT64_MAX })

struct clock {
	struct mono (*mono)(const struct clock *c);
	struct wall (*wall)(const struct clock *c);
};

struct clock_manual {
	struct clock clock; /* first: hand out &m->clock */
	struct mono mono;
	struct wall wall;
};

const struct clock *clock_system(void);
void clock_manual_init(struct clock_manual *m, struct mono mono,
		       struct wall wall);
/* Moves both clocks forward; delta_us must not be negative. */
void clock_manual_advance(struct clock_manual *m, int64_t delta_us);

static inline struct mono clock_mono(const struct clock *c)
{
	return c->mono(c);
}

static inline struct wall clock_wall(const struct clock *c)
{
	return c->wall(c);
}

/* Saturates at MONO_NEVER. */
struct mono mono_add(struct mono t, int64_t us);

static inline int64_t mono_diff(struct mono later, struct mono earlier)
{
	return later.us - earlier.us;
}

static inline bool mono_before(struct mono a, struct mono b)
{
	return a.us < b.us;
}

static inline struct mono mono_min(struct mono a, struct mono b)
{
	return a.us < b.us ? a : b;
}

static inline struct wall wall_from_sec(int64_t sec)
{
	return (struct wall){ sec * US_PER_SEC };
}

static inline int64_t wall_sec(struct wall w)
{
	return w.us / US_PER_SEC;
}

/* "2026-11-22T09:15:22.123Z", NUL included. */
#define WALL_TEXT_MAX 32
void wall_format(struct wall w, char text[static WALL_TEXT_MAX]);

#endif /* BASE_CLOCK_H */
