/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

static const struct table_column list_columns[] = {
	{ "NODE", "node_id" },
	{ "STATUS", "status" },
	{ "ACCOUNTS", "account_count" },
	{ "MAX", "max_accounts" },
	{ "LAST HEARTBEAT", "last_heartbeat" },
	{ "VERSION", "version" },
};

static const struct table_column command_columns[] = {
	{ "COMMAND", "command_id" }, { "ACTION", "action" },
	{ "STATE", "state" },	     { "CREATED", "created_at" },
	{ "ERROR", "error" },
};

static const struct verbs_verb verbs[] = {
	{ .name = "list",
	  .args = "",
	  .help = "all nodes",
	  .method = "GET",
	  .path = "/workers",
	  .items = "items",
	  .columns = list_columns,
	  .ncolumns = ARRAY_LEN(list_columns) },
	{ .name = "show",
	  .args = "NODE",
	  .help = "one node",
	  .method = "GET",
	  .path = "/workers/%1" },
	{ .name = "join-token",
	  .args = "",
	  .help = "a token that enrols one worker, once",
	  .method = "POST",
	  .path = "/workers/join-tokens",
	  .body = "{}" },
	{ .name = "commands",
	  .args = "NODE",
	  .help = "its commands and what became of them",
	  .method = "GET",
	  .path = "/workers/%1/commands",
	  .items = "items",
	  .columns = command_columns,
	  .ncolumns = ARRAY_LEN(command_columns) },
	{ .name = "drain",
	  .args = "NODE",
	  .help = "place nothing new on it",
	  .method = "PATCH",
	  .path = "/workers/%1",
	  .body = "{\"draining\":true}" },
	{ .name = "undrain",
	  .args = "NODE",
	  .help = "place accounts on it again",
	  .method = "PATCH",
	  .path = "/workers/%1",
	  .body = "{\"draining\":false}" },
	{ .name = "delete",
	  .args = "NODE",
	  .help = "forget it; its token stops working",
	  .method = "DELETE",
	  .path = "/workers/%1" },
};

static const struct verbs_noun noun = { "node", "machines that run workers",
					verbs, ARRAY_LEN(verbs) };

static int run(int argc, char **argv)
{
	return verbs_run(&noun, argc, argv);
}

const struct cli_cmd cmd_node = {
	.name = "node",
	.summary = "list, enrol, drain nodes",
	.run = run,
	.noun = &noun,
};
