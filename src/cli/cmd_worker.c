/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/log.h"
#include "cli/cli.h"
#include "worker/worker.h"

struct worker_values {
	char *config, *server, *join, *state, *telegram, *name, *transport;
	bool pfs;
};

#define OPT(field) offsetof(struct worker_values, field)
static const struct config_option options[] = {
	{ "config", CONFIG_STR, CONFIG_NO_FILE, OPT(config), NULL, 0, 0, "FILE",
	  "settings, one `name: value` a line" },
	{ "server", CONFIG_STR, 0, OPT(server), NULL, 0, 0, "URL",
	  "address of `tgfleet serve`; needed once, with --join" },
	{ "join", CONFIG_STR, CONFIG_NO_FILE, OPT(join), NULL, 0, 0, "TOKEN",
	  "single-use token that enrols this node" },
	{ "state", CONFIG_STR, CONFIG_REQUIRED, OPT(state), NULL, 0, 0, "DIR",
	  "folder of this node: its identity and sealed sessions" },
	{ "telegram", CONFIG_STR, CONFIG_REQUIRED, OPT(telegram), NULL, 0, 0,
	  "FILE", "data centres and api_id (JSON)" },
	{ "name", CONFIG_STR, 0, OPT(name), NULL, 0, 0, "NAME",
	  "what people call this node; the host's name if absent" },
	{ "transport", CONFIG_STR, 0, OPT(transport), "intermediate", 0, 0,
	  "NAME",
	  "how it speaks to Telegram: full, abridged, intermediate or padded; "
	  "the last three also with obfuscated- in front" },
	{ "pfs", CONFIG_BOOL, 0, OPT(pfs), "true", 0, 0, "BOOL",
	  "make temporary keys, so that a stolen session opens no old "
	  "traffic" },
};
#undef OPT

static const struct config_table table = {
	.command = "worker",
	.options = options,
	.n = ARRAY_LEN(options),
};

static int run(int argc, char **argv)
{
	struct worker_values v = { 0 };
	struct cli_call call;
	struct err_info ei = { 0 };
	int status;
	enum err rc;

	status = cli_config(&cmd_worker, &v, argc, argv, &call);
	if (status || call.help) {
		config_free(&table, &v);
		return status;
	}
	log_set_role("worker");
	rc = worker_run(&(struct worker_options){ .server = v.server,
						  .join = v.join,
						  .state = v.state,
						  .telegram = v.telegram,
						  .name = v.name,
						  .transport = v.transport,
						  .permanent_keys = !v.pfs },
			&ei);
	config_free(&table, &v);
	if (!rc)
		return CLI_OK;
	return cli_fail("worker", rc == ERR_USAGE ? CLI_USAGE : CLI_FAILED,
			&ei);
}

const struct cli_cmd cmd_worker = {
	.name = "worker",
	.summary = "run accounts on this machine",
	.run = run,
	.options = &table,
};
