/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/vault.h"

#define CONTENT "an auth key, for example"

struct fix {
	struct vault v;
	struct arena a;
	struct vault_record rec;
	struct buf out;
	char dir[64], path[96];
};

static int setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	unsetenv(VAULT_ENV);
	snprintf(f->dir, sizeof(f->dir), "/tmp/vault-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/key", f->dir);
	arena_init(&f->a, 1 << 20);
	buf_init(&f->out, 1 << 20);
	assert_int_equal(vault_init(&f->v, "0123456789abcdef0123456789abcdef",
				    32, rnd_system()),
			 ERR_OK);
	f->rec = (struct vault_record){ .account_id = "9996612345",
					.version = 3 };
	assert_int_equal(vault_seal(&f->v, CONTENT, sizeof(CONTENT), &f->a,
				    &f->rec, NULL),
			 ERR_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	unlink(f->path);
	rmdir(f->dir);
	vault_deinit(&f->v);
	buf_wipe(&f->out);
	arena_deinit(&f->a);
	free(f);
	return 0;
}

static void expect(struct fix *f, const struct vault *v,
		   const struct vault_record *r, enum err want)
{
	struct err_info ei = { 0 };

	buf_reset(&f->out);
	assert_int_equal(vault_open(v, r, &f->out, &ei), want);
	if (want)
		assert_int_equal(buf_len(&f->out), 0);
	else
		assert_memory_equal(buf_head(&f->out), CONTENT,
				    sizeof(CONTENT));
}

static void test_round_trip(void **state)
{
	struct fix *f = *state;
	struct vault_record again = { .account_id = "9996612345",
				      .version = 3 };

	expect(f, &f->v, &f->rec, ERR_OK);
	assert_null(memmem(f->rec.sealed, f->rec.sealed_len, "auth", 4));
	assert_int_equal(vault_seal(&f->v, CONTENT, sizeof(CONTENT), &f->a,
				    &again, NULL),
			 ERR_OK);
	assert_memory_not_equal(again.sealed, f->rec.sealed, f->rec.sealed_len);
}

/* A record moved to another row or another version does not open. */
static void test_bound(void **state)
{
	struct fix *f = *state;
	struct vault_record r = f->rec, other = f->rec;

	r.account_id = "9996612346";
	expect(f, &f->v, &r, ERR_CORRUPT);
	r = f->rec;
	r.version = 4;
	expect(f, &f->v, &r, ERR_CORRUPT);
	/* someone else's data key with this content */
	assert_int_equal(vault_seal(&f->v, CONTENT, sizeof(CONTENT), &f->a,
				    &other, NULL),
			 ERR_OK);
	r = f->rec;
	r.wrapped_key = other.wrapped_key;
	expect(f, &f->v, &r, ERR_CORRUPT);
}

static void test_damage(void **state)
{
	struct fix *f = *state;
	struct vault_record r = f->rec;
	uint8_t *copy;

	for (size_t i = 0; i < f->rec.sealed_len; i++) {
		copy = arena_dup(&f->a, f->rec.sealed, f->rec.sealed_len);
		copy[i] ^= 1;
		r.sealed = copy;
		expect(f, &f->v, &r, ERR_CORRUPT);
	}
	r = f->rec;
	for (size_t n = 0; n < f->rec.sealed_len; n += 7) {
		r.sealed_len = n;
		expect(f, &f->v, &r, ERR_CORRUPT);
	}
	r = f->rec;
	r.wrapped_key = NULL;
	r.wrapped_key_len = 0;
	expect(f, &f->v, &r, ERR_CORRUPT);
	r = f->rec;
	r.wrapped_key_len--;
	expect(f, &f->v, &r, ERR_CORRUPT);
}

static void test_rotation(void **state)
{
	struct fix *f = *state;
	struct vault next;
	struct vault_record r = { 0 };

	assert_int_equal(vault_init(&next, "another key, also of 32 bytes ok",
				    32, rnd_system()),
			 ERR_OK);
	expect(f, &next, &f->rec, ERR_CORRUPT);
	assert_int_equal(vault_rewrap(&next, &f->v, &f->rec, &f->a, &r, NULL),
			 ERR_CORRUPT);
	assert_int_equal(vault_rewrap(&f->v, &next, &f->rec, &f->a, &r, NULL),
			 ERR_OK);
	assert_ptr_equal(r.sealed, f->rec.sealed);
	expect(f, &next, &r, ERR_OK);
	expect(f, &f->v, &r, ERR_CORRUPT);
	vault_deinit(&next);
}

