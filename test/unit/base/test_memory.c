/* SPDX-License-Identifier: MIT */
/* buf, arena, idtab, bset, secret: who owns what, and where it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/bset.h"
#include "base/buf.h"
#include "base/idtab.h"
#include "base/rnd.h"
#include "base/secret.h"

static void buf_keeps_its_maximum(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_string_equal(buf_cstr(&b), "");
	assert_int_equal(buf_append(&b, "0123456789", 10), ERR_OK);
	assert_string_equal(buf_cstr(&b), "0123456789");
	assert_int_equal(buf_append_byte(&b, 'x'), ERR_TOOBIG);
	assert_int_equal(buf_printf(&b, "%d", 1), ERR_TOOBIG);
	assert_string_equal(buf_cstr(&b), "0123456789");
	buf_consume(&b, 4);
	assert_int_equal(buf_append(&b, "abcd", 4), ERR_OK);
	assert_string_equal(buf_cstr(&b), "456789abcd");
	assert_int_equal(buf_append(&b, "", SIZE_MAX / 2), ERR_TOOBIG);
	buf_deinit(&b);
}

static void buf_drained_gives_memory_back(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(buf_append(&b, "ab", 2), ERR_OK);
	buf_drained(&b);
	assert_non_null(b.data);
	buf_consume(&b, 2);
	buf_drained(&b);
	assert_null(b.data);
	assert_int_equal(b.max, 1000);
}

static void buf_random_against_a_flat_one(void **state)
{
	struct rnd_seeded r;
	uint8_t flat[4096];
	size_t len = 0;
	struct buf b;

	(void)state;
	rnd_seeded_init(&r, 11);
	buf_init(&b, sizeof(flat));
	for (int i = 0; i < 20000; i++) {
		uint8_t chunk[300];
		size_t n = rnd_below(&r.rnd, sizeof(chunk));

		if (rnd_u64(&r.rnd) & 1) {
			rnd_fill(&r.rnd, chunk, n);
			if (len + n > sizeof(flat)) {
				assert_int_equal(buf_append(&b, chunk, n),
						 ERR_TOOBIG);
			} else {
				assert_int_equal(buf_append(&b, chunk, n),
						 ERR_OK);
				memcpy(flat + len, chunk, n);
				len += n;
			}
		} else {
			n = n > len ? len : n;
			buf_consume(&b, n);
			memmove(flat, flat + n, len - n);
			len -= n;
		}
		assert_int_equal(buf_len(&b), len);
		if (len)
			assert_memory_equal(buf_head(&b), flat, len);
	}
	buf_deinit(&b);
}

static int hooks;

static void hook(void *ctx)
{
	assert_int_equal(hooks++, *(int *)ctx);
}

static void arena_limits_and_hooks(void **state)
{
	static int first = 1, second; /* last added runs first */
	struct arena a;
	char *p;

	(void)state;
	arena_init(&a, 200000);
	p = arena_printf(&a, "%s-%d", "x", 42);
	assert_string_equal(p, "x-42");
	assert_int_equal(arena_on_free(&a, hook, &first), ERR_OK);
	assert_int_equal(arena_on_free(&a, hook, &second), ERR_OK);
	for (int i = 0; i < 100; i++) {
		p = arena_alloc(&a, 1000);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (int j = 0; j < 1000; j++)
			assert_int_equal(p[j], 0);
		memset(p, 0xff, 1000);
	}
	assert_null(arena_alloc(&a, 150000));
	assert_null(arena_array(&a, SIZE_MAX / 2, 8));
	arena_reset(&a);
	assert_int_equal(hooks, 2);
	assert_non_null(arena_alloc(&a, 150000));
	arena_deinit(&a);
}

static void idtab_stale_ids(void **state)
{
	int x, y;
	uint64_t a, b, c;
	struct idtab t;

	(void)state;
	idtab_init(&t, 20);
	assert_int_equal(idtab_add(&t, &x, &a), ERR_OK);
	assert_int_not_equal(a, 0);
	assert_ptr_equal(idtab_get(&t, a), &x);
	assert_ptr_equal(idtab_remove(&t, a), &x);
	assert_null(idtab_get(&t, a));
	assert_null(idtab_remove(&t, a));
	assert_int_equal(idtab_add(&t, &y, &b), ERR_OK);
	assert_int_equal(idtab_index(a), idtab_index(b));
	assert_null(idtab_get(&t, a));
	for (int i = 0; i < 19; i++)
		assert_int_equal(idtab_add(&t, &x, &c), ERR_OK);
	assert_int_equal(idtab_add(&t, &x, &c), ERR_TOOBIG);
	assert_null(idtab_get(&t, 0));
	assert_null(idtab_get(&t, UINT64_MAX));
	idtab_deinit(&t);
}

static void bset_against_an_array(void **state)
{
	bool have[1000] = { 0 };
	struct rnd_seeded r;
	struct bset s;
	uint32_t bit;

	(void)state;
	rnd_seeded_init(&r, 5);
	bset_init(&s);
	assert_false(bset_next(&s, 0, &bit));
	for (int i = 0; i < 5000; i++) {
		uint32_t at = (uint32_t)rnd_below(&r.rnd, 1000);
		uint32_t next, expect = at;

		if (rnd_u64(&r.rnd) & 1) {
			assert_int_equal(bset_add(&s, at), ERR_OK);
			have[at] = true;
		} else {
			bset_remove(&s, at);
			have[at] = false;
		}
		assert_int_equal(bset_has(&s, at), have[at]);
		while (expect < 1000 && !have[expect])
			expect++;
		assert_int_equal(bset_next(&s, at, &next), expect < 1000);
		if (expect < 1000)
			assert_int_equal(next, expect);
	}
	bset_deinit(&s);
}

static void secrets(void **state)
{
	struct secret s[100], big;
	uint8_t data[300], *was;

	(void)state;
	for (int i = 0; i < 100; i++) {
		memset(data, i, sizeof(data));
		assert_int_equal(secret_init(&s[i], data, 3 * (size_t)i),
				 ERR_OK);
	}
	for (int i = 0; i < 100; i++) {
		memset(data, i, sizeof(data));
		assert_true(secret_equal(&s[i], data, 3 * (size_t)i));
		assert_false(secret_equal(&s[i], data, 3 * (size_t)i + 1));
		data[0] ^= 1;
		if (i)
			assert_false(secret_equal(&s[i], data, 3 * (size_t)i));
	}
	was = s[99].bytes;
	for (int i = 0; i < 100; i++)
		secret_deinit(&s[i]);
	secret_deinit(&s[0]);
	/* the slot is the pool's still, but the content is gone (the first
	 * bytes link free slots) */
	for (int i = 8; i < 297; i++)
		assert_int_equal(was[i], 0);
	assert_int_equal(secret_init(&big, NULL, SECRET_MAX + 1), ERR_TOOBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_keeps_its_maximum),
		cmocka_unit_test(buf_drained_gives_memory_back),
		cmocka_unit_test(buf_random_against_a_flat_one),
		cmocka_unit_test(arena_limits_and_hooks),
		cmocka_unit_test(idtab_stale_ids),
		cmocka_unit_test(bset_against_an_array),
		cmocka_unit_test(secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
