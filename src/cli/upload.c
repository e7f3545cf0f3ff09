/* SPDX-License-Identifier: MIT */
#include "cli/upload.h"

#include <stdio.h>
#include <string.h>

#include "base/rnd.h"
#include "base/text.h"
#include "cli/slurp.h"

#define BODY_MAX (SLURP_MAX_BYTES + (1UL << 16))

static const struct table_column columns[] = {
	{ "FILE", "filename" },
	{ "STORED", "success" },
	{ "ACCOUNT", "account_id" },
	{ "REASON", "error.message" },
};

static const struct verbs_verb upload_verb = {
	.name = "upload",
	.items = "results",
	.columns = columns,
	.ncolumns = ARRAY_LEN(columns),
};

static enum err put_field(struct buf *body, const char *boundary,
			  const char *name, const char *value)
{
	return buf_printf(body,
			  "--%s\r\nContent-Disposition: form-data; "
			  "name=\"%s\"\r\n\r\n%s\r\n",
			  boundary, name, value);
}

/* A quote or a line break in a name would end the header. */
static void safe_name(const char *path, char *dst, size_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(dst, size, "%s", slash ? slash + 1 : path);
	for (char *p = dst; *p; p++)
		if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ')
			*p = '_';
}

static enum err put_file(struct buf *body, const char *boundary,
			 const char *path, struct err_info *ei)
{
	char name[256];
	struct buf data;
	enum err rc;

	safe_name(path, name, sizeof(name));
	buf_init(&data, SLURP_MAX_BYTES);
	rc = slurp_file(path, &data, ei);
	if (!rc)
		rc = buf_printf(body,
				"--%s\r\nContent-Disposition: form-data; "
				"name=\"file\"; filename=\"%s\"\r\n"
				"Content-Type: application/octet-stream"
				"\r\n\r\n",
				boundary, name);
	if (!rc)
		rc = buf_append(body, buf_head(&data), buf_len(&data));
	if (!rc)
		rc = buf_append_str(body, "\r\n");
	buf_wipe(&data);
	return rc;
}

static enum err build(const struct verbs_call *call, const char *boundary,
		      struct buf *body, struct err_info *ei)
{
	enum err rc;

	rc = put_field(body, boundary, "attested", "true");
	if (!rc && call->opt->name)
		rc = put_field(body, boundary, "account_id", call->opt->name);
	if (!rc && call->opt->node)
		rc = put_field(body, boundary, "node_id", call->opt->node);
	for (size_t i = 0; i < call->nargs && !rc; i++)
		rc = put_file(body, boundary, call->args[i], ei);
	return rc ? rc : buf_printf(body, "--%s--\r\n", boundary);
}

static bool all_stored(struct json answer)
{
	struct json_iter it = json_iter(json_get(answer, "results"));

	while (json_next(&it))
		if (!json_bool(json_get(it.val, "success"), false))
			return false;
	return true;
}

static enum err send_files(const struct verbs_call *call, bool *ret_all,
			   struct err_info *ei)
{
	char boundary[40], type[96];
	uint8_t random[16];
	struct remote_call rcall = { .method = "POST",
				     .path = "/group-ai/accounts/"
					     "upload-session",
				     .content_type = type,
				     .results = true };
	struct json_doc doc;
	struct buf body;
	enum err rc;

	rnd_fill(rnd_system(), random, sizeof(random));
	text_hex(boundary, random, sizeof(random));
	snprintf(type, sizeof(type), "multipart/form-data; boundary=%s",
		 boundary);
	buf_init(&body, BODY_MAX);
	rc = build(call, boundary, &body, ei);
	rcall.body = buf_head(&body);
	rcall.body_len = buf_len(&body);
	if (!rc)
		rc = remote_do(&call->opt->remote, &rcall, &doc, ei);
	buf_wipe(&body);
	if (rc)
		return rc;
	*ret_all = all_stored(json_root(&doc));
	rc = verbs_show(&upload_verb, &call->opt->remote, json_root(&doc));
	json_free(&doc);
	return rc;
}

int upload_sessions(const struct verbs_call *call)
{
	struct verbs_options *opt =
		(struct verbs_options *)(uintptr_t)call->opt;
	struct err_info ei = { .msg = "out of memory" };
	bool all = false;
	enum err rc;

	if (!opt->attested) {
		(void)err_set(&ei, ERR_USAGE,
			      "say --attested: you state that these accounts "
			      "are yours or that you may run them (it is "
			      "recorded)");
		return cli_fail("account", CLI_USAGE, &ei);
	}
	rc = remote_resolve(&opt->remote, &ei);
	if (!rc)
		rc = send_files(call, &all, &ei);
	if (rc)
		return cli_fail("account", CLI_FAILED, &ei);
	return all ? CLI_OK : CLI_FAILED;
}
