/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"

#define PATH "/group-ai/account-allocation"
#define BODY_MAX (1U << 20)

static const struct table_column move_columns[] = {
	{ "ACCOUNT", "account_id" },
	{ "FROM", "from" },
	{ "TO", "server_id" },
	{ "RUNNING", "running" },
};

static const struct table_column skipped_columns[] = {
	{ "GETS NOTHING", "server_id" },
	{ "BECAUSE", "reason" },
};

static const struct table_column server_columns[] = {
	{ "NODE", "server_id" },
	{ "ACCOUNTS", "current" },
	{ "MAX", "max" },
	{ "AVAILABLE", "available" },
	{ "USED %", "usage_percent" },
};

static const struct table_column finding_columns[] = {
	{ "KIND", "kind" },	{ "ACCOUNT", "account_id" },
	{ "NODE", "node_id" },	{ "EXPECTED", "expected_node_id" },
	{ "STATUS", "detail" }, { "LAST SEEN", "last_seen" },
	{ "ADVICE", "advice" },
};

typedef enum err (*print_fn)(struct json answer);

/* One call; its answer as JSON or as `print` has it. */
static int ask(const struct verbs_call *call, const struct remote_call *rcall,
	       print_fn print)
{
	static const struct verbs_verb as_json = { .name = "allocation" };
	struct verbs_options *opt =
		(struct verbs_options *)(uintptr_t)call->opt;
	struct err_info ei = { .msg = "out of memory" };
	struct json_doc doc;
	enum err rc;

	rc = remote_resolve(&opt->remote, &ei);
	if (!rc)
		rc = remote_do(&opt->remote, rcall, &doc, &ei);
	if (rc)
		return cli_fail("allocation", CLI_FAILED, &ei);
	rc = opt->remote.json
		     ? verbs_show(&as_json, &opt->remote, json_root(&doc))
		     : print(json_root(&doc));
	json_free(&doc);
	return rc ? CLI_FAILED : CLI_OK;
}

/* --- auto, rebalance --- */

static enum err print_plan(struct json answer)
{
	struct json moves = json_get(answer, "moves");
	struct json skipped = json_get(answer, "skipped_servers");
	int64_t more = json_int(json_get(answer, "moves_not_shown"), 0);
	enum err rc = ERR_OK;

	printf("%s\n", json_str(json_get(answer, "message"), ""));
	if (json_len(moves) > 0)
		rc = table_print(moves, move_columns, ARRAY_LEN(move_columns));
	if (more)
		printf("... and %lld more\n", (long long)more);
	if (!rc && json_len(skipped) > 0)
		rc = table_print(skipped, skipped_columns,
				 ARRAY_LEN(skipped_columns));
	return rc;
}

static int plan(const struct verbs_call *call, bool all, bool dry_run)
{
	const struct verbs_options *o = call->opt;
	struct remote_call rcall = { .method = "POST", .path = PATH "/auto" };
	struct err_info ei = { .msg = "out of memory" };
	int status = CLI_FAILED;
	struct jsonw w;
	struct buf body;

	buf_init(&body, 4096);
	jsonw_init(&w, &body);
	jsonw_object(&w, NULL);
	if (o->strategy)
		jsonw_str(&w, "strategy", o->strategy);
	if (o->max_per_node)
		jsonw_int(&w, "max_accounts_per_server", o->max_per_node);
	jsonw_bool(&w, "include_allocated", all);
	jsonw_bool(&w, "move_running", o->move_running);
	jsonw_bool(&w, "dry_run", dry_run);
	jsonw_object_end(&w);
	if (jsonw_end(&w)) {
		cli_fail("allocation", status, &ei);
	} else {
		rcall.body = buf_head(&body);
		rcall.body_len = buf_len(&body);
		status = ask(call, &rcall, print_plan);
	}
	buf_deinit(&body);
	return status;
}

static int run_auto(const struct verbs_call *call)
{
	return plan(call, call->opt->include_allocated, call->opt->dry_run);
}

static int run_rebalance(const struct verbs_call *call)
{
	int status = plan(call, true, !call->opt->yes);

	if (!status && !call->opt->yes && !call->opt->remote.json)
		puts("nothing was moved; say --yes to do it");
	return status;
}

/* --- batch --- */

static enum err print_batch(struct json answer)
{
	printf("%lld of %lld accounts changed\n",
	       (long long)json_int(json_get(answer, "changed"), 0),
	       (long long)json_int(json_get(answer, "total"), 0));
	return ERR_OK;
}

