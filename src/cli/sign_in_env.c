/* SPDX-License-Identifier: MIT */
#include "cli/sign_in_env.h"

#include <string.h>

#include "base/files.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"

#define FILE_MAX 65536U

void sign_in_env_free(struct sign_in_env *e)
{
	for (size_t i = 0; i < e->nkeys; i++)
		rsa_free(e->owned[i]);
	secret_wipe(e->api_hash, sizeof(e->api_hash));
	*e = (struct sign_in_env){ 0 };
}

static enum err take_keys(struct sign_in_env *e, struct json list,
			  struct err_info *ei)
{
	struct json_iter it = json_iter(list);

	while (json_next(&it)) {
		enum err rc;

		if (e->nkeys >= SIGN_IN_KEYS_MAX)
			return err_set(ei, ERR_INVALID, "keys: more than %d",
				       SIGN_IN_KEYS_MAX);
		rc = rsa_public_parse(json_str(it.val, ""), json_strlen(it.val),
				      &e->owned[e->nkeys], ei);
		if (rc)
			return err_wrap(ei, rc, "keys");
		e->keys[e->nkeys] = e->owned[e->nkeys];
		e->nkeys++;
	}
	if (!e->nkeys)
		return err_set(ei, ERR_INVALID,
			       "keys: the data centres' RSA public keys are "
			       "needed to sign in");
	return ERR_OK;
}

static enum err take(struct sign_in_env *e, struct json root,
		     struct err_info *ei)
{
	const char *hash;
	int64_t api_id;
	enum err rc;

	rc = json_need_int(root, "api_id", 1, INT32_MAX, &api_id, ei);
	if (!rc)
		rc = json_need_str(root, "api_hash", sizeof(e->api_hash) - 1,
				   &hash, ei);
	if (rc)
		return rc;
	e->api_id = (int32_t)api_id;
	(void)text_copy(e->api_hash, sizeof(e->api_hash), hash);
	return take_keys(e, json_get(root, "keys"), ei);
}

static enum err parse(struct sign_in_env *e, const struct buf *text,
		      struct err_info *ei)
{
	struct json_doc doc;
	enum err rc;

	rc = telegram_parse(&e->telegram, (const char *)buf_head(text),
			    buf_len(text), ei);
	if (rc)
		return rc;
	rc = json_parse(&doc, buf_head(text), buf_len(text), FILE_MAX, ei);
	if (rc)
		return rc;
	rc = take(e, json_root(&doc), ei);
	json_free(&doc);
	return rc;
}

enum err sign_in_env_load(struct sign_in_env *e, const char *path,
			  struct err_info *ei)
{
	struct buf text;
	enum err rc;

	*e = (struct sign_in_env){ 0 };
	buf_init(&text, FILE_MAX);
	rc = files_read(path, &text, ei);
	if (!rc)
		rc = parse(e, &text, ei);
	buf_wipe(&text);
	if (!rc)
		return ERR_OK;
	sign_in_env_free(e);
	return err_wrap(ei, rc, "telegram file %s", path);
}
