/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tg/dclist.h"
#include "tl/tl_wanted.h"

#define OPTIONS_MAX 80

struct rig {
	struct tlc_config config;
	struct tlc_dcOption options[OPTIONS_MAX];
	struct tlt_DcOption list[OPTIONS_MAX];
	struct buf bytes;
	struct dclist out;
	struct err_info ei;
};

static struct rig rig;

static int setup(void **state)
{
	memset(&rig, 0, sizeof(rig));
	buf_init(&rig.bytes, 1 << 20);
	rig.config.date = 1000;
	rig.config.expires = 1000 + 3600;
	rig.config.dc_options.v = rig.list;
	return 0;
}

static int teardown(void **state)
{
	buf_deinit(&rig.bytes);
	return 0;
}

static struct tlc_dcOption *add(int id, const char *ip, int port)
{
	uint32_t i = rig.config.dc_options.n++;
	struct tlc_dcOption *o = &rig.options[i];

	assert_true(i < OPTIONS_MAX);
	o->id = id;
	o->ip_address = (struct tl_bytes){ (const uint8_t *)ip, strlen(ip) };
	o->port = port;
	o->ipv6 = strchr(ip, ':');
	rig.list[i] =
		(struct tlt_DcOption){ .kind = TLN_dcOption, .dcOption = o };
	return o;
}

static enum err parse(bool test_mode)
{
	struct tl_writer w;

	buf_reset(&rig.bytes);
	cursor_write(&w, &rig.bytes);
	assert_int_equal(bind_write(&w, TLN_config, &rig.config, &rig.ei),
			 ERR_OK);
	return dclist_read(buf_head(&rig.bytes), buf_len(&rig.bytes), test_mode,
			   &rig.out, &rig.ei);
}

static const char *pick(const struct dclist_want *want, size_t n)
{
	const struct dclist_entry *e = dclist_pick(&rig.out, want, n);

	return e ? e->address : "none";
}

static void best_first(void **state)
{
	struct dclist_want want = { .dc_id = 2 };

	add(2, "2001:db8::2", 443);
	add(2, "192.0.2.1", 443);
	add(2, "192.0.2.2", 80)->static_ = true;
	add(2, "192.0.2.3", 443)->media_only = true;
	add(2, "192.0.2.4", 443)->tcpo_only = true;
	add(2, "192.0.2.5", 443)->cdn = true;
	add(2, "192.0.2.6", 443)->has_secret = true;
	add(4, "192.0.2.7", 443);
	assert_int_equal(parse(false), ERR_OK);
	assert_int_equal(rig.out.ttl_sec, 3600);
	assert_string_equal(pick(&want, 0), "192.0.2.1");
	assert_string_equal(pick(&want, 1), "192.0.2.2");
	assert_string_equal(pick(&want, 2), "2001:db8::2");
	assert_string_equal(pick(&want, 3), "none");
	want.proxied = true;
	assert_string_equal(pick(&want, 0), "192.0.2.2");
	assert_string_equal(pick(&want, 1), "192.0.2.1");
	want = (struct dclist_want){ .dc_id = 2, .obfuscated = true };
	assert_string_equal(pick(&want, 2), "192.0.2.4");
	want = (struct dclist_want){ .dc_id = 2, .media = true };
	assert_string_equal(pick(&want, 0), "192.0.2.3");
	assert_string_equal(pick(&want, 1), "192.0.2.1");
	want = (struct dclist_want){ .dc_id = 4 };
	assert_string_equal(pick(&want, 0), "192.0.2.7");
	want.dc_id = 3;
	assert_string_equal(pick(&want, 0), "none");
}

/* What cannot be dialled is left out, one by one. */
static void what_is_no_address(void **state)
{
	add(0, "192.0.2.1", 443);
	add(-2, "192.0.2.1", 443);
	add(1001, "192.0.2.1", 443);
	add(2, "192.0.2.1", 0);
	add(2, "192.0.2.1", 65536);
	add(2, "", 443);
	add(2, "example.org", 443);
	add(2, "192.0.2.1\r\n", 443);
	add(2, "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111", 443);
	assert_int_equal(parse(false), ERR_INVALID);
	add(2, "192.0.2.9", 443);
	assert_int_equal(parse(false), ERR_OK);
	assert_int_equal(rig.out.n, 1);
}

static void the_other_environment(void **state)
{
	add(2, "192.0.2.1", 443);
	assert_int_equal(parse(true), ERR_INVALID);
	assert_non_null(strstr(rig.ei.msg, "production"));
	rig.config.test_mode = true;
	assert_int_equal(parse(false), ERR_INVALID);
	assert_int_equal(parse(true), ERR_OK);
}

static void bounds(void **state)
{
	for (int i = 0; i < OPTIONS_MAX; i++)
		add(2, "192.0.2.1", 1000 + i);
	rig.config.expires = rig.config.date;
	assert_int_equal(parse(false), ERR_OK);
	assert_int_equal(rig.out.n, DCLIST_MAX);
	assert_int_equal(rig.out.ttl_sec, DCLIST_TTL_MIN_SEC);
	rig.config.date = INT32_MIN;
	rig.config.expires = INT32_MAX;
	assert_int_equal(parse(false), ERR_OK);
	assert_int_equal(rig.out.ttl_sec, DCLIST_TTL_MAX_SEC);
}

static void every_cut_is_refused(void **state)
{
	struct dclist l = { .n = 77 };

	add(2, "192.0.2.1", 443);
	assert_int_equal(parse(false), ERR_OK);
	for (size_t n = 0; n < buf_len(&rig.bytes); n++)
		assert_int_not_equal(
			dclist_read(buf_head(&rig.bytes), n, false, &l, NULL),
			ERR_OK);
	assert_int_equal(l.n, 77);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(best_first),
		T(what_is_no_address),
		T(the_other_environment),
		T(bounds),
		T(every_cut_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