static enum err load(const char *path, bool create, struct err_info *ei)
{
	enum vault_source source;
	struct vault v;
	enum err rc = vault_load(&v, path, create, rnd_system(), &source, ei);

	vault_deinit(&v);
	return rc;
}

static void test_key_file(void **state)
{
	struct fix *f = *state;
	enum vault_source source;
	struct err_info ei = { 0 };
	struct vault a, b;
	struct stat sb;

	assert_int_equal(load(f->path, false, &ei), ERR_NOTFOUND);
	umask(0);
	assert_int_equal(
		vault_load(&a, f->path, true, rnd_system(), &source, &ei),
		ERR_OK);
	assert_int_equal(source, VAULT_CREATED);
	assert_int_equal(stat(f->path, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0600);
	assert_int_equal(
		vault_load(&b, f->path, true, rnd_system(), &source, &ei),
		ERR_OK);
	assert_int_equal(source, VAULT_FROM_FILE);
	assert_true(secret_equal(&a.master, b.master.bytes, b.master.len));
	assert_int_equal(vault_create_key_file(f->path, rnd_system(), &ei),
			 ERR_DUPLICATE);
	vault_deinit(&a);
	vault_deinit(&b);

	assert_int_equal(chmod(f->path, 0644), 0);
	assert_int_equal(load(f->path, true, &ei), ERR_FORBIDDEN);
	assert_non_null(strstr(ei.msg, "chmod 600"));
	assert_int_equal(chmod(f->path, 0640), 0);
	assert_int_equal(load(f->path, true, &ei), ERR_FORBIDDEN);
}

static void test_bad_keys(void **state)
{
	struct fix *f = *state;
	const char *bad[] = { "", "abcd\n", "zz",
			      "00112233445566778899aabbccddeeff"
			      "00112233445566778899aabbccddeef",
			      "00112233445566778899aabbccddeeff"
			      "00112233445566778899aabbccddeeff00" };
	struct err_info ei = { 0 };
	char link[128];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		FILE *fp = fopen(f->path, "w");

		fputs(bad[i], fp);
		fclose(fp);
		chmod(f->path, 0600);
		assert_int_equal(load(f->path, true, &ei), ERR_INVALID);
		if (*bad[i])
			assert_null(strstr(ei.msg, bad[i]));
	}
	snprintf(link, sizeof(link), "%s/link", f->dir);
	assert_int_equal(symlink(f->path, link), 0);
	assert_int_equal(load(link, true, &ei), ERR_FORBIDDEN);
	unlink(link);
	assert_int_equal(load(f->dir, true, &ei), ERR_INVALID);
}

static void test_env(void **state)
{
	struct fix *f = *state;
	enum vault_source source;
	struct err_info ei = { 0 };
	struct vault v;

	setenv(VAULT_ENV,
	       "3031323334353637383961626364656630313233343536373839616263646"
	       "566",
	       1);
	assert_int_equal(
		vault_load(&v, f->path, true, rnd_system(), &source, &ei),
		ERR_OK);
	assert_int_equal(source, VAULT_FROM_ENV);
	assert_int_equal(access(f->path, F_OK), -1);
	expect(f, &v, &f->rec, ERR_OK);
	vault_deinit(&v);
	setenv(VAULT_ENV, "30313233", 1);
	assert_int_equal(load(f->path, true, &ei), ERR_INVALID);
	unsetenv(VAULT_ENV);
}

static void test_refused_records(void **state)
{
	struct fix *f = *state;
	struct vault_record r = { .account_id = "", .version = 1 };
	char *longer = arena_alloc(&f->a, 600);

	assert_int_equal(vault_seal(&f->v, "x", 1, &f->a, &r, NULL),
			 ERR_INVALID);
	r = (struct vault_record){ .account_id = "1", .version = 0 };
	assert_int_equal(vault_seal(&f->v, "x", 1, &f->a, &r, NULL),
			 ERR_INVALID);
	memset(longer, '1', 599);
	r = (struct vault_record){ .account_id = longer, .version = 1 };
	assert_int_equal(vault_seal(&f->v, "x", 1, &f->a, &r, NULL),
			 ERR_INVALID);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_round_trip), T(test_bound),	     T(test_damage),
		T(test_rotation),   T(test_key_file),	     T(test_bad_keys),
		T(test_env),	    T(test_refused_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
