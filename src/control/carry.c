/* SPDX-License-Identifier: MIT */
#include "control/carry.h"

#include <string.h>

enum err carry_position_text(const struct wire_account *acc, struct arena *a,
			     const char **ret)
{
	struct buf b;
	enum err rc;

	/* without a lease nobody may say where the account is */
	if (!acc->has_position || !acc->epoch ||
	    acc->position.epoch > acc->epoch)
		return ERR_OK;
	buf_init(&b, STORE_POSITION_MAX);
	rc = wire_position_encode(&acc->position, &b);
	if (!rc)
		*ret = arena_str(a, buf_head(&b), buf_len(&b));
	buf_deinit(&b);
	return rc || *ret ? rc : ERR_NOMEM;
}

/* Kept as it will be shown, but for what is left of each. */
enum err carry_limits_text(const struct wire_account *acc, struct arena *a,
			   const char **ret)
{
	struct jsonw w;
	struct buf b;
	enum err rc;

	if (!acc->nlimits)
		return ERR_OK;
	control_body_init(&b, &w);
	jsonw_array(&w, NULL);
	for (size_t i = 0; i < acc->nlimits; i++) {
		const struct wire_limit *l = &acc->limits[i];

		jsonw_object(&w, NULL);
		jsonw_str(&w, "method", l->method);
		jsonw_int(&w, "peer", l->peer);
		jsonw_int(&w, "until_us", l->until.us);
		jsonw_str(&w, "error", l->error);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	rc = jsonw_end(&w);
	if (!rc)
		*ret = arena_str(a, buf_head(&b), buf_len(&b));
	buf_deinit(&b);
	return rc || *ret ? rc : ERR_NOMEM;
}

static const char *text_of(struct json v, struct arena *a)
{
	const char *s = json_str(v, "");

	return arena_str(a, s, strlen(s));
}

static enum err limits_from(struct json list, struct wall now, struct arena *a,
			    struct wire_lease *l)
{
	struct json_iter it = json_iter(list);
	struct wire_limit *out =
		arena_array(a, WIRE_LIMITS_MAX, sizeof(struct wire_limit));

	if (!out)
		return ERR_NOMEM;
	l->limits = out;
	while (l->nlimits < WIRE_LIMITS_MAX && json_next(&it)) {
		struct wire_limit *to = &out[l->nlimits];

		to->until.us = json_int(json_get(it.val, "until_us"), 0);
		if (to->until.us <= now.us)
			continue;
		to->peer = json_int(json_get(it.val, "peer"), 0);
		to->method = text_of(json_get(it.val, "method"), a);
		to->error = text_of(json_get(it.val, "error"), a);
		if (!to->method || !to->error)
			return ERR_NOMEM;
		l->nlimits++;
	}
	return ERR_OK;
}

static enum err add_limits(const struct store_account *acc, struct wall now,
			   struct arena *a, struct wire_lease *l,
			   struct err_info *ei)
{
	struct json_doc doc;
	enum err rc;

	if (!acc->limits)
		return ERR_OK;
	rc = json_parse(&doc, acc->limits, strlen(acc->limits),
			STORE_LIMITS_MAX, ei);
	if (rc)
		return rc;
	rc = limits_from(json_root(&doc), now, a, l);
	json_free(&doc);
	return rc;
}

enum err carry_add(struct control *c, struct arena *a, struct wire_lease *l,
		   struct err_info *ei)
{
	struct store_account acc;
	enum err rc;

	rc = c->store->ops->account_get(c->store, l->account_id, a, &acc, ei);
	if (!rc)
		rc = add_limits(&acc, control_wall(c), a, l, ei);
	if (rc || !acc.position)
		return rc;
	rc = wire_position_decode(acc.position, strlen(acc.position), a,
				  &l->position, ei);
	l->has_position = !rc;
	return rc ? err_wrap(ei, rc, "position of account %s", l->account_id)
		  : ERR_OK;
}
