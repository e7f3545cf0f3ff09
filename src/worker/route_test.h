/* SPDX-License-Identifier: MIT */
/*
 * Is a data centre reached by a route?  A connection as an account would make it,
 * the first question of a key exchange (req_pq_multi) and its answer, checked as
 * in a handshake; then it hangs up.  No account, no session and no key of theirs
 * has a part in it, so it needs no lease.
 *
 *   owner     struct orders embeds the set
 *   memory    at most ROUTE_TESTS_MAX under way, 4 KiB each
 *   threads   the loop's
 *   failure   told to `done`, with the words of whoever refused
 */
#ifndef WORKER_ROUTE_TEST_H
#define WORKER_ROUTE_TEST_H

#include "worker/fleet.h"
#include "worker/route.h"

#define ROUTE_TESTS_MAX 16
#define ROUTE_TEST_US (INT64_C(20) * US_PER_SEC)

struct route_test;

struct route_test_result {
	uint64_t tag;
	int dc_id;
	int64_t latency_us; /* from the question to its answer */
};

struct route_tests {
	struct fleet *fleet;
	struct route_test *first;
	unsigned int n;
	void (*done)(void *ctx, const struct route_test_result *r, enum err rc,
		     const struct err_info *ei);
	void *ctx;
};

/* Takes the route, also when it fails; dc_id 0: the first there is.  done()
 * comes later, once, unless this fails. */
enum err route_test_start(struct route_tests *s, struct route *route, int dc_id,
			  uint64_t tag, struct err_info *ei);
/* Hangs up; done() does not come any more. */
void route_tests_deinit(struct route_tests *s);

#endif /* WORKER_ROUTE_TEST_H */
