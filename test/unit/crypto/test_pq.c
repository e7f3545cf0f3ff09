/* SPDX-License-Identifier: MIT */
#include "../vectors.h"
#include "crypto/pq.h"

static void vector(struct json v)
{
	uint8_t b[16], out[8];
	uint64_t pq, p, q;
	size_t len = vectors_hex(v, "pq", b, sizeof(b));

	assert_int_equal(pq_read(b, len, &pq, NULL), 0);
	assert_int_equal(pq_factor(pq, &p, &q, NULL), 0);
	vectors_check(v, "p", out, pq_write(p, out));
	vectors_check(v, "q", out, pq_write(q, out));
	vectors_check(v, "pq", out, pq_write(pq, out));
}

static void vectors_factor(void **state)
{
	struct json_doc doc;
	struct json root = vectors_open(&doc, "pq.json");
	struct json_iter it = json_iter(json_get(root, "vectors"));
	int n = 0;

	for (; json_next(&it); n++)
		vector(it.val);
	assert_true(n >= 30);
	json_free(&doc);
}

static void vectors_refuse(void **state)
{
	struct json_doc doc;
	struct json root = vectors_open(&doc, "pq.json");
	struct json_iter it = json_iter(json_get(root, "refuse"));
	uint64_t pq, p = 1, q = 1;
	uint8_t b[16];
	size_t len;
	int n = 0;

	for (; json_next(&it); n++) {
		struct err_info ei = { 0 };
		enum err rc;

		len = vectors_hex(it.val, "pq", b, sizeof(b));
		rc = pq_read(b, len, &pq, &ei);
		if (!rc)
			rc = pq_factor(pq, &p, &q, &ei);
		assert_int_equal(rc, ERR_PROTO);
		assert_true(ei.msg[0] != '\0');
		assert_true(p == 1 && q == 1);
	}
	assert_true(n >= 8);
	json_free(&doc);
}

/* Against trial division over a range and some well-known liars. */
static void primes_are_primes(void **state)
{
	static const uint64_t pseudo[] = { 2047, 3215031751,
					   3825123056546413051, 341550071728321,
					   561 };
	uint64_t n, d;
	size_t i;

	for (n = 0; n < 20000; n++) {
		bool prime = n > 1;

		for (d = 2; d * d <= n; d++)
			prime = prime && n % d;
		assert_int_equal(pq_is_prime(n), prime);
	}
	for (i = 0; i < ARRAY_LEN(pseudo); i++)
		assert_false(pq_is_prime(pseudo[i]));
	assert_true(pq_is_prime(UINT64_C(18446744073709551557)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_factor),
		cmocka_unit_test(vectors_refuse),
		cmocka_unit_test(primes_are_primes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
