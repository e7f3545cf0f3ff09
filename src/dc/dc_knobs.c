/* SPDX-License-Identifier: MIT */
/*
 * Settings of the running data centre, kept in its state file.
 *
 *	POST /settings {"random_id": "answer", "file_reference_sec": 60}
 */
#include <string.h>

#include "dc/dc_int.h"
#include "http/http_req.h"

#define BODY_MAX 4096
#define META "knobs"

static const char *const repeats[] = { [DC_REPEAT_MIXED] = "mixed",
				       [DC_REPEAT_ANSWER] = "answer",
				       [DC_REPEAT_ERROR] = "error" };

enum err dc_knobs_load(struct dc *dc, struct err_info *ei)
{
	struct dc_knobs k;
	size_t len;
	enum err rc;

	dc->knobs = (struct dc_knobs){ .callback_ms = 10000 };
	rc = dc_store_get_meta(dc->store, META, &k, sizeof(k), &len, ei);
	if (!rc && len == sizeof(k) && k.repeat >= 0 &&
	    k.repeat < (int64_t)ARRAY_LEN(repeats))
		dc->knobs = k;
	return rc;
}

static enum err read_repeat(struct json body, struct dc_knobs *k,
			    struct err_info *ei)
{
	const char *text = repeats[k->repeat];
	enum err rc = json_want_str(body, "random_id", 16, &text, ei);
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < ARRAY_LEN(repeats); i++) {
		if (strcmp(repeats[i], text) != 0)
			continue;
		k->repeat = (int64_t)i;
		return ERR_OK;
	}
	return err_set(ei, ERR_INVALID,
		       "random_id: mixed, answer or error, not \"%s\"", text);
}

static enum err post_settings(struct http_req *req, void *ctx,
			      struct err_info *ei)
{
	struct dc *dc = ctx;
	struct dc_knobs k = dc->knobs;
	struct json body;
	enum err rc;

	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = read_repeat(body, &k, ei);
	if (!rc)
		rc = json_want_int(body, "callback_timeout_ms", 1, 600000,
				   &k.callback_ms, ei);
	if (!rc)
		rc = json_want_int(body, "file_reference_sec", 0, INT32_MAX,
				   &k.file_ref_sec, ei);
	if (rc)
		return rc;
	dc->knobs = k;
	dc->world.file_stamp = 0;
	dc_store_put_meta(dc->store, META, &k, sizeof(k));
	return dc_admin_ok(req);
}

enum err dc_knobs_routes(struct dc *dc, struct err_info *ei)
{
	static const struct router_row rows[] = {
		{ "POST", "/settings", 0, 0, BODY_MAX, post_settings,
		  "Change what the data centre does" },
	};

	return router_add(&dc->router, rows, ARRAY_LEN(rows), ei);
}
