/* SPDX-License-Identifier: MIT */
/*
 * Chat scripts that a node was given (update_script): downloaded, compared with the
 * SHA-256 that was told, kept in the state folder.
 *
 *	scripts/<SHA-256 of the script's id>.yaml	as it is
 *	scripts/<...>.before.yaml			as it was
 *
 * One after the other, in the order in which they came, so that the last one told is
 * the one kept.  A file is the old or the new one at every moment; who is killed in
 * between is told again and finds that the work is done, or does it.
 *
 * The control plane may be away: a download is tried again for some minutes.
 *
 *   owner     struct worker
 *   memory    SCRIPTBOOK_MAX waiting; 1 MiB for the one under way
 *   threads   the loop's
 *   failure   told to `done`, once for each
 */
#ifndef WORKER_SCRIPTBOOK_H
#define WORKER_SCRIPTBOOK_H

#include "crypto/sha.h"
#include "http/client.h"
#include "wire/wire_status.h"
#include "worker/node.h"

#define SCRIPTBOOK_BYTES_MAX (1U << 20) /* of one */
#define SCRIPTBOOK_MAX 256
#define SCRIPTBOOK_TRIES 60
#define SCRIPTBOOK_PAUSE_US (3 * US_PER_SEC)
#define SCRIPTBOOK_URL_MAX 2048

struct scriptbook_job;

struct scriptbook {
	struct loop *loop;
	struct http_client *http;
	const struct node *node;
	/* changed: it was not here before */
	void (*done)(void *ctx, uint64_t tag, bool changed, enum err rc,
		     const struct err_info *ei);
	void *ctx;
	struct scriptbook_job *first; /* under way */
	struct scriptbook_job *last;
	unsigned int n;
	struct wheel_timer timer;
	uint64_t request; /* 0: none */
};

struct scriptbook_ask {
	const char *script_id;
	const char *sha256; /* hex */
	const char *url;    /* a path at the control plane: "/api/..." */
	uint64_t tag;
};

/* loop, http, node, done and ctx are set. */
void scriptbook_init(struct scriptbook *s);
/* done() comes later, maybe at once, unless this fails. */
enum err scriptbook_update(struct scriptbook *s,
			   const struct scriptbook_ask *ask,
			   struct err_info *ei);
/* done() does not come any more. */
void scriptbook_deinit(struct scriptbook *s);

#endif /* WORKER_SCRIPTBOOK_H */
