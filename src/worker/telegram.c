/* SPDX-License-Identifier: MIT */
#include "worker/telegram.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/files.h"
#include "base/json.h"
#include "crypto/rsa.h"

#define TELEGRAM_FILE_MAX 65536

static enum err parse_dc(struct json v, struct telegram_dc *dc,
			 struct err_info *ei)
{
	const char *address;
	int64_t id, port;
	enum err rc;

	rc = json_need_int(v, "id", 1, 1000, &id, ei);
	if (!rc)
		rc = json_need_int(v, "port", 1, 65535, &port, ei);
	if (!rc)
		rc = json_need_str(v, "address", ADDR_HOST_MAX - 1, &address,
				   ei);
	if (!rc)
		rc = json_want_bool(v, "media", &dc->media, ei);
	if (rc)
		return err_wrap(ei, rc, "dcs");
	dc->id = (int)id;
	dc->at.port = (uint16_t)port;
	snprintf(dc->at.host, sizeof(dc->at.host), "%s", address);
	return ERR_OK;
}

static enum err parse_dcs(struct telegram *t, struct json dcs,
			  struct err_info *ei)
{
	struct json_iter it = json_iter(dcs);

	while (json_next(&it)) {
		enum err rc;

		if (t->ndcs >= TELEGRAM_DCS_MAX)
			return err_set(ei, ERR_INVALID,
				       "dcs: more than %d data centres",
				       TELEGRAM_DCS_MAX);
		rc = parse_dc(it.val, &t->dcs[t->ndcs], ei);
		if (rc)
			return rc;
		t->ndcs++;
	}
	if (!t->ndcs)
		return err_set(ei, ERR_INVALID, "dcs: no data centre given");
	return ERR_OK;
}

static enum err parse_keys(struct telegram *t, struct json keys,
			   struct err_info *ei)
{
	struct json_iter it = json_iter(keys);

	while (json_next(&it)) {
		enum err rc;

		if (t->nkeys >= TELEGRAM_KEYS_MAX)
			return err_set(ei, ERR_INVALID, "keys: more than %d",
				       TELEGRAM_KEYS_MAX);
		rc = rsa_public_parse(json_str(it.val, ""), json_strlen(it.val),
				      &t->owned[t->nkeys], ei);
		if (rc)
			return err_wrap(ei, rc, "keys");
		t->keys[t->nkeys] = t->owned[t->nkeys];
		t->nkeys++;
	}
	return ERR_OK;
}

static enum err parse_root(struct telegram *t, struct json root,
			   struct err_info *ei)
{
	struct utsname u;
	struct engine_app app = { .device_model = "tgfleet node",
				  .app_version = TGFLEET_VERSION };
	int64_t api_id;
	enum err rc;

	rc = json_need_int(root, "api_id", 1, INT32_MAX, &api_id, ei);
	if (!rc)
		rc = json_want_bool(root, "test_mode", &t->test_mode, ei);
	if (!rc)
		rc = parse_dcs(t, json_get(root, "dcs"), ei);
	if (!rc)
		rc = parse_keys(t, json_get(root, "keys"), ei);
	if (rc)
		return rc;
	/* what we are, and nothing else */
	app.api_id = (int32_t)api_id;
	app.system_version = uname(&u) ? "Linux" : u.sysname;
	return engine_env_init(&t->env, &app, ei);
}

enum err telegram_parse(struct telegram *t, const char *text, size_t len,
			struct err_info *ei)
{
	struct json_doc doc;
	enum err rc;

	*t = (struct telegram){ .transport = {
					.kind = TRANSPORT_INTERMEDIATE } };
	rc = json_parse(&doc, text, len, TELEGRAM_FILE_MAX, ei);
	if (rc)
		return rc;
	rc = parse_root(t, json_root(&doc), ei);
	json_free(&doc);
	t->env.test_mode = t->test_mode;
	if (rc)
		telegram_deinit(t);
	return rc;
}

void telegram_deinit(struct telegram *t)
{
	for (size_t i = 0; i < t->nkeys; i++)
		rsa_free(t->owned[i]);
	t->nkeys = 0;
	t->env.key_count = 0;
}

enum err telegram_use_pfs(struct telegram *t, struct err_info *ei)
{
	if (!t->nkeys)
		return err_set(ei, ERR_INVALID,
			       "the telegram file has no \"keys\": temporary "
			       "keys need the data centres' RSA public keys; "
			       "add them, or say --pfs=no");
	t->env.keys = t->keys;
	t->env.key_count = t->nkeys;
	return ERR_OK;
}

enum err telegram_load(struct telegram *t, const char *path,
		       struct err_info *ei)
{
	struct buf text;
	enum err rc;

	buf_init(&text, TELEGRAM_FILE_MAX);
	rc = files_read(path, &text, ei);
	if (!rc)
		rc = telegram_parse(t, (const char *)buf_head(&text),
				    buf_len(&text), ei);
	if (rc)
		rc = err_wrap(ei, rc, "telegram file %s", path);
	buf_deinit(&text);
	return rc;
}

static const struct addr_host *find(const struct telegram *t, int dc_id,
				    bool media)
{
	for (size_t i = 0; i < t->ndcs; i++)
		if (t->dcs[i].id == dc_id && t->dcs[i].media == media)
			return &t->dcs[i].at;
	return NULL;
}

const struct addr_host *telegram_find(const struct telegram *t, int dc_id)
{
	return find(t, dc_id, false);
}

const struct addr_host *telegram_find_media(const struct telegram *t, int dc_id,
					    bool *ret_media)
{
	const struct addr_host *at = find(t, dc_id, true);

	if (ret_media)
		*ret_media = at != NULL;
	return at ? at : find(t, dc_id, false);
}
