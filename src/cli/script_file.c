/* SPDX-License-Identifier: MIT */
#include "cli/script_file.h"

#include <stdio.h>

#include "cli/slurp.h"

#define SCRIPTS "/group-ai/scripts"
#define FILE_MAX (2U << 20) /* the server says which size is too much */
#define PATH_MAX_BYTES 8192U
#define BODY_MAX 131072U

static const struct table_column note_columns[] = {
	{ "", "severity" },
	{ "LINE", "line" },
	{ "COLUMN", "column" },
	{ "MESSAGE", "message" },
};

static const struct table_column result_columns[] = {
	{ "NODE", "node_id" },
	{ "STATUS", "status" },
	{ "COMMAND", "command_id" },
	{ "MESSAGE", "message" },
};

static const struct verbs_verb show_one = { .name = "show" };

static const struct verbs_verb show_notes = {
	.items = "notes",
	.columns = note_columns,
	.ncolumns = ARRAY_LEN(note_columns),
};

static const struct verbs_verb show_results = {
	.items = "results",
	.columns = result_columns,
	.ncolumns = ARRAY_LEN(result_columns),
};

/* Sends a file; the script's path, or the end of one. */
static enum err send_file(const struct verbs_call *call, const char *method,
			  const char *script, const char *file,
			  struct json_doc *ret, struct err_info *ei)
{
	struct remote_call rc_call = { .method = method,
				       .content_type = "application/yaml" };
	struct buf path, text;
	enum err rc;

	buf_init(&path, PATH_MAX_BYTES);
	buf_init(&text, FILE_MAX);
	rc = slurp_file(file, &text, ei);
	if (!rc)
		rc = buf_append_str(&path, SCRIPTS);
	if (!rc && script)
		rc = remote_segment(&path, script);
	if (!rc)
		rc = remote_query(&path, "note", call->opt->note);
	if (!rc)
		rc = remote_query(&path, "encoding", call->opt->encoding);
	if (!rc && !script)
		rc = remote_query(&path, "script_id", call->opt->name);
	rc_call.path = buf_cstr(&path);
	rc_call.body = buf_head(&text);
	rc_call.body_len = buf_len(&text);
	if (!rc)
		rc = remote_do(&call->opt->remote, &rc_call, ret, ei);
	buf_deinit(&text);
	buf_deinit(&path);
	return rc;
}

static int store(const struct verbs_call *call, const char *method,
		 const char *script, const char *file)
{
	struct err_info ei = { .msg = "out of memory" };
	struct json_doc doc;
	int64_t version;

	if (send_file(call, method, script, file, &doc, &ei))
		return cli_fail("script", CLI_FAILED, &ei);
	version = json_int(json_get(json_root(&doc), "version"), 0);
	if (call->opt->remote.json)
		(void)!verbs_show(&show_one, &call->opt->remote,
				  json_root(&doc));
	else
		printf("%s version %lld\n",
		       json_str(json_get(json_root(&doc), "script_id"), ""),
		       (long long)version);
	json_free(&doc);
	return CLI_OK;
}

int script_file_create(const struct verbs_call *call)
{
	return store(call, "POST", NULL, call->args[0]);
}

int script_file_edit(const struct verbs_call *call)
{
	return store(call, "PUT", call->args[0], call->args[1]);
}

int script_file_validate(const struct verbs_call *call)
{
	struct err_info ei = { .msg = "out of memory" };
	struct json_doc doc;
	bool valid;
	enum err rc;

	if (send_file(call, "POST", "validate", call->args[0], &doc, &ei))
		return cli_fail("script", CLI_FAILED, &ei);
	valid = json_bool(json_get(json_root(&doc), "valid"), false);
	rc = verbs_show(&show_notes, &call->opt->remote, json_root(&doc));
	json_free(&doc);
	if (!rc && valid && !call->opt->remote.json)
		puts("valid");
	return !rc && valid ? CLI_OK : CLI_FAILED;
}

int script_file_download(const struct verbs_call *call)
{
	struct remote_call rc_call = { .method = "GET" };
	struct err_info ei = { .msg = "out of memory" };
	struct json content;
	struct json_doc doc;
	struct buf path;
	enum err rc;

	buf_init(&path, PATH_MAX_BYTES);
	rc = buf_append_str(&path, SCRIPTS);
	if (!rc)
		rc = remote_segment(&path, call->args[0]);
	rc_call.path = buf_cstr(&path);
	if (!rc)
		rc = remote_do(&call->opt->remote, &rc_call, &doc, &ei);
	buf_deinit(&path);
	if (rc)
		return cli_fail("script", CLI_FAILED, &ei);
	content = json_get(json_root(&doc), "content");
	fwrite(json_str(content, ""), 1, json_strlen(content), stdout);
	json_free(&doc);
	return CLI_OK;
}

static enum err deploy_body(const struct verbs_call *call, struct buf *body)
{
	struct jsonw w;

	jsonw_init(&w, body);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "script_id", call->args[0]);
	jsonw_bool(&w, "force_update", call->opt->force);
	jsonw_array(&w, "node_ids");
	for (size_t i = 1; i < call->nargs; i++)
		jsonw_str(&w, NULL, call->args[i]);
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	return jsonw_end(&w);
}

int script_file_deploy(const struct verbs_call *call)
{
	struct remote_call rc_call = { .method = "POST",
				       .path = SCRIPTS "/deploy" };
	struct err_info ei = { .msg = "out of memory" };
	struct json_doc doc;
	struct buf body;
	bool all;
	enum err rc;

	buf_init(&body, BODY_MAX);
	rc = deploy_body(call, &body);
	rc_call.body = buf_head(&body);
	rc_call.body_len = buf_len(&body);
	if (!rc)
		rc = remote_do(&call->opt->remote, &rc_call, &doc, &ei);
	buf_deinit(&body);
	if (rc)
		return cli_fail("script", CLI_FAILED, &ei);
	all = json_bool(json_get(json_root(&doc), "success"), false);
	rc = verbs_show(&show_results, &call->opt->remote, json_root(&doc));
	json_free(&doc);
	return !rc && all ? CLI_OK : CLI_FAILED;
}
