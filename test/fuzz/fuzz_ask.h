/* SPDX-License-Identifier: MIT */
/*
 * Asking an HTTP server that runs on the same loop.  Inputs begin with a line
 * "METHOD /path"; what follows is the body.
 */
#ifndef FUZZ_ASK_H
#define FUZZ_ASK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/client.h"
#include "net/loop.h"

#define PATH_BYTES 512

static struct loop *loop;
static struct http_client *client;
static struct {
	bool done;
	int status;
	char body[8192];
} got;

static void on_answer(void *ctx, const struct client_response *r)
{
	size_t n = r->body_len < sizeof(got.body) - 1 ? r->body_len
						      : sizeof(got.body) - 1;

	got.done = true;
	got.status = r->rc ? 0 : r->status;
	if (!r->rc && r->body)
		memcpy(got.body, r->body, n);
	got.body[r->rc ? 0 : n] = '\0';
}

static inline void ask(struct client_request *r)
{
	uint64_t id;

	got.done = false;
	got.status = 0;
	if (client_start(client, r, on_answer, NULL, &id, NULL))
		return; /* no such method or URL in HTTP */
	while (!got.done)
		loop_turn(loop, US_PER_SEC);
}

/* "METHOD path" of the first line, kept to what a request line may hold. */
static inline bool split(const uint8_t *line, size_t len, char *method,
			 char *path)
{
	const uint8_t *gap = memchr(line, ' ', len);
	size_t n = gap ? (size_t)(gap - line) : 0;

	if (!n || n > 15 || len - n - 1 > PATH_BYTES)
		return false;
	for (size_t i = 0; i < len; i++)
		if (i != n && (line[i] <= ' ' || line[i] >= 0x7f))
			return false;
	memcpy(method, line, n);
	method[n] = '\0';
	memcpy(path, gap + 1, len - n - 1);
	path[len - n - 1] = '\0';
	return path[0] == '/';
}

#endif /* FUZZ_ASK_H */
