/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/describe.h"
#include "cli/table.h"

#define OUT_MAX (1U << 20)

struct options {
	bool json;
};

static const struct config_option option_rows[] = {
	{ "json", CONFIG_BOOL, CONFIG_NO_FILE, offsetof(struct options, json),
	  "no", 0, 0, NULL, "print JSON" },
};
static const struct config_table options = { "errors", option_rows,
					     ARRAY_LEN(option_rows) };

static const struct table_column api_columns[] = {
	{ "NUMBER", "number" },	   { "NAME", "name" },	     { "CODE", "code" },
	{ "HTTP", "http_status" }, { "TRY AGAIN", "retry" }, { "TEXT", "text" },
};

static const struct table_column telegram_columns[] = {
	{ "ERROR", "pattern" },
	{ "NUMBER", "number" },
	{ "ABOUT", "scope" },
	{ "TRY AGAIN", "retry" },
	{ "ACCOUNT BECOMES", "account_becomes" },
	{ "CODE", "code" },
	{ "ADVICE", "advice" },
};

static enum err show(const char *section, bool json, struct err_info *ei)
{
	struct json_doc doc;
	struct buf out;
	enum err rc;

	if (json) {
		buf_init(&out, OUT_MAX);
		rc = describe(section, &out, ei);
		if (!rc && buf_cstr(&out))
			puts(buf_cstr(&out));
		buf_deinit(&out);
		return rc;
	}
	rc = describe_parsed(section, &doc, ei);
	if (rc)
		return rc;
	if (!strcmp(section, "errors"))
		rc = table_print(json_root(&doc), api_columns,
				 ARRAY_LEN(api_columns));
	else
		rc = table_print(json_root(&doc), telegram_columns,
				 ARRAY_LEN(telegram_columns));
	json_free(&doc);
	return rc;
}

static int run(int argc, char **argv)
{
	struct err_info ei = { .msg = "out of memory" };
	struct cli_call call;
	struct options o = { 0 };
	const char *which;
	int status;

	status = cli_config(&cmd_errors, &o, argc, argv, &call);
	if (status || call.help)
		return status;
	which = call.rest[0] ? call.rest[0] : "api";
	if (strcmp(which, "api") != 0 && strcmp(which, "telegram") != 0) {
		fprintf(stderr, "tgfleet errors: api or telegram, not \"%s\"\n",
			which);
		return CLI_USAGE;
	}
	if (show(!strcmp(which, "api") ? "errors" : "telegram_errors", o.json,
		 &ei))
		return cli_fail("errors", CLI_FAILED, &ei);
	return CLI_OK;
}

const struct cli_cmd cmd_errors = {
	.name = "errors",
	.summary = "every error, ours and Telegram's, and what to do",
	.run = run,
	.options = &options,
	.args = "[api|telegram]",
};
