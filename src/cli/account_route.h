/* SPDX-License-Identifier: MIT */
/* `tgfleet account route-set` and `route-test`. */
#ifndef CLI_ACCOUNT_ROUTE_H
#define CLI_ACCOUNT_ROUTE_H

#include "cli/verbs.h"

/* ACCOUNT FILE: the route as JSON; "-" is standard input. */
int account_route_set(const struct verbs_call *call);
/* ACCOUNT: waits for the outcome. */
int account_route_test(const struct verbs_call *call);

#endif /* CLI_ACCOUNT_ROUTE_H */