/* "4915...=la" -> an entry; "4915...=" means: on no node. */
static bool put_pair(struct jsonw *w, const char *arg)
{
	const char *eq = strrchr(arg, '=');

	if (!eq || eq == arg)
		return false;
	jsonw_object(w, NULL);
	jsonw_strn(w, "account_id", arg, (size_t)(eq - arg));
	jsonw_str_or_null(w, "server_id", eq[1] ? eq + 1 : NULL);
	jsonw_object_end(w);
	return true;
}

static enum err batch_body(const struct verbs_call *call, struct buf *body,
			   struct err_info *ei)
{
	struct jsonw w;

	jsonw_init(&w, body);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "dry_run", call->opt->dry_run);
	jsonw_bool(&w, "move_running", call->opt->move_running);
	jsonw_array(&w, "allocations");
	for (size_t i = 0; i < call->nargs; i++)
		if (!put_pair(&w, call->args[i]))
			return err_set(ei, ERR_USAGE,
				       "\"%.80s\" is not ACCOUNT=NODE",
				       call->args[i]);
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	return jsonw_end(&w);
}

static int run_batch(const struct verbs_call *call)
{
	struct remote_call rcall = { .method = "POST", .path = PATH "/batch" };
	struct err_info ei = { .msg = "too many accounts for one call" };
	struct buf body;
	enum err rc;
	int status;

	buf_init(&body, BODY_MAX);
	rc = batch_body(call, &body, &ei);
	rcall.body = buf_head(&body);
	rcall.body_len = buf_len(&body);
	status = rc ? cli_fail("allocation",
			       rc == ERR_USAGE ? CLI_USAGE : CLI_FAILED, &ei)
		    : ask(call, &rcall, print_batch);
	buf_deinit(&body);
	return status;
}

/* --- summary --- */

/* The servers are an object by id; a table wants rows. */
static enum err write_rows(struct json servers, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_array(&w, NULL);
	for (struct json_iter it = json_iter(servers); json_next(&it);) {
		jsonw_object(&w, NULL);
		jsonw_str(&w, "server_id", it.key);
		for (size_t i = 1; i < ARRAY_LEN(server_columns); i++)
			jsonw_double(
				&w, server_columns[i].path,
				json_double(json_get(it.val,
						     server_columns[i].path),
					    0));
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	return jsonw_end(&w);
}

static enum err print_servers(struct json servers)
{
	struct json_doc doc;
	struct buf rows;
	enum err rc;

	buf_init(&rows, 8U << 20);
	rc = write_rows(servers, &rows);
	if (!rc)
		rc = json_parse(&doc, buf_head(&rows), buf_len(&rows),
				buf_len(&rows), NULL);
	buf_deinit(&rows);
	if (rc)
		return rc;
	rc = table_print(json_root(&doc), server_columns,
			 ARRAY_LEN(server_columns));
	json_free(&doc);
	return rc;
}

static enum err print_summary(struct json answer)
{
	printf("%lld accounts, %lld on a node, %lld on none\n",
	       (long long)json_int(json_get(answer, "total_accounts"), 0),
	       (long long)json_int(json_get(answer, "allocated"), 0),
	       (long long)json_int(json_get(answer, "unallocated"), 0));
	return print_servers(json_get(answer, "servers"));
}

static int run_summary(const struct verbs_call *call)
{
	static const struct remote_call rcall = { .method = "GET",
						  .path = PATH "/summary" };

	return ask(call, &rcall, print_summary);
}

static const struct verbs_verb verbs[] = {
	{ .name = "auto",
	  .args = "",
	  .help = "give accounts without a node one; --include-allocated",
	  .run = run_auto },
	{ .name = "rebalance",
	  .args = "",
	  .help = "what would move to even it out; --yes does it",
	  .run = run_rebalance },
	{ .name = "batch",
	  .args = "ACCOUNT=NODE...",
	  .help = "these accounts to these nodes, all or none",
	  .run = run_batch },
	{ .name = "summary",
	  .args = "",
	  .help = "how many accounts each node has, and may have",
	  .run = run_summary },
	{ .name = "findings",
	  .args = "",
	  .help = "where what runs differs from what is wanted",
	  .method = "GET",
	  .path = PATH "/findings",
	  .items = "items",
	  .columns = finding_columns,
	  .ncolumns = ARRAY_LEN(finding_columns) },
};

static const struct verbs_noun noun = { "allocation",
					"which account belongs on which node",
					verbs, ARRAY_LEN(verbs) };

static int run(int argc, char **argv)
{
	return verbs_run(&noun, argc, argv);
}

const struct cli_cmd cmd_allocation = {
	.name = "allocation",
	.summary = "give accounts to nodes, and see how they are spread",
	.run = run,
	.noun = &noun,
};
