/* SPDX-License-Identifier: MIT */
/* A sans-IO connection (engine, media, signin_conn) on a link of the loop. */
#ifndef INTEROP_PLUG_H
#define INTEROP_PLUG_H

#include "net/link.h"
#include "worker/telegram.h"

/* What all three have; x is the connection. */
struct plug_ops {
	enum err (*connected)(void *x, struct mono now, struct wall wall,
			      struct err_info *ei);
	void (*disconnected)(void *x, struct mono now);
	enum err (*feed)(void *x, const uint8_t *data, size_t len,
			 struct mono now, struct err_info *ei);
	enum err (*tick)(void *x, struct mono now, struct err_info *ei);
	enum err (*output)(void *x, struct mono now, struct buf *out,
			   struct err_info *ei);
	struct mono (*deadline)(const void *x);
	/* Something happened: what is to be done now?  Before the output. */
	void (*look)(void *x);
};

struct plug {
	struct loop *loop;
	const struct telegram *telegram;
	const struct plug_ops *ops;
	void *x;
	int dc_id;
	bool on, media; /* dials again when lost; prefers a media address */
	uint64_t link;
	struct wheel_timer tick, redial;
	struct loop_call pump;
	int fails;
};

void plug_init(struct plug *p, struct loop *l, const struct telegram *t,
	       const struct plug_ops *ops, void *x);
void plug_open(struct plug *p, int dc_id);
void plug_close(struct plug *p);
/* Something was asked of the connection: writes what there is, later in the turn. */
void plug_push(struct plug *p);

#endif /* INTEROP_PLUG_H */
