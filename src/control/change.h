/* SPDX-License-Identifier: MIT */
/*
 * A change: everything a request alters, in one commit, or nothing.
 *
 * Rows whose method is not GET run inside one (change_dispatch), and so does what
 * a request still has to do when its password is hashed (change_run).  The answer
 * is kept back until the commit: an error, or a commit that fails, leaves the
 * database as it was and tells the caller so.  An answer of 400 and above, too,
 * changes nothing.
 *
 * What is done to memory (a node is woken, a lease's clock is set) follows the
 * commit: change_after().  An effect must not fail, since nothing can be undone
 * when it runs.
 *
 *   owner     change_begin() and change_end() in one function; at most one at a
 *             time, control->change
 *   memory    its own arena, until change_end()
 *   threads   the loop's
 *   failure   change_end() answers what the store says; ERR_UNAVAILABLE when the
 *             commit failed
 */
#ifndef CONTROL_CHANGE_H
#define CONTROL_CHANGE_H

#include "base/arena.h"
#include "http/router.h"

struct control;
struct change_effect;

/* Rows of a table: router_row.flags. */
enum {
	/* Reads only, or makes its changes itself. */
	CHANGE_OWN = ROUTER_OWNER << 0,
	/* A GET that changes something. */
	CHANGE_GET = ROUTER_OWNER << 1,
};

struct change {
	struct control *c;
	struct arena arena;
	struct change_effect *last;
	const char *job_id; /* begun by it, or NULL */
};

/* committed: false when the change did not happen: put back, free. */
typedef void (*change_fn)(struct control *c, void *arg, bool committed);

enum err change_begin(struct change *ch, struct control *c,
		      struct err_info *ei);
/* Commits when rc is none, else rolls back and answers rc; then the effects, in
 * their order, or backwards when nothing happened. */
enum err change_end(struct change *ch, enum err rc, struct err_info *ei);

/* fn gets a copy of arg[0, len).  Without a change under way: at once. */
enum err change_after(struct control *c, change_fn fn, const void *arg,
		      size_t len, struct err_info *ei);

/* A handler inside a change; its error is for the caller to answer. */
enum err change_run(struct control *c, struct http_req *req, router_fn fn,
		    void *ctx, struct err_info *ei);
/* server_options.run */
enum err change_dispatch(struct http_req *req, void *ctx, struct err_info *ei);

#endif /* CONTROL_CHANGE_H */
