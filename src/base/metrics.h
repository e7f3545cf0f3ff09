/* SPDX-License-Identifier: MIT */
/*
 * Counters and gauges, declared in metrics.def, printed for Prometheus.
 *
 * Process-wide and atomic (relaxed): the one global the tree allows itself,
 * because a counter that has to be passed around does not get counted.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/buf.h"

enum metric {
#define METRIC(sym, type, name, help) METRIC_##sym,
#include "base/metrics.def"
#undef METRIC
	METRIC_COUNT
};

void metrics_add(enum metric m, int64_t n);
void metrics_set(enum metric m, int64_t value);
int64_t metrics_get(enum metric m);
const char *metrics_name(enum metric m);
const char *metrics_help(enum metric m);
/* Text format 0.0.4, HELP and TYPE lines included. */
enum err metrics_print(struct buf *out);

#endif /* BASE_METRICS_H */
