/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/describe.h"

/* What it is, and what it stands on: the first lines of a report of a fault. */
static int run(int argc, char **argv)
{
	struct err_info ei = { .msg = "out of memory" };
	struct json_iter it;
	struct json_doc doc;

	puts("tgfleet " TGFLEET_VERSION);
	if (describe_parsed("libraries", &doc, &ei))
		return cli_fail("version", CLI_FAILED, &ei);
	it = json_iter(json_root(&doc));
	while (json_next(&it))
		printf("  %-10s %s\n", json_str(json_get(it.val, "name"), ""),
		       json_str(json_get(it.val, "version"), ""));
	json_free(&doc);
	return CLI_OK;
}

const struct cli_cmd cmd_version = {
	.name = "version",
	.summary = "print the version and those of the libraries",
	.run = run,
};
