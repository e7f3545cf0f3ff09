/* SPDX-License-Identifier: MIT */
#include "worker/doorbell.h"

#include <stdio.h>

#include "base/json.h"
#include "base/rnd.h"

#define DOORBELL_WAIT_S 25
#define DOORBELL_TIMEOUT_US INT64_C(40000000)
#define DOORBELL_RETRY_US INT64_C(1000000)
#define DOORBELL_RETRY_MAX_US INT64_C(30000000)

static void on_timer(struct wheel_timer *t, void *ctx);

void doorbell_init(struct doorbell *d, struct loop *l, struct http_client *h,
		   struct node *n, struct beat *b)
{
	*d = (struct doorbell){ .loop = l, .http = h, .node = n, .beat = b };
	wheel_timer_init(&d->timer, on_timer, d);
}

void doorbell_deinit(struct doorbell *d)
{
	if (!d->loop)
		return;
	loop_cancel(d->loop, &d->timer);
	if (d->under_way)
		client_cancel(d->http, d->request);
	*d = (struct doorbell){ 0 };
}

static void later(struct doorbell *d)
{
	int64_t wait = DOORBELL_RETRY_US;

	for (unsigned int i = 0; i < d->fails && wait < DOORBELL_RETRY_MAX_US;
	     i++)
		wait *= 2;
	if (d->fails < 16)
		d->fails++;
	loop_arm(d->loop, &d->timer, rnd_jitter(d->beat->fleet->rnd, wait, 30));
}

static bool has_news(const struct client_response *rsp)
{
	struct json_doc doc;
	struct err_info ei;
	bool news;

	if (json_parse(&doc, rsp->body, rsp->body_len, 65536, &ei))
		return false;
	news = json_bool(json_get(json_root(&doc), "news"), false);
	json_free(&doc);
	return news;
}

static void on_response(void *ctx, const struct client_response *rsp)
{
	struct doorbell *d = ctx;

	d->under_way = false;
	if (rsp->rc || rsp->status != 200) {
		later(d);
		return;
	}
	d->fails = 0;
	if (has_news(rsp))
		beat_now(d->beat);
	/* not at once: the beat takes the news away first */
	loop_arm(d->loop, &d->timer, 50 * US_PER_MS);
}

void doorbell_start(struct doorbell *d)
{
	char url[768];
	const struct client_request r = { .url = url,
					  .bearer =
						  (char *)d->node->token.bytes,
					  .max_response = 65536,
					  .timeout_us = DOORBELL_TIMEOUT_US };
	struct err_info ei;

	if (d->under_way || wheel_armed(&d->timer))
		return;
	snprintf(url, sizeof(url), "%s/api/v1/workers/%s/stream?wait=%ds",
		 d->node->server, d->node->id, DOORBELL_WAIT_S);
	if (client_start(d->http, &r, on_response, d, &d->request, &ei))
		later(d);
	else
		d->under_way = true;
}

static void on_timer(struct wheel_timer *t, void *ctx)
{
	doorbell_start(ctx);
}
