/* SPDX-License-Identifier: MIT */
/* `tgfleet account route-set` and `route-test`. */
#ifndef CLI_ROUTE_H
#define CLI_ROUTE_H

#include "cli/verbs.h"

/* ACCOUNT FILE: the route as JSON; "-" is standard input. */
int route_set(const struct verbs_call *call);
/* ACCOUNT: waits for the outcome. */
int route_test(const struct verbs_call *call);

#endif /* CLI_ROUTE_H */
