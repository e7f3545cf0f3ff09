/* SPDX-License-Identifier: MIT */
#include "plug.h"

#include <stdio.h>

#define OUT_MAX (8U << 20)
#define REDIAL_US (US_PER_SEC / 5)
#define FAILS_MAX 20

static struct mono now(const struct plug *p)
{
	return loop_now(p->loop);
}

static void hang_up(struct plug *p)
{
	link_close(p->loop, p->link, CLOSE_LOCAL);
	p->link = 0;
	loop_cancel(p->loop, &p->tick);
	p->ops->disconnected(p->x, now(p));
}

static void lost(struct plug *p, const char *why)
{
	fprintf(stderr, "dc %d: %s\n", p->dc_id, why);
	hang_up(p);
	if (p->on)
		loop_arm(p->loop, &p->redial, REDIAL_US * ++p->fails);
	if (p->fails > FAILS_MAX)
		loop_stop(p->loop);
	plug_push(p);
}

static void pump(void *ctx)
{
	struct plug *p = ctx;
	struct err_info ei = { 0 };
	struct mono due;
	struct buf out;
	enum err rc;

	p->ops->look(p->x);
	if (!p->link)
		return;
	buf_init(&out, OUT_MAX);
	rc = p->ops->output(p->x, now(p), &out, &ei);
	if (!rc && buf_len(&out))
		rc = link_send(p->loop, p->link, buf_head(&out), buf_len(&out));
	buf_deinit(&out);
	due = p->ops->deadline(p->x);
	if (rc && rc != ERR_EOF) /* not open yet */
		lost(p, ei.msg);
	else if (due.us == MONO_NEVER.us)
		loop_cancel(p->loop, &p->tick);
	else
		loop_arm_at(p->loop, &p->tick, due);
}

void plug_push(struct plug *p)
{
	loop_defer(p->loop, &p->pump);
}

static void done(struct plug *p, enum err rc, const struct err_info *ei)
{
	if (rc)
		lost(p, ei->msg);
	else
		plug_push(p);
}

static void on_open(void *ctx, uint64_t link)
{
	struct plug *p = ctx;
	struct err_info ei = { 0 };

	if (link == p->link)
		done(p,
		     p->ops->connected(p->x, now(p), loop_wall(p->loop), &ei),
		     &ei);
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	struct plug *p = ctx;
	struct err_info ei = { 0 };

	if (link != p->link)
		return;
	p->fails = 0;
	done(p, p->ops->feed(p->x, data, len, now(p), &ei), &ei);
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *ei)
{
	struct plug *p = ctx;

	if (link == p->link)
		lost(p, ei && ei->msg[0] ? ei->msg : link_reason_text(reason));
}

static const struct link_ops plug_link_ops = {
	.on_open = on_open,
	.on_data = on_data,
	.on_close = on_close,
};

static void on_tick(struct wheel_timer *t, void *ctx)
{
	struct plug *p = ctx;
	struct err_info ei = { 0 };

	(void)t;
	done(p, p->ops->tick(p->x, now(p), &ei), &ei);
}

static void dial(struct plug *p)
{
	const struct addr_host *at =
		p->media ? telegram_find_media(p->telegram, p->dc_id, NULL)
			 : telegram_find(p->telegram, p->dc_id);
	struct link_dial_options o = { .send_max = OUT_MAX };
	struct err_info ei = { 0 };
	enum err rc;

	if (at)
		o.to = *at;
	rc = at ? link_dial(p->loop, &o, &plug_link_ops, p, &p->link, &ei)
		: err_set(&ei, ERR_NOTFOUND, "no such data centre");
	if (rc) {
		fprintf(stderr, "dc %d: %s\n", p->dc_id, ei.msg);
		loop_stop(p->loop);
	}
}

static void on_redial(struct wheel_timer *t, void *ctx)
{
	struct plug *p = ctx;

	(void)t;
	if (p->on && !p->link)
		dial(p);
}

void plug_init(struct plug *p, struct loop *l, const struct telegram *t,
	       const struct plug_ops *ops, void *x)
{
	*p = (struct plug){ .loop = l, .telegram = t, .ops = ops, .x = x };
	wheel_timer_init(&p->tick, on_tick, p);
	wheel_timer_init(&p->redial, on_redial, p);
	p->pump = (struct loop_call){ .fn = pump, .ctx = p };
}

void plug_open(struct plug *p, int dc_id)
{
	p->on = true;
	p->dc_id = dc_id;
	dial(p);
}

void plug_close(struct plug *p)
{
	p->on = false;
	loop_cancel(p->loop, &p->redial);
	loop_undefer(p->loop, &p->pump);
	if (p->link)
		hang_up(p);
}
