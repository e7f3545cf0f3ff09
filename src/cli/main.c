/* SPDX-License-Identifier: MIT */
/* Finds the command; the list is commands.def. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static void usage(FILE *out)
{
	size_t n;
	const struct cli_cmd *const *commands = cli_commands(&n);

	fputs("usage: tgfleet COMMAND [OPTIONS]\n\n", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "  %-12s %s\n", commands[i]->name,
			commands[i]->summary);
	fputs("\n`tgfleet COMMAND -h` shows a command's options.\n", out);
}

static bool is_help(const char *word)
{
	return !strcmp(word, "-h") || !strcmp(word, "--help") ||
	       !strcmp(word, "help");
}

int main(int argc, char **argv)
{
	const struct cli_cmd *cmd;

	if (argc < 2) {
		usage(stderr);
		return CLI_USAGE;
	}
	if (is_help(argv[1])) {
		usage(stdout);
		return CLI_OK;
	}
	cmd = cli_command(argv[1]);
	if (cmd)
		return cmd->run(argc - 1, argv + 1);
	fprintf(stderr, "tgfleet: no command \"%s\"; see `tgfleet help`\n",
		argv[1]);
	return CLI_USAGE;
}
