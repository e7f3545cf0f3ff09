/* SPDX-License-Identifier: MIT */
/* tgfleet dc: the local data centre in the foreground. */
#include <stdio.h>
#include <string.h>

#include "base/files.h"
#include "base/log.h"
#include "cli/cli.h"
#include "dc/dc.h"

#define OUT_MAX 65536

struct dc_values {
	char *listen, *admin, *state, *write_key, *write_env, *policy;
	char *api_hash, *scenario;
	int64_t count, api_id;
	bool seed_demo;
};

#define AT(field) offsetof(struct dc_values, field)

static const struct config_option options[] = {
	{ "listen", CONFIG_STR, 0, AT(listen), "127.0.0.1:0", 0, 0,
	  "ADDRESS:PORT",
	  "Where DC 1 listens; the others take the next ports (0: any free)." },
	{ "admin", CONFIG_STR, 0, AT(admin), "127.0.0.1:0", 0, 0,
	  "ADDRESS:PORT", "Where the admin port listens (loopback only)." },
	{ "dc-count", CONFIG_INT, 0, AT(count), "3", 1, DC_NODES_MAX, "N",
	  "How many data centres." },
	{ "state", CONFIG_STR, 0, AT(state), NULL, 0, 0, "FILE",
	  "Keep everything in this SQLite file; without it, in memory only." },
	{ "write-key", CONFIG_STR, 0, AT(write_key), NULL, 0, 0, "FILE",
	  "Write the public RSA key (PKCS#1 PEM) here." },
	{ "write-env", CONFIG_STR, 0, AT(write_env), NULL, 0, 0, "FILE",
	  "Write the Telegram environment for `tgfleet worker` here." },
	{ "duplicate-policy", CONFIG_STR, 0, AT(policy), "kill", 0, 0,
	  "kill|count",
	  "What happens to an authorisation key used at two places." },
	{ "api-id", CONFIG_INT, 0, AT(api_id), "1", 1, INT32_MAX, "ID",
	  "The api_id that goes into the environment file." },
	{ "api-hash", CONFIG_STR, 0, AT(api_hash),
	  "0123456789abcdef0123456789abcdef", 0, 0, "HASH",
	  "The api_hash that goes into the environment file." },
	{ "scenario", CONFIG_STR, 0, AT(scenario), NULL, 0, 0, "FILE",
	  "Play this scenario; GET /scenario says how far it is." },
	{ "seed-demo", CONFIG_BOOL, 0, AT(seed_demo), "false", 0, 0, NULL,
	  "Begin with a small world, if there is none yet." },
};

static const struct config_table table = { "dc", options, ARRAY_LEN(options) };

static enum err parse(const struct dc_values *v, struct dc_options *o,
		      struct err_info *ei)
{
	enum err rc;

	rc = addr_parse(v->listen, &o->listen, ei);
	if (!rc)
		rc = addr_parse(v->admin, &o->admin, ei);
	if (rc)
		return rc;
	if (!strcmp(v->policy, "count"))
		o->duplicate_policy = DC_DUPLICATE_COUNT;
	else if (strcmp(v->policy, "kill") != 0)
		return err_set(ei, ERR_INVALID,
			       "duplicate-policy: kill or count, not \"%s\"",
			       v->policy);
	o->count = (int)v->count;
	o->state = v->state && *v->state ? v->state : NULL;
	o->seed_demo = v->seed_demo;
	o->scenario = v->scenario && *v->scenario ? v->scenario : NULL;
	o->api_id = v->api_id;
	o->api_hash = v->api_hash;
	return ERR_OK;
}

typedef enum err (*write_fn)(const struct dc *dc, struct buf *out);

static enum err write_file(const struct dc *dc, const char *path, write_fn fn,
			   struct err_info *ei)
{
	struct buf out;
	enum err rc;

	if (!path || !*path)
		return ERR_OK;
	buf_init(&out, OUT_MAX);
	rc = fn(dc, &out);
	if (!rc)
		rc = files_write(path, buf_head(&out), buf_len(&out), ei);
	buf_deinit(&out);
	return rc;
}

static enum err announce(const struct dc *dc, struct err_info *ei)
{
	struct buf out;
	enum err rc;

	buf_init(&out, OUT_MAX);
	rc = dc_ready_json(dc, &out);
	if (!rc && (puts(buf_cstr(&out)) < 0 || fflush(stdout)))
		rc = err_set(ei, ERR_IO, "standard output");
	buf_deinit(&out);
	return rc;
}

static void on_signal(void *ctx, int signum)
{
	(void)signum;
	loop_stop(ctx);
}

static enum err serve(struct loop *l, const struct dc_values *v,
		      struct err_info *ei)
{
	struct dc_options o = { 0 };
	struct dc *dc = NULL;
	enum err rc;

	rc = parse(v, &o, ei);
	if (!rc)
		rc = dc_new(&dc, l, &o, ei);
	if (!rc)
		rc = write_file(dc, v->write_key, dc_public_pem, ei);
	if (!rc)
		rc = write_file(dc, v->write_env, dc_env_json, ei);
	if (!rc)
		rc = loop_on_signal(l, on_signal, l, ei);
	if (!rc)
		rc = announce(dc, ei);
	if (!rc) {
		loop_run(l);
		rc = dc_failure(dc, ei);
	}
	dc_free(dc);
	return rc;
}

static int run(int argc, char **argv)
{
	struct dc_values v = { 0 };
	struct cli_call call;
	struct err_info ei = { 0 };
	struct loop *l = NULL;
	int status;
	enum err rc;

	status = cli_config(&cmd_dc, &v, argc, argv, &call);
	if (status != CLI_OK || call.help) {
		config_free(&table, &v);
		return status;
	}
	log_set_role("dc");
	rc = loop_new(&l, NULL, &ei);
	if (!rc)
		rc = serve(l, &v, &ei);
	loop_free(l);
	config_free(&table, &v);
	return rc ? cli_fail("dc", CLI_FAILED, &ei) : CLI_OK;
}

const struct cli_cmd cmd_dc = {
	.name = "dc",
	.summary = "run a local Telegram data centre for tests and demos",
	.run = run,
	.options = &table,
};
