/* SPDX-License-Identifier: MIT */
/*
 * A file of settings: refused with a reason, or every value is within its range
 * and is shown.
 */
#include "base/config.h"

#include "fuzz_dir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct values {
	char *text, *secret;
	int64_t number, wait_us;
	uint64_t size;
	bool flag;
};

static const struct config_option options[] = {
	{ "text", CONFIG_STR, 0, offsetof(struct values, text), "t", 0, 0, "T",
	  "a text" },
	{ "secret", CONFIG_STR, CONFIG_SECRET, offsetof(struct values, secret),
	  NULL, 0, 0, "T", "a secret" },
	{ "number", CONFIG_INT, CONFIG_REQUIRED,
	  offsetof(struct values, number), "3", -7, 1000, "N", "a number" },
	{ "wait", CONFIG_DURATION, 0, offsetof(struct values, wait_us), "1s", 1,
	  INT64_C(3600000000), "T", "a duration" },
	{ "size", CONFIG_SIZE, 0, offsetof(struct values, size), "1k", 1,
	  1 << 30, "N", "a size" },
	{ "flag", CONFIG_BOOL, 0, offsetof(struct values, flag), "no", 0, 0,
	  NULL, "yes or no" },
};
static const struct config_table table = { "fuzz", options,
					   ARRAY_LEN(options) };

static void check(const struct values *v, const struct config_origins *o)
{
	struct err_info ei = { 0 };
	struct buf out;

	if (v->number < -7 || v->number > 1000 || v->wait_us < 1 ||
	    v->wait_us > INT64_C(3600000000) || v->size < 1 ||
	    v->size > 1 << 30)
		abort();
	(void)!config_check(&table, v, &ei);
	buf_init(&out, 1U << 22);
	if (config_show(&table, v, o, &out) || !buf_len(&out))
		abort();
	if (v->secret && strlen(v->secret) > 12 &&
	    memmem(buf_head(&out), buf_len(&out), v->secret,
		   strlen(v->secret)) &&
	    !(v->text && strstr(v->text, v->secret)))
		abort(); /* a secret was shown */
	buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config_origins o = { 0 };
	struct err_info ei = { 0 };
	struct values v = { 0 };

	fuzz_dir_make();
	fuzz_dir_put("conf", data, len);
	if (config_defaults(&table, &v, &o, &ei))
		abort();
	if (!config_file(&table, &v, &o, fuzz_dir_path("conf"), &ei))
		check(&v, &o);
	else if (!ei.msg[0])
		abort();
	config_free(&table, &v);
	return 0;
}
