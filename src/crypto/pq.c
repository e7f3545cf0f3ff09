/* SPDX-License-Identifier: MIT */
/*
 * Pollard's rho in Brent's form over Montgomery residues; Miller-Rabin with
 * bases that make it exact below 2^64.
 */
#include "crypto/pq.h"

#include <stdlib.h>

__extension__ typedef unsigned __int128 pq_wide;

/* A 31-bit factor takes about 2^16 steps; far above that something is wrong. */
#define STEPS_MAX (UINT64_C(1) << 24)
#define BATCH 128

struct mont {
	uint64_t n, neg_inv; /* n odd; -1/n mod 2^64 */
};

static struct mont mont_make(uint64_t n)
{
	uint64_t inv = n;
	int i;

	for (i = 0; i < 5; i++)
		inv *= 2 - n * inv;
	return (struct mont){ n, 0 - inv };
}

/* a * b / 2^64 mod n, for a, b < n < 2^63 */
static uint64_t mont_mul(const struct mont *m, uint64_t a, uint64_t b)
{
	pq_wide t = (pq_wide)a * b;
	uint64_t q = (uint64_t)t * m->neg_inv;
	uint64_t r = (uint64_t)((t + (pq_wide)q * m->n) >> 64);

	return r >= m->n ? r - m->n : r;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t t = a % b;

		a = b;
		b = t;
	}
	return a;
}

static uint64_t mul_mod(uint64_t a, uint64_t b, uint64_t n)
{
	return (uint64_t)((pq_wide)a * b % n);
}

static uint64_t pow_mod(uint64_t a, uint64_t e, uint64_t n)
{
	uint64_t r = 1;

	for (a %= n; e; e >>= 1) {
		if (e & 1)
			r = mul_mod(r, a, n);
		a = mul_mod(a, a, n);
	}
	return r;
}

static bool witness(uint64_t a, uint64_t n)
{
	uint64_t d = n - 1, x;

	while (!(d & 1))
		d >>= 1;
	x = pow_mod(a, d, n);
	if (x == 0 || x == 1 || x == n - 1)
		return false;
	for (; d != n - 1; d <<= 1) {
		if (x == n - 1)
			return false;
		x = mul_mod(x, x, n);
	}
	return true;
}

bool pq_is_prime(uint64_t n)
{
	/* enough for every n below 2^64 */
	static const uint8_t bases[] = { 2,  3,	 5,  7,	 11, 13,
					 17, 19, 23, 29, 31, 37 };
	size_t i;

	if (n < 2)
		return false;
	for (i = 0; i < ARRAY_LEN(bases); i++)
		if (n % bases[i] == 0)
			return n == bases[i];
	for (i = 0; i < ARRAY_LEN(bases); i++)
		if (witness(bases[i], n))
			return false;
	return true;
}

struct walk {
	struct mont m;
	uint64_t c, y, steps;
};

static void step(struct walk *w)
{
	w->y = mont_mul(&w->m, w->y, w->y) + w->c;
	if (w->y >= w->m.n)
		w->y -= w->m.n;
	w->steps++;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* One more time over the last batch, a gcd each step. */
static uint64_t slow(struct walk *w, uint64_t x)
{
	uint64_t g;

	do {
		step(w);
		g = gcd(distance(x, w->y), w->m.n);
	} while (g == 1);
	return g;
}

/* A divisor of n other than 1, perhaps n itself; 0 when out of steps. */
static uint64_t brent(struct walk *w)
{
	uint64_t n = w->m.n, r, k, i, x, before, prod = 1, g;

	for (r = 1; w->steps < STEPS_MAX; r <<= 1) {
		x = w->y;
		for (i = 0; i < r; i++)
			step(w);
		for (k = 0; k < r; k += BATCH) {
			before = w->y;
			for (i = 0; i < BATCH && i < r - k; i++) {
				step(w);
				prod = mont_mul(&w->m, prod, distance(x, w->y));
			}
			g = gcd(prod, n);
			if (g == 1)
				continue;
			if (g != n)
				return g;
			w->y = before;
			return slow(w, x);
		}
	}
	return 0;
}

static uint64_t small_divisor(uint64_t n)
{
	uint64_t d;

	if (n % 2 == 0)
		return 2;
	for (d = 3; d < 256; d += 2)
		if (n % d == 0)
			return d;
	return 0;
}

static uint64_t divisor(uint64_t n)
{
	uint64_t d = small_divisor(n), c;

	/* n == 0 has no divisor of use, a prime was sorted out before */
	for (c = 1; !d && c < 20; c++) {
		struct walk w = { .m = mont_make(n), .c = c, .y = 2 };

		d = brent(&w);
		if (d == n)
			d = 0;
	}
	return d;
}

enum err pq_factor(uint64_t pq, uint64_t *ret_p, uint64_t *ret_q,
		   struct err_info *ei)
{
	uint64_t p, q, t;

	if (pq < 6 || pq > INT64_MAX)
		return err_set(ei, ERR_PROTO, "pq out of range");
	if (pq_is_prime(pq))
		return err_set(ei, ERR_PROTO, "pq is prime");
	p = divisor(pq);
	if (!p)
		return err_set(ei, ERR_PROTO, "pq does not factor");
	q = pq / p;
	if (p > q) {
		t = p;
		p = q;
		q = t;
	}
	if (p == q)
		return err_set(ei, ERR_PROTO, "pq is a square");
	if (!pq_is_prime(p) || !pq_is_prime(q))
		return err_set(ei, ERR_PROTO, "pq has more than two factors");
	*ret_p = p;
	*ret_q = q;
	return ERR_OK;
}

enum err pq_read(const void *data, size_t len, uint64_t *ret,
		 struct err_info *ei)
{
	const uint8_t *p = data;
	uint64_t n = 0;
	size_t i;

	if (len > PQ_LEN_MAX)
		return err_set(ei, ERR_PROTO, "pq of %zu bytes", len);
	for (i = 0; i < len; i++)
		n = n << 8 | p[i];
	if (!n)
		return err_set(ei, ERR_PROTO, "pq is zero");
	*ret = n;
	return ERR_OK;
}

size_t pq_write(uint64_t n, uint8_t out[static PQ_LEN_MAX])
{
	size_t len = 1, i;

	while (len < 8 && n >> (8 * len))
		len++;
	for (i = 0; i < len; i++)
		out[i] = (uint8_t)(n >> (8 * (len - 1 - i)));
	return len;
}
