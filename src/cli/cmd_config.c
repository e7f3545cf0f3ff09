/* SPDX-License-Identifier: MIT */
/* tgfleet config: the settings a role would run with, without running it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define OUT_MAX (256U << 10)

static int usage(FILE *out, int status)
{
	fputs("usage: tgfleet config show|check ROLE [OPTIONS]\n\n"
	      "  show   every setting, its value, and where that came from\n"
	      "  check  say whether the role would accept them\n\n"
	      "ROLE is serve, worker, dc, demo or login; the options are the "
	      "role's own.\n",
	      out);
	return status;
}

/* The rows say where the values lie: room for the last of them is enough. */
static void *new_values(const struct config_table *t)
{
	size_t end = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->options[i].offset > end)
			end = t->options[i].offset;
	return calloc(1, end + sizeof(int64_t));
}

static int show(const struct config_table *t, const void *values,
		const struct config_origins *o)
{
	struct buf out;
	bool ok;

	buf_init(&out, OUT_MAX);
	ok = !config_show(t, values, o, &out) && buf_cstr(&out);
	if (ok)
		fputs(buf_cstr(&out), stdout);
	buf_deinit(&out);
	return ok ? CLI_OK : CLI_FAILED;
}

static int with_role(const struct cli_cmd *cmd, bool only_check, int argc,
		     char **argv)
{
	struct err_info ei = { .msg = "out of memory" };
	struct cli_call call;
	void *values = new_values(cmd->options);
	int status;

	if (!values)
		return cli_fail("config", CLI_FAILED, &ei);
	status = cli_config(cmd, values, argc, argv, &call);
	if (status == CLI_OK && !call.help) {
		if (cmd->check && cmd->check(values, &ei))
			status = cli_fail(cmd->name, CLI_USAGE, &ei);
		else if (only_check)
			puts("ok");
		else
			status = show(cmd->options, values, &call.origins);
	}
	config_free(cmd->options, values);
	free(values);
	return status;
}

static int run(int argc, char **argv)
{
	const struct cli_cmd *cmd;
	bool check;

	if (argc > 1 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")))
		return usage(stdout, CLI_OK);
	if (argc < 3)
		return usage(stderr, CLI_USAGE);
	check = !strcmp(argv[1], "check");
	if (!check && strcmp(argv[1], "show") != 0)
		return usage(stderr, CLI_USAGE);
	cmd = cli_command(argv[2]);
	if (!cmd || !cmd->options || !cmd->options->n) {
		fprintf(stderr, "tgfleet config: no role \"%s\"\n", argv[2]);
		return CLI_USAGE;
	}
	return with_role(cmd, check, argc - 2, argv + 2);
}

const struct cli_cmd cmd_config = {
	.name = "config",
	.summary = "show or check the settings of a role",
	.run = run,
	.args = "show|check ROLE",
};
