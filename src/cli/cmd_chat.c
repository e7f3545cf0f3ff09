/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"

static const struct table_column started_columns[] = {
	{ "ACCOUNT", "account_id" },
	{ "NODE", "server_id" },
	{ "USERNAME", "username" },
};

static const struct table_column failed_columns[] = {
	{ "ACCOUNT", "account_id" },
	{ "REASON", "error" },
	{ "ADVICE", "advice" },
};

static enum err print_result(struct json answer)
{
	struct json ok = json_get(answer, "successful_accounts");
	struct json bad = json_get(answer, "failed_accounts");
	enum err rc = ERR_OK;

	printf("%s\n", json_str(json_get(answer, "message"), ""));
	if (json_len(ok) > 0)
		rc = table_print(ok, started_columns,
				 ARRAY_LEN(started_columns));
	if (!rc && json_len(bad) > 0)
		rc = table_print(bad, failed_columns,
				 ARRAY_LEN(failed_columns));
	return rc;
}

static int start_all(const struct verbs_call *call)
{
	static const struct verbs_verb as_json = { .name = "start-all" };
	struct verbs_options *opt =
		(struct verbs_options *)(uintptr_t)call->opt;
	struct remote_call rcall = { .method = "POST",
				     .path = "/group-ai/chat/"
					     "start-all-accounts" };
	struct err_info ei = { .msg = "out of memory" };
	struct json_doc doc;
	struct jsonw w;
	struct buf body;
	bool all = false;
	enum err rc;

	buf_init(&body, 4096);
	jsonw_init(&w, &body);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "wait", opt->wait ? opt->wait : "30s");
	jsonw_object_end(&w);
	rc = jsonw_end(&w);
	rcall.body = buf_head(&body);
	rcall.body_len = buf_len(&body);
	if (!rc)
		rc = remote_resolve(&opt->remote, &ei);
	if (!rc)
		rc = remote_do(&opt->remote, &rcall, &doc, &ei);
	buf_deinit(&body);
	if (rc)
		return cli_fail("chat", CLI_FAILED, &ei);
	all = json_bool(json_get(json_root(&doc), "success"), false);
	rc = opt->remote.json
		     ? verbs_show(&as_json, &opt->remote, json_root(&doc))
		     : print_result(json_root(&doc));
	json_free(&doc);
	return all && !rc ? CLI_OK : CLI_FAILED;
}

static const struct verbs_verb verbs[] = {
	{ .name = "start-all",
	  .args = "",
	  .help = "bring every enabled account online, and say what came of it",
	  .run = start_all },
	{ .name = "start",
	  .args = "",
	  .help = "start chat scripts at nodes that have them",
	  .method = "POST",
	  .path = "/group-ai/chat/start",
	  .body = "{}",
	  .query = "node" },
	{ .name = "stop",
	  .args = "",
	  .help = "stop chat scripts at nodes that have them",
	  .method = "POST",
	  .path = "/group-ai/chat/stop",
	  .body = "{}",
	  .query = "node" },
};

static const struct verbs_noun noun = { "chat", "start and stop", verbs,
					ARRAY_LEN(verbs) };

static int run(int argc, char **argv)
{
	return verbs_run(&noun, argc, argv);
}

const struct cli_cmd cmd_chat = {
	.name = "chat",
	.summary = "start all accounts; start and stop chat",
	.run = run,
	.noun = &noun,
};
