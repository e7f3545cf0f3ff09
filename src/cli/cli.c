/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#define USAGE_MAX 65536

static const struct cli_cmd *const commands[] = {
#define COMMAND(name) &cmd_##name,
#include "cli/commands.def"
#undef COMMAND
};

const struct cli_cmd *const *cli_commands(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(commands);
	return commands;
}

const struct cli_cmd *cli_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (!strcmp(name, commands[i]->name))
			return commands[i];
	return NULL;
}

int cli_fail(const char *command, int status, const struct err_info *ei)
{
	fprintf(stderr, "tgfleet %s: %s\n", command, ei->msg);
	return status;
}

static int show_usage(const struct cli_cmd *cmd)
{
	struct buf out;
	const char *text = NULL;

	printf("usage: tgfleet %s [OPTIONS]%s%s\n\n%s\n\n", cmd->name,
	       cmd->args ? " " : "", cmd->args ? cmd->args : "", cmd->summary);
	buf_init(&out, USAGE_MAX);
	if (!config_usage(cmd->options, &out))
		text = buf_cstr(&out);
	if (text)
		fputs(text, stdout);
	buf_deinit(&out);
	return text ? CLI_OK : CLI_FAILED;
}

/* The file of settings is named on the command line, before all others. */
static const char *config_path(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "--config=", 9))
			return argv[i] + 9;
		if (!strcmp(argv[i], "--config") && i + 1 < argc)
			return argv[i + 1];
	}
	return NULL;
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help"))
			return true;
	return false;
}

int cli_config(const struct cli_cmd *cmd, void *values, int argc, char **argv,
	       struct cli_call *ret)
{
	struct config_origins *o = &ret->origins;
	struct err_info ei = { 0 };
	const char *path = config_path(argc, argv);
	int used = 0;
	enum err rc;

	*ret = (struct cli_call){ .rest = argv + argc };
	ret->help = wants_help(argc, argv);
	if (ret->help)
		return show_usage(cmd);
	rc = config_defaults(cmd->options, values, o, &ei);
	if (!rc && path)
		rc = config_file(cmd->options, values, o, path, &ei);
	if (!rc)
		rc = config_env(cmd->options, values, o, &ei);
	if (!rc)
		rc = config_args(cmd->options, values, o, argc - 1, argv + 1,
				 &used, &ei);
	if (!rc)
		rc = config_check(cmd->options, values, &ei);
	ret->rest = argv + 1 + used;
	return rc ? cli_fail(cmd->name, CLI_USAGE, &ei) : CLI_OK;
}
