/* SPDX-License-Identifier: MIT */
/*
 * Sessions as they come and rest here: sealed to this node's key.
 *
 * A session is fetched once over its one-use address, kept sealed on disk, and
 * opened only to hand the key to the account's engine; the plain document is
 * wiped at once.  After a restart the file is used if its version is the one the
 * control plane names and it grants no fresh one.  It is removed when the account
 * is taken away.  Only a few are fetched at a time, so that a node that is given
 * a thousand accounts does not drown its own heartbeats in the control plane.
 *
 *   owner     struct worker
 *   memory    SEALED_FETCHES boxes of at most SEALED_MAX bytes
 *   failure   account_session_failed()
 */
#ifndef WORKER_SEALED_H
#define WORKER_SEALED_H

#include "base/bset.h"
#include "http/client.h"
#include "worker/fleet.h"
#include "worker/node.h"

#define SEALED_MAX (16U << 20)
#define SEALED_FETCHES 8

struct sealed {
	struct http_client *http;
	struct node *node;
	struct fleet *fleet;
	struct bset waiting; /* indices of accounts whose turn will come */
	uint32_t under_way;
};

void sealed_init(struct sealed *s, struct http_client *http, struct node *node,
		 struct fleet *fleet);
void sealed_deinit(struct sealed *s);

/* Over the network if there is a grant, else from disk. */
void sealed_fetch(struct sealed *s, struct account *a);
void sealed_forget(struct sealed *s, struct account *a);
/* Opens a box made for this node; the caller deinits *ret and `arena`. */
enum err sealed_open(const struct sealed *s, const void *box, size_t len,
		     struct arena *arena, struct wire_session *ret,
		     struct err_info *ei);

#endif /* WORKER_SEALED_H */
