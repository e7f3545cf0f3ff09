/* SPDX-License-Identifier: MIT */
/*
 * Routes hold passwords, so they come from a file or from standard input, never
 * from the command line, which everyone on the machine can read.
 */
#include "cli/account_route.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/slurp.h"

#define BODY_MAX 65536U
#define PATH_MAX_BYTES 4096U
#define TEST_WAIT_US (INT64_C(90) * US_PER_SEC) /* above the node's own */
#define TEST_POLL_US 200000

static enum err account_path(struct buf *path, const char *account,
			     const char *rest)
{
	enum err rc = buf_append_str(path, "/group-ai/accounts");

	if (!rc)
		rc = remote_segment(path, account);
	return rc ? rc : buf_append_str(path, rest);
}

static enum err call_account(const struct verbs_call *call, const char *method,
			     const char *rest, const struct buf *body,
			     struct json_doc *ret, struct err_info *ei)
{
	struct remote_call rc_call = { .method = method };
	struct buf path;
	enum err rc;

	buf_init(&path, PATH_MAX_BYTES);
	rc = account_path(&path, call->args[0], rest);
	rc_call.path = buf_cstr(&path);
	if (body) {
		rc_call.body = buf_head(body);
		rc_call.body_len = buf_len(body);
	}
	if (!rc)
		rc = remote_do(&call->opt->remote, &rc_call, ret, ei);
	buf_deinit(&path);
	return rc;
}

/* What people and scripts know already stays theirs; options are ours. */
static enum err resolve(const struct verbs_call *call, struct err_info *ei)
{
	struct verbs_options *opt =
		(struct verbs_options *)(uintptr_t)call->opt;

	return remote_resolve(&opt->remote, ei);
}

static const struct verbs_verb show = { .name = "route" };

static enum err set(const struct verbs_call *call, struct err_info *ei)
{
	struct json_doc doc;
	struct buf route, body;
	enum err rc;

	buf_init(&route, BODY_MAX);
	buf_init(&body, BODY_MAX);
	rc = slurp_file(call->args[1], &route, ei);
	if (!rc)
		rc = buf_append_str(&body, "{\"route\":");
	if (!rc)
		rc = buf_append(&body, buf_head(&route), buf_len(&route));
	if (!rc)
		rc = buf_append_str(&body, "}");
	if (!rc)
		rc = call_account(call, "PATCH", "", &body, &doc, ei);
	buf_wipe(&route);
	buf_wipe(&body);
	if (rc)
		return rc;
	rc = verbs_show(&show, &call->opt->remote,
			json_get(json_root(&doc), "route"));
	json_free(&doc);
	return rc;
}

int account_route_set(const struct verbs_call *call)
{
	struct err_info ei = { .msg = "out of memory" };
	enum err rc = resolve(call, &ei);

	if (!rc)
		rc = set(call, &ei);
	return rc ? cli_fail("account", CLI_FAILED, &ei) : CLI_OK;
}

/* Asks for the test; its command names it. */
static enum err begin(const struct verbs_call *call, char id[static 64],
		      struct err_info *ei)
{
	struct json_doc doc;
	struct jsonw w;
	struct buf body;
	enum err rc;

	buf_init(&body, BODY_MAX);
	jsonw_init(&w, &body);
	jsonw_object(&w, NULL);
	if (call->opt->node)
		jsonw_str(&w, "node_id", call->opt->node);
	jsonw_object_end(&w);
	rc = jsonw_end(&w);
	if (!rc)
		rc = call_account(call, "POST", "/route/test", &body, &doc, ei);
	buf_deinit(&body);
	if (rc)
		return rc;
	snprintf(id, 64, "%s",
		 json_str(json_get(json_root(&doc), "command_id"), ""));
	json_free(&doc);
	return ERR_OK;
}

/* *ret: 1 passed, 0 failed, -1 not there yet. */
static enum err look(const struct verbs_call *call, const char *id, int *ret,
		     struct err_info *ei)
{
	struct json route, test;
	struct json_doc doc;
	enum err rc = call_account(call, "GET", "/route", NULL, &doc, ei);

	if (rc)
		return rc;
	route = json_get(json_root(&doc), "route");
	test = json_get(route, "test");
	*ret = -1;
	if (!strcmp(json_str(json_get(test, "command_id"), ""), id)) {
		*ret = json_bool(json_get(test, "passed"), false);
		rc = verbs_show(&show, &call->opt->remote, test);
	}
	json_free(&doc);
	return rc;
}

static enum err await(const struct verbs_call *call, const char *id, int *ret,
		      struct err_info *ei)
{
	const struct mono until =
		mono_add(clock_mono(clock_system()), TEST_WAIT_US);

	for (;;) {
		enum err rc = look(call, id, ret, ei);

		if (rc || *ret >= 0)
			return rc;
		if (!mono_before(clock_mono(clock_system()), until))
			return err_set(ei, ERR_TIMEOUT,
				       "the node did not say what became of "
				       "the test; `tgfleet account route %s` "
				       "shows it when it does",
				       call->args[0]);
		usleep(TEST_POLL_US);
	}
}

int account_route_test(const struct verbs_call *call)
{
	struct err_info ei = { .msg = "out of memory" };
	char id[64];
	int passed = 0;
	enum err rc = resolve(call, &ei);

	if (!rc)
		rc = begin(call, id, &ei);
	if (!rc)
		rc = await(call, id, &passed, &ei);
	if (rc)
		return cli_fail("account", CLI_FAILED, &ei);
	return passed ? CLI_OK : CLI_FAILED;
}
