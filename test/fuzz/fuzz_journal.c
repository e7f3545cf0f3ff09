/* SPDX-License-Identifier: MIT */
/*
 * A journal as a crash, a disk or a person left it.  What opens can be written
 * to, and says the same when it is opened again.
 */
#include "worker/journal.h"

#include "fuzz_dir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct wall now = { INT64_C(1790000000000000) };
static const char *const names[] = { "9996610001", "alice-1", "a" };

static void put(struct journal *j)
{
	const struct updates_pos pos = { 7, 1, 2, 3 };
	struct flood_entry e = { .until = { now.us + 5000000 }, .peer = -5 };
	struct err_info ei;

	strcpy(e.method, "messages.sendMessage");
	strcpy(e.error, "FLOOD_WAIT_5");
	(void)!journal_put(j, "new", pos, 4);
	(void)!journal_put_flood(j, "new", &e, now);
	(void)!journal_drop(j, "a");
	(void)!journal_flush(j, &ei);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct updates_pos a = { 0 }, b = { 0 };
	struct err_info ei = { 0 };
	int64_t ea = 0, eb = 0;
	struct journal j, k;
	char path[128];

	fuzz_dir_make();
	fuzz_dir_empty("");
	fuzz_dir_put("positions", data, len);
	strcpy(path, fuzz_dir_path("positions"));
	if (journal_open(&j, path, now, &ei)) {
		if (!ei.msg[0])
			abort();
		journal_close(&j);
		return 0;
	}
	put(&j);
	if (journal_open(&k, path, now, &ei))
		abort();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool has = journal_get(&j, names[i], &a, &ea);

		if (journal_get(&k, names[i], &b, &eb) != has ||
		    (has && (memcmp(&a, &b, sizeof(a)) != 0 || ea != eb)))
			abort();
		if (!journal_flood(&j, names[i]) !=
		    !journal_flood(&k, names[i]))
			abort();
	}
	if (!journal_get(&k, "new", &b, &eb) || b.pts != 7 || eb != 4 ||
	    !journal_flood(&k, "new"))
		abort();
	journal_close(&k);
	journal_close(&j);
	return 0;
}
