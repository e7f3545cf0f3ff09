/* SPDX-License-Identifier: MIT */
/*
 * Enrolment: a join token and our public key against a node id and its token.
 *
 *   owner     struct worker
 *   failure   a refusal ends it (done with an error); an absent control plane is
 *             tried again
 */
#ifndef WORKER_ENROLL_H
#define WORKER_ENROLL_H

#include "http/client.h"
#include "worker/node.h"

struct enroll {
	struct loop *loop;
	struct http_client *http;
	struct node *node;
	const char *server, *join, *name; /* borrowed */
	void (*done)(void *ctx, enum err rc, const struct err_info *ei);
	void *ctx;
	struct wheel_timer timer;
	uint64_t request;
	bool under_way, complained;
};

/* Fill loop to ctx first; done() comes later, once. */
void enroll_start(struct enroll *e);
void enroll_deinit(struct enroll *e);

#endif /* WORKER_ENROLL_H */
