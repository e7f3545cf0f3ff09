/* SPDX-License-Identifier: MIT */
/*
 * The data centre's admin port, asked anything: "POST /rules\n{...}".  Whatever
 * comes gets an answer, never "internal error", and the data centre lives on.
 */
#include "base/log.h"
#include "dc/dc_int.h"
#include "http/server.h"

#include "fuzz_ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define INPUTS_A_WORLD 1000 /* then it has grown enough */

static struct dc *dc;
static char url[128];
static unsigned int inputs;

static void quiet(void *ctx, const char *line)
{
}

static void begin(void)
{
	struct dc_options o = { .count = 2, .seed_demo = true };
	char text[ADDR_TEXT_MAX];
	struct addr at;

	client_free(client);
	dc_free(dc);
	loop_free(loop);
	log_set_sink(quiet, NULL);
	if (addr_parse("127.0.0.1:0", &o.listen, NULL))
		abort();
	o.admin = o.listen;
	if (loop_new(&loop, NULL, NULL) || dc_new(&dc, loop, &o, NULL) ||
	    client_new(loop, NULL, &client, NULL))
		abort();
	at = server_addr(dc->admin);
	addr_format(&at, text);
	snprintf(url, sizeof(url), "http://%s", text);
	inputs = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char method[16], path[PATH_BYTES + 1], at[PATH_BYTES + 256];
	struct client_request r = { .method = method,
				    .url = at,
				    .timeout_us = US_PER_SEC / 5 };
	const uint8_t *eol = memchr(data, '\n', len);

	if (!dc || inputs++ >= INPUTS_A_WORLD)
		begin();
	if (!eol || !split(data, (size_t)(eol - data), method, path))
		return 0;
	snprintf(at, sizeof(at), "%s%s", url, path);
	r.body = eol + 1;
	r.body_len = len - (size_t)(eol + 1 - data);
	ask(&r);
	if (got.status == 500) {
		fprintf(stderr, "%s %s: %s\n", method, path, got.body);
		abort();
	}
	if (dc_failure(dc, NULL))
		abort();
	return 0;
}
