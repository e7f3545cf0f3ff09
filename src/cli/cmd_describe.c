/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/describe.h"

#define OUT_MAX (4U << 20)

static const struct config_table table = { "describe", NULL, 0 };

static int run(int argc, char **argv)
{
	struct err_info ei = { .msg = "out of memory" };
	struct cli_call call;
	struct buf out;
	int status;

	status = cli_config(&cmd_describe, NULL, argc, argv, &call);
	if (status || call.help)
		return status;
	buf_init(&out, OUT_MAX);
	if (describe(call.rest[0], &out, &ei) || !buf_cstr(&out))
		status = cli_fail("describe", CLI_FAILED, &ei);
	else
		puts(buf_cstr(&out));
	buf_deinit(&out);
	return status;
}

const struct cli_cmd cmd_describe = {
	.name = "describe",
	.summary = "the program's own tables as JSON",
	.run = run,
	.options = &table,
	.args = "[SECTION]",
};
