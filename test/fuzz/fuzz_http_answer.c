/* SPDX-License-Identifier: MIT */
/*
 * A server that answers our HTTP client with anything, cut anywhere: it gives an
 * answer within its limits or an error with a reason, and always one of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/client.h"
#include "net/listener.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define BODY_MAX 512

static struct loop *loop;
static struct listener *listener;
static struct http_client *client;
static char url[64];
static const uint8_t *answer;
static size_t answer_len, cut;
static uint64_t asking; /* the link that has half its answer */
static bool answered, done;

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	if (answered)
		return;
	(void)!link_send(loop, link, answer, cut);
	answered = true;
	asking = link;
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *ei)
{
}

static const struct link_ops ops = { NULL, on_data, NULL, on_close };

static void on_link(void *ctx, uint64_t link, const struct addr *peer)
{
	link_own(loop, link, &ops, NULL);
}

static void on_answer(void *ctx, const struct client_response *r)
{
	if (r->rc ? !r->ei.msg[0] : r->body_len > BODY_MAX || !r->content_type)
		abort();
	if (!r->rc && (r->status < 100 || r->status > 999))
		abort();
	done = true;
}

static void start(void)
{
	struct listener_options o = { 0 };
	char text[ADDR_TEXT_MAX];
	struct addr at;

	if (loop_new(&loop, NULL, NULL) ||
	    addr_from_ip("127.0.0.1", 0, &o.at) ||
	    listener_new(loop, &o, on_link, NULL, &listener, NULL) ||
	    client_new(loop, NULL, &client, NULL))
		abort();
	at = listener_addr(listener);
	addr_format(&at, text);
	snprintf(url, sizeof(url), "http://%s/", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct client_request r = { .url = url,
				    .max_response = BODY_MAX,
				    .timeout_us = US_PER_SEC };
	uint64_t id;

	if (len < 2)
		return 0;
	if (!loop)
		start();
	answer = data + 1;
	answer_len = len - 1;
	cut = data[0] % answer_len;
	answered = done = false;
	asking = 0;
	if (client_start(client, &r, on_answer, NULL, &id, NULL))
		return 0;
	while (!done) {
		loop_turn(loop, US_PER_SEC);
		if (!asking)
			continue;
		(void)!link_send(loop, asking, answer + cut, answer_len - cut);
		link_finish(loop, asking, CLOSE_LOCAL);
		asking = 0;
	}
	return 0;
}
