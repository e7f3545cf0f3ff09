/* SPDX-License-Identifier: MIT */
/*
 * Between the files of routes.
 *
 *	routes.c      kept, joined to sessions, outcomes of tests
 *	api_routes.c  the calls about them
 */
#ifndef CONTROL_ROUTES_INT_H
#define CONTROL_ROUTES_INT_H

#include "control/routes.h"

#define ROUTES_ACTION "test_route"
#define ROUTES_TEST_MAX 8192 /* bytes of a test's outcome */

/* Appends the document; the caller wipes the buffer. */
enum err routes_open(struct control *c, struct arena *a,
		     const struct store_route *row, struct buf *ret,
		     struct err_info *ei);

#endif /* CONTROL_ROUTES_INT_H */
