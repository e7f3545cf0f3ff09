/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cli/cli.h"

static int run(int argc, char **argv)
{
	puts("tgfleet " TGFLEET_VERSION);
	return CLI_OK;
}

const struct cli_cmd cmd_version = {
	.name = "version",
	.summary = "print the version",
	.run = run,
};
