/* SPDX-License-Identifier: MIT */
#include "base/metrics.h"

#include <stdatomic.h>

#include "base/bug.h"

enum type { COUNTER, GAUGE };

static const struct {
	const char *name, *help;
	enum type type;
} table[] = {
#define METRIC(sym, type, name, help) [METRIC_##sym] = { name, help, type },
#include "base/metrics.def"
#undef METRIC
};

static _Atomic int64_t values[METRIC_COUNT];

void metrics_add(enum metric m, int64_t n)
{
	BUG_ON(m >= METRIC_COUNT);
	atomic_fetch_add_explicit(&values[m], n, memory_order_relaxed);
}

void metrics_set(enum metric m, int64_t value)
{
	BUG_ON(m >= METRIC_COUNT);
	atomic_store_explicit(&values[m], value, memory_order_relaxed);
}

int64_t metrics_get(enum metric m)
{
	BUG_ON(m >= METRIC_COUNT);
	return atomic_load_explicit(&values[m], memory_order_relaxed);
}

const char *metrics_name(enum metric m)
{
	return table[m].name;
}

const char *metrics_help(enum metric m)
{
	return table[m].help;
}

enum err metrics_print(struct buf *out)
{
	for (int m = 0; m < METRIC_COUNT; m++) {
		const char *name = table[m].name;
		enum err rc;

		rc = buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n",
				name, table[m].help, name,
				table[m].type == COUNTER ? "counter" : "gauge",
				name, (long long)metrics_get((enum metric)m));
		if (rc)
			return rc;
	}
	return ERR_OK;
}
