/* SPDX-License-Identifier: MIT */
#include "cli/account_route.h"
#include "cli/upload.h"
#include "cli/verbs.h"

static const struct table_column list_columns[] = {
	{ "ACCOUNT", "account_id" },	 { "STATUS", "status" },
	{ "NODE", "node_id" },		 { "SINCE", "status_since" },
	{ "MESSAGES", "message_count" }, { "REPLIES", "reply_count" },
	{ "TODAY", "messages_today" },	 { "ERROR", "last_error.message" },
};

static const struct table_column limits_columns[] = {
	{ "METHOD", "method" },	      { "CHAT", "peer" },
	{ "UNTIL", "until" },	      { "SECONDS", "seconds_left" },
	{ "TELEGRAM SAID", "error" },
};

static const struct verbs_verb verbs[] = {
	{ .name = "list",
	  .args = "",
	  .help = "all accounts: state, node, counters",
	  .method = "GET",
	  .path = "/group-ai/accounts",
	  .query = "node,status,search,sort-by,page,page-size",
	  .items = "items",
	  .columns = list_columns,
	  .ncolumns = ARRAY_LEN(list_columns) },
	{ .name = "show",
	  .args = "ACCOUNT",
	  .help = "everything known of one account",
	  .method = "GET",
	  .path = "/group-ai/accounts/%1" },
	{ .name = "limits",
	  .args = "ACCOUNT",
	  .help = "the waits Telegram asked it for",
	  .method = "GET",
	  .path = "/group-ai/accounts/%1/limits",
	  .items = "limits",
	  .columns = limits_columns,
	  .ncolumns = ARRAY_LEN(limits_columns) },
	{ .name = "route",
	  .args = "ACCOUNT",
	  .help = "how it is reached, and what the last test said",
	  .method = "GET",
	  .path = "/group-ai/accounts/%1/route",
	  .items = "route" },
	{ .name = "route-set",
	  .args = "ACCOUNT FILE",
	  .help = "a proxy, as JSON in a file (- is standard input)",
	  .run = account_route_set },
	{ .name = "route-test",
	  .args = "ACCOUNT",
	  .help = "let a node try it; needed before it is used",
	  .run = account_route_test },
	{ .name = "route-clear",
	  .args = "ACCOUNT",
	  .help = "connect directly from now on",
	  .method = "PATCH",
	  .path = "/group-ai/accounts/%1",
	  .body = "{\"route\":null}",
	  .items = "route" },
	{ .name = "upload",
	  .args = "FILE...",
	  .help = "store session files; needs --attested",
	  .run = upload_sessions },
	{ .name = "start",
	  .args = "ACCOUNT",
	  .help = "bring it online",
	  .method = "POST",
	  .path = "/group-ai/accounts/%1/start" },
	{ .name = "stop",
	  .args = "ACCOUNT",
	  .help = "take it offline",
	  .method = "POST",
	  .path = "/group-ai/accounts/%1/stop" },
	{ .name = "enable",
	  .args = "ACCOUNT",
	  .help = "let start-all and placement use it",
	  .method = "PATCH",
	  .path = "/group-ai/accounts/%1",
	  .body = "{\"enabled\":true}" },
	{ .name = "disable",
	  .args = "ACCOUNT",
	  .help = "keep start-all and placement off it",
	  .method = "PATCH",
	  .path = "/group-ai/accounts/%1",
	  .body = "{\"enabled\":false}" },
	{ .name = "move",
	  .args = "ACCOUNT NODE",
	  .help = "run it on another node",
	  .method = "POST",
	  .path = "/group-ai/accounts/%1/move",
	  .body = "{\"server_id\":%2}" },
	{ .name = "delete",
	  .args = "ACCOUNT",
	  .help = "remove it; its session goes to quarantine",
	  .method = "DELETE",
	  .path = "/group-ai/accounts/%1" },
};

static const struct verbs_noun noun = { "account",
					"Telegram accounts of the fleet", verbs,
					ARRAY_LEN(verbs) };

static int run(int argc, char **argv)
{
	return verbs_run(&noun, argc, argv);
}

const struct cli_cmd cmd_account = {
	.name = "account",
	.summary = "list, upload, start, stop, move accounts",
	.run = run,
	.noun = &noun,
};
