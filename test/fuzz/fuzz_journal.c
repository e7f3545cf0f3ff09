/* SPDX-License-Identifier: MIT */
/*
 * A journal as a crash, a disk or a person left it; behind an odd first byte
 * every line gets its right check.  What opens can be written to, and says the
 * same when it is opened again.
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

/* FNV-1a of the line and the space behind it, in hex. */
static void put_checked(FILE *f, const uint8_t *line, size_t len)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < len; i++)
		h = (h ^ line[i]) * 16777619U;
	h = (h ^ ' ') * 16777619U;
	fwrite(line, 1, len, f);
	fprintf(f, " %08x\n", h);
}

static void make_file(const uint8_t *data, size_t len)
{
	FILE *f = fopen(fuzz_dir_path("positions"), "wb");
	const uint8_t *end = data + len, *eol;

	if (!f)
		abort();
	if (*data++ & 1) {
		for (; data < end; data = eol + 1) {
			eol = memchr(data, '\n', (size_t)(end - data));
			eol = eol ? eol : end;
			put_checked(f, data, (size_t)(eol - data));
			if (eol == end)
				break;
		}
	} else {
		fwrite(data, 1, (size_t)(end - data), f);
	}
	fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct updates_pos a = { 0 }, b = { 0 };
	struct err_info ei = { 0 };
	int64_t ea = 0, eb = 0;
	struct journal j, k;
	char path[128];

	if (!len)
		return 0;
	fuzz_dir_make();
	fuzz_dir_empty("");
	make_file(data, len);
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
