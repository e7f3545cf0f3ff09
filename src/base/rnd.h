/* SPDX-License-Identifier: MIT */
/*
 * Where random bytes come from.
 *
 * Keys, nonces and tokens come from rnd_system() (getrandom).  Simulations and
 * known-answer tests use rnd_seeded_init(), which repeats exactly; it is not for
 * secrets.  rnd_fixed_init() plays back given bytes and BUGs when they run out.
 */
#ifndef BASE_RND_H
#define BASE_RND_H

#include "base/defs.h"

struct rnd {
	void (*fill)(struct rnd *r, void *data, size_t len);
};

struct rnd_seeded {
	struct rnd rnd; /* first */
	uint64_t s[4];
};

struct rnd_fixed {
	struct rnd rnd; /* first */
	const uint8_t *data;
	size_t len, pos;
};

struct rnd *rnd_system(void);
void rnd_seeded_init(struct rnd_seeded *r, uint64_t seed);
/* `data` is borrowed for the life of `r`. */
void rnd_fixed_init(struct rnd_fixed *r, const void *data, size_t len);

static inline void rnd_fill(struct rnd *r, void *data, size_t len)
{
	r->fill(r, data, len);
}

uint64_t rnd_u64(struct rnd *r);
/* Uniform in [0, n); n must not be 0. */
uint64_t rnd_below(struct rnd *r, uint64_t n);
/* us plus or minus up to `percent` of it: smooths herds of timers. */
int64_t rnd_jitter(struct rnd *r, int64_t us, unsigned int percent);

#endif /* BASE_RND_H */
