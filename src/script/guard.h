/* SPDX-License-Identifier: MIT */
/*
 * YAML from strangers, as a sequence of events that cannot hurt.
 *
 * One document in UTF-8, bounded in bytes, depth and nodes.  Anchors, aliases, tags,
 * keys that are no text and keys given twice are refused, so that a small file is
 * small in memory too and says everything once.
 *
 *   owner     the caller's stack, for one run
 *   memory    what libyaml holds of 1 MiB, and the keys that are open
 *   failure   ERR_SYNTAX: no YAML; ERR_INVALID: YAML of a kind not taken; ERR_TOOBIG.
 *             The place is told beside it
 */
#ifndef SCRIPT_GUARD_H
#define SCRIPT_GUARD_H

#include "base/err.h"

#define GUARD_BYTES_MAX (1U << 20)
#define GUARD_DEPTH_MAX 32
#define GUARD_NODES_MAX 200000

/* Both from 1; 0: the document as a whole. */
struct guard_place {
	size_t line, column;
};

enum guard_kind {
	GUARD_MAP,
	GUARD_LIST,
	GUARD_END, /* of the innermost map or list */
	GUARD_TEXT,
};

struct guard_event {
	enum guard_kind kind;
	unsigned int depth; /* how many maps and lists it is inside of */
	bool key;	    /* a text that names what comes next */
	bool plain;	  /* a text without quotes: may be meant as a number */
	const char *text; /* NUL-terminated, no NUL in it; "" unless a text */
	size_t len;
	struct guard_place at;
};

/* An error ends the run. */
typedef enum err (*guard_fn)(void *ctx, const struct guard_event *ev,
			     struct err_info *ei);

/* *ret_at is the place of the error, when there is one. */
enum err guard_run(const void *text, size_t len, guard_fn fn, void *ctx,
		   struct guard_place *ret_at, struct err_info *ei);

#endif /* SCRIPT_GUARD_H */
