/* SPDX-License-Identifier: MIT */
/*
 * The long poll: the control plane rings when there is something for this node,
 * and the node beats at once.  Only a doorbell: what it rings for comes with the
 * beat, so a lost ring costs one interval and nothing else.
 *
 *   owner     struct worker
 *   failure   silent; backs off (the heartbeat reports outages)
 */
#ifndef WORKER_DOORBELL_H
#define WORKER_DOORBELL_H

#include "http/client.h"
#include "worker/beat.h"

struct doorbell {
	struct loop *loop;
	struct http_client *http;
	struct node *node;
	struct beat *beat;
	struct wheel_timer timer;
	uint64_t request;
	uint16_t fails;
	bool under_way;
};

void doorbell_init(struct doorbell *d, struct loop *l, struct http_client *h,
		   struct node *n, struct beat *b);
void doorbell_deinit(struct doorbell *d);
/* Listens from now on; fine to call again. */
void doorbell_start(struct doorbell *d);

#endif /* WORKER_DOORBELL_H */
