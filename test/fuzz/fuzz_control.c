/* SPDX-License-Identifier: MIT */
/*
 * The control plane's whole REST interface over loopback, asked by a signed-in
 * administrator or a node who send anything.  The input is a method, a path and
 * a body: "POST /api/v1/users\n{...}"; a byte 'n' in front makes it the node's.  Whatever comes gets an answer, and never "internal error".
 */
#include "base/log.h"
#include "control/control.h"

#include "fuzz_ask.h"
#include "fuzz_dir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define INPUTS_A_FLEET 2000 /* then it has grown enough */

static struct control_config cfg;
static struct config_origins origins;
static struct control *control;
static char url[128], admin[1024], node[1024], node_id[128];
static unsigned int inputs;

static void quiet(void *ctx, const char *line)
{
}

/* The text member `key` of the last answer. */
static void take(const char *key, char *dst, size_t size)
{
	char quoted[64];
	const char *at, *end;

	snprintf(quoted, sizeof(quoted), "\"%s\":\"", key);
	at = strstr(got.body, quoted);
	if (!at)
		abort();
	at += strlen(quoted);
	end = strchr(at, '"');
	if (!end || (size_t)(end - at) >= size)
		abort();
	memcpy(dst, at, (size_t)(end - at));
	dst[end - at] = '\0';
}

static void post(const char *path, const char *bearer, const char *body)
{
	char at[256];
	struct client_request r = { .url = at,
				    .bearer = bearer,
				    .body = body,
				    .body_len = strlen(body) };

	snprintf(at, sizeof(at), "%s%s", url, path);
	ask(&r);
	if (got.status / 100 != 2)
		abort();
}

static void sign_in(void)
{
	char password[256], body[2048], join[512];
	struct buf line;

	buf_init(&line, 4096);
	if (control_ready_line(control, &line))
		abort();
	snprintf(got.body, sizeof(got.body), "%s", buf_cstr(&line));
	buf_deinit(&line);
	take("url", url, sizeof(url));
	take("admin_password", password, sizeof(password));
	snprintf(body, sizeof(body),
		 "{\"username\":\"admin\",\"password\":\"%s\"}", password);
	post("/api/v1/auth/login", NULL, body);
	take("access_token", admin, sizeof(admin));
	post("/api/v1/workers/join-tokens", admin, "{}");
	take("join_token", join, sizeof(join));
	snprintf(body, sizeof(body),
		 "{\"join_token\":\"%s\",\"node_name\":\"n1\","
		 "\"public_key\":\"CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
		 "\"}",
		 join);
	post("/api/v1/workers/enroll", NULL, body);
	take("node_token", node, sizeof(node));
	take("node_id", node_id, sizeof(node_id));
}

static void end(void)
{
	client_free(client);
	control_free(control);
	loop_free(loop);
	config_free(&control_options, &cfg);
	client = NULL;
	control = NULL;
	loop = NULL;
}

static void begin(void)
{
	struct err_info ei = { 0 };

	if (control)
		end();
	else
		atexit(end);
	log_set_sink(quiet, NULL);
	fuzz_dir_make();
	fuzz_dir_empty("");
	if (config_defaults(&control_options, &cfg, &origins, &ei))
		abort();
	free(cfg.listen);
	free(cfg.data);
	cfg.listen = strdup("127.0.0.1:0");
	cfg.data = strdup(fuzz_dir);
	if (loop_new(&loop, NULL, NULL) ||
	    control_new(loop, &cfg, &control, &ei) ||
	    client_new(loop, NULL, &client, NULL)) {
		fprintf(stderr, "%s\n", ei.msg);
		abort();
	}
	sign_in();
	inputs = 0;
}

/* "{node}" is the node there is: no input can know its id. */
static void address(char *dst, size_t size, const char *path)
{
	const char *at = strstr(path, "{node}");

	if (at)
		snprintf(dst, size, "%s%.*s%s%s", url, (int)(at - path), path,
			 node_id, at + strlen("{node}"));
	else
		snprintf(dst, size, "%s%s", url, path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char method[16], path[PATH_BYTES + 1], at[PATH_BYTES + 256];
	struct client_request r = { .method = method,
				    .url = at,
				    .timeout_us = US_PER_SEC / 5 };
	bool as_node = len && data[0] == 'n';
	const uint8_t *eol;

	if (!control || inputs++ >= INPUTS_A_FLEET)
		begin();
	data += as_node;
	len -= as_node;
	eol = memchr(data, '\n', len);
	if (!eol || !split(data, (size_t)(eol - data), method, path))
		return 0;
	/* what waits for a ring or ends our own sign-in */
	if (strstr(path, "/stream") || strstr(path, "/logout"))
		return 0;
	address(at, sizeof(at), path);
	r.bearer = as_node ? node : admin;
	r.body = eol + 1;
	r.body_len = len - (size_t)(eol + 1 - data);
	if (r.body_len > 3 && !memcmp(r.body, "--b", 3))
		r.content_type = "multipart/form-data; boundary=b";
	ask(&r);
	if (got.status == 500) {
		fprintf(stderr, "%s %s: %s\n", method, path, got.body);
		abort();
	}
	return 0;
}
