/* SPDX-License-Identifier: MIT */
/*
 * A Telegram data centre on the desk: several DCs in one process, for tests,
 * demos and benchmarks.  See docs and `tgfleet dc -h`.
 *
 *	dc_new -> (loop runs; clients come and go) -> dc_free
 *
 *   owner     the command, or a test
 *   memory    the world stays in memory; see world.h
 *   threads   the loop's
 *   failure   dc_new() names what could not be opened.  A state file that fails
 *             later stops the loop: answers that were not stored are not sent.
 */
#ifndef DC_DC_H
#define DC_DC_H

#include "base/buf.h"
#include "net/addr.h"
#include "net/loop.h"

#define DC_NODES_MAX 8

struct dc;

enum dc_duplicate_policy {
	DC_DUPLICATE_KILL,  /* as Telegram: the key dies */
	DC_DUPLICATE_COUNT, /* only counted */
};

struct dc_options {
	struct addr listen; /* first DC's; the others take the next ports, or
			       free ones when the port is 0 */
	struct addr admin;
	int count;	   /* DCs, numbered from 1 */
	const char *state; /* NULL: memory only */
	enum dc_duplicate_policy duplicate_policy;
	bool seed_demo;
	const char *scenario; /* NULL, or a file to be played */
	int64_t api_id;	      /* goes into the environment file */
	const char *api_hash;
};

enum err dc_new(struct dc **ret, struct loop *l, const struct dc_options *o,
		struct err_info *ei);
void dc_free(struct dc *dc);

/* The ready line, the public key (PEM), the environment file: appended. */
enum err dc_ready_json(const struct dc *dc, struct buf *out);
enum err dc_public_pem(const struct dc *dc, struct buf *out);
enum err dc_env_json(const struct dc *dc, struct buf *out);
/* Why the loop was stopped from inside; ERR_OK if it was not. */
enum err dc_failure(const struct dc *dc, struct err_info *ei);

#endif /* DC_DC_H */
