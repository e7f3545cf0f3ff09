/* SPDX-License-Identifier: MIT */
#include "base/rnd.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/bug.h"

static void fill_system(struct rnd *r, void *data, size_t len)
{
	uint8_t *p = data;

	(void)r;
	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);

		/* nothing secret may ever be made from missing randomness */
		BUG_ON(n < 0 && errno != EINTR);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

struct rnd *rnd_system(void)
{
	static struct rnd rnd = { fill_system };

	return &rnd;
}

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

/* xoshiro256** */
static uint64_t seeded_next(struct rnd_seeded *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

static void fill_seeded(struct rnd *rnd, void *data, size_t len)
{
	struct rnd_seeded *r = (struct rnd_seeded *)(void *)rnd;
	uint8_t *p = data;

	while (len > 0) {
		uint64_t x = seeded_next(r);
		size_t n = len < sizeof(x) ? len : sizeof(x);

		memcpy(p, &x, n);
		p += n;
		len -= n;
	}
}

void rnd_seeded_init(struct rnd_seeded *r, uint64_t seed)
{
	r->rnd.fill = fill_seeded;
	for (int i = 0; i < 4; i++) { /* splitmix64 */
		uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		r->s[i] = z ^ z >> 31;
	}
}

static void fill_fixed(struct rnd *rnd, void *data, size_t len)
{
	struct rnd_fixed *r = (struct rnd_fixed *)(void *)rnd;

	BUG_ON(len > r->len - r->pos);
	memcpy(data, r->data + r->pos, len);
	r->pos += len;
}

void rnd_fixed_init(struct rnd_fixed *r, const void *data, size_t len)
{
	*r = (struct rnd_fixed){ { fill_fixed }, data, len, 0 };
}

uint64_t rnd_u64(struct rnd *r)
{
	uint64_t x;

	rnd_fill(r, &x, sizeof(x));
	return x;
}

uint64_t rnd_below(struct rnd *r, uint64_t n)
{
	uint64_t limit, x;

	BUG_ON(n == 0);
	limit = UINT64_MAX - UINT64_MAX % n;
	do
		x = rnd_u64(r);
	while (x >= limit);
	return x % n;
}

int64_t rnd_jitter(struct rnd *r, int64_t us, unsigned int percent)
{
	int64_t span = us / 100 * percent;

	if (span <= 0)
		return us;
	return us - span + (int64_t)rnd_below(r, (uint64_t)span * 2 + 1);
}
