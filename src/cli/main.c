/* SPDX-License-Identifier: MIT */
/* Finds the command; the list is commands.def. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct cli_cmd *const commands[] = {
#define COMMAND(name) &cmd_##name,
#include "cli/commands.def"
#undef COMMAND
};

static void usage(FILE *out)
{
	fputs("usage: tgfleet COMMAND [OPTIONS]\n\n", out);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
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
	if (argc < 2) {
		usage(stderr);
		return CLI_USAGE;
	}
	if (is_help(argv[1])) {
		usage(stdout);
		return CLI_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (!strcmp(argv[1], commands[i]->name))
			return commands[i]->run(argc - 1, argv + 1);
	fprintf(stderr, "tgfleet: no command \"%s\"; see `tgfleet help`\n",
		argv[1]);
	return CLI_USAGE;
}
