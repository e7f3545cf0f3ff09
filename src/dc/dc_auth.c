/* SPDX-License-Identifier: MIT */
/*
 * Signing in.  As on Telegram's test servers: the number 99966XYYYY gets the
 * code XXXXX and lives in DC X (if there is one).  Unlike there, the first
 * sign-in of a number creates its user.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dc/dc_int.h"

#define TEST_PREFIX "99966"
#define TEST_LEN 10
#define EXPORTS_MAX 10000U
#define EXPORT_TTL_SEC 300

/* Digits of a test number at *ret (TEST_LEN + 1 bytes). */
static enum err test_number(struct dc_call *call, char *ret)
{
	struct tl_bytes in = dyn_bytes(call->fn, TLF_phone_number);
	size_t i, n = 0;

	for (i = 0; i < in.len && n <= TEST_LEN; i++) {
		char c = (char)in.data[i];

		if (c >= '0' && c <= '9' && n < TEST_LEN)
			ret[n++] = c;
		else if (c != '+' && c != ' ' && c != '-')
			n = TEST_LEN + 1;
	}
	if (n != TEST_LEN ||
	    strncmp(ret, TEST_PREFIX, strlen(TEST_PREFIX)) != 0)
		return dc_call_fail(call, 400, "PHONE_NUMBER_INVALID");
	ret[n] = '\0';
	return ERR_OK;
}

int dc_auth_home(const struct dc *dc, const char *phone)
{
	const struct world_user *u = world_user_by_phone(&dc->world, phone);
	int x = phone[strlen(TEST_PREFIX)] - '0';

	if (u && u->home_dc)
		return u->home_dc;
	return x >= 1 && x <= dc->n_nodes ? x : 0;
}

static enum err check_home(struct dc_call *call, const char *phone)
{
	const struct world_user *u =
		world_user_by_phone(&call->dc->world, phone);
	int home = dc_auth_home(call->dc, phone);

	if (u && dc_rules_state(call->dc, u->id) == DC_STATE_BANNED)
		return dc_call_fail(call, 400, "PHONE_NUMBER_BANNED");

	if (home && home != call->conn->node->id)
		return dc_call_fail(call, 303, "PHONE_MIGRATE_%d", home);
	return ERR_OK;
}

static enum err code_new(struct dc_call *call, const char *phone,
			 struct dc_code **ret)
{
	int64_t key = world_phone_key(phone);
	struct dc_code *c = imap_get(&call->dc->codes, key);
	uint8_t random[9];
	enum err rc;

	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return ERR_NOMEM;
		rc = imap_put(&call->dc->codes, key, c);
		if (rc) {
			free(c);
			return rc;
		}
	}
	c->sent = 0;
	rnd_fill(rnd_system(), random, sizeof(random));
	text_hex(c->hash, random, sizeof(random));
	*ret = c;
	return ERR_OK;
}

/* First to the app, then by SMS, then by a call; then there is no other way. */
static enum err sent_code(struct dc_call *call, struct dc_code *code)
{
	static const struct {
		uint16_t type, next;
	} ways[] = {
		{ TLN_auth_sentCodeTypeApp, TLN_auth_codeTypeSms },
		{ TLN_auth_sentCodeTypeSms, TLN_auth_codeTypeCall },
		{ TLN_auth_sentCodeTypeCall, TLN_NONE },
	};
	struct dyn *d = dyn_new(call->arena, TLN_auth_sentCode);
	struct dyn *type;
	int way = code->sent;

	if (way >= (int)ARRAY_LEN(ways))
		return dc_call_fail(call, 406, "SEND_CODE_UNAVAILABLE");
	code->sent++;
	type = dyn_new(call->arena, ways[way].type);
	dyn_set_int(type, TLF_length, 5);
	dyn_set_obj(d, TLF_type, type);
	dyn_set_str(d, TLF_phone_code_hash, code->hash);
	if (ways[way].next != TLN_NONE) {
		dyn_set_obj(d, TLF_next_type,
			    dyn_new(call->arena, ways[way].next));
		dyn_set_int(d, TLF_timeout, 60);
	}
	dc_call_obj(call, d);
	return ERR_OK;
}

enum err dc_auth_send_code(struct dc_call *call, struct err_info *ei)
{
	char phone[TEST_LEN + 1];
	struct dc_code *code;
	enum err rc;

	(void)ei;
	if (dyn_int(call->fn, TLF_api_id, 0) <= 0 ||
	    !dyn_bytes(call->fn, TLF_api_hash).len)
		return dc_call_fail(call, 400, "API_ID_INVALID");
	rc = test_number(call, phone);
	if (!rc)
		rc = check_home(call, phone);
	if (!rc)
		rc = code_new(call, phone, &code);
	return rc ? rc : sent_code(call, code);
}

static enum err code_find(struct dc_call *call, const char *phone,
			  struct dc_code **ret)
{
	struct tl_bytes hash = dyn_bytes(call->fn, TLF_phone_code_hash);
	struct dc_code *c = imap_get(&call->dc->codes, world_phone_key(phone));

	if (!hash.len)
		return dc_call_fail(call, 400, "PHONE_CODE_HASH_EMPTY");
	if (!c || hash.len != strlen(c->hash) ||
	    memcmp(hash.data, c->hash, hash.len) != 0)
		return dc_call_fail(call, 400, "PHONE_CODE_EXPIRED");
	*ret = c;
	return ERR_OK;
}

enum err dc_auth_resend_code(struct dc_call *call, struct err_info *ei)
{
	char phone[TEST_LEN + 1];
	struct dc_code *code;
	enum err rc;

	(void)ei;
	rc = test_number(call, phone);
	if (!rc)
		rc = code_find(call, phone, &code);
	return rc ? rc : sent_code(call, code);
}

static void code_drop(struct dc_call *call, const char *phone)
{
	free(imap_remove(&call->dc->codes, world_phone_key(phone)));
}

enum err dc_auth_cancel_code(struct dc_call *call, struct err_info *ei)
{
	char phone[TEST_LEN + 1];
	struct dc_code *code;
	enum err rc;

	(void)ei;
	rc = test_number(call, phone);
	if (!rc)
		rc = code_find(call, phone, &code);
	if (rc)
		return rc;
	code_drop(call, phone);
	dc_call_bool(call, true);
	return ERR_OK;
}

static enum err check_code(struct dc_call *call, const char *phone)
{
	struct tl_bytes given = dyn_bytes(call->fn, TLF_phone_code);
	size_t i;

	if (!given.len)
		return dc_call_fail(call, 400, "PHONE_CODE_EMPTY");
	if (given.len != 5)
		return dc_call_fail(call, 400, "PHONE_CODE_INVALID");
	for (i = 0; i < given.len; i++) {
		if ((char)given.data[i] != phone[strlen(TEST_PREFIX)])
			return dc_call_fail(call, 400, "PHONE_CODE_INVALID");
	}
	return ERR_OK;
}

static enum err find_or_create(struct dc_call *call, const char *phone,
			       struct world_user **ret)
{
	char name[WORLD_NAME_MAX];
	struct world_new_user n = {
		.phone = phone,
		.first = name,
		.home_dc = call->conn->node->id,
	};

	*ret = world_user_by_phone(&call->dc->world, phone);
	if (*ret)
		return ERR_OK;
	snprintf(name, sizeof(name), "Test %s", phone + strlen(TEST_PREFIX));
	return world_add_user(&call->dc->world, &n, ret);
}

void dc_auth_authorise(struct dc_call *call, struct world_user *u)
{
	struct dyn *d = dyn_new(call->arena, TLN_auth_authorization);

	dc_password_forget(call->key);
	call->key->user_id = u->id;
	call->key->state = DC_KEY_LIVE;
	call->key->active = call->now;
	dc_key_save(call->dc, call->key);
	dyn_set_obj(d, TLF_user,
		    dc_objects_user(call->arena, &call->dc->world, u->id, u));
	dc_call_obj(call, d);
}

enum err dc_auth_sign_in(struct dc_call *call, struct err_info *ei)
{
	char phone[TEST_LEN + 1];
	struct world_user *u;
	struct dc_code *code;
	enum err rc;

	(void)ei;
	rc = test_number(call, phone);
	if (!rc)
		rc = check_home(call, phone);
	if (!rc)
		rc = code_find(call, phone, &code);
	if (!rc)
		rc = check_code(call, phone);
	if (!rc)
		rc = find_or_create(call, phone, &u);
	if (rc)
		return rc;
	code_drop(call, phone);
	if (u->password)
		return dc_password_need(call, u);
	dc_auth_authorise(call, u);
	return ERR_OK;
}

enum err dc_auth_log_out(struct dc_call *call, struct err_info *ei)
{
	struct dc_sess *s;

	(void)ei;
	for (s = call->key->sessions; s; s = s->next)
		dc_key_offline(s);
	call->key->user_id = 0;
	call->key->main_link = 0;
	dc_key_save(call->dc, call->key);
	if (schema_by_name(call->schema, TLN_auth_loggedOut))
		dc_call_obj(call, dyn_new(call->arena, TLN_auth_loggedOut));
	else
		dc_call_bool(call, true);
	return ERR_OK;
}

/* ---- the same user on another DC's key */

enum err dc_auth_export(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_auth_exportedAuthorization);
	struct dc_export *e;
	enum err rc;

	(void)ei;
	if (!dc_node(call->dc, (int)dyn_int(call->fn, TLF_dc_id, 0)))
		return dc_call_fail(call, 400, "DC_ID_INVALID");
	if (call->dc->exports.len >= EXPORTS_MAX)
		return dc_call_fail(call, 500, "AUTH_EXPORT_FAILED");
	e = calloc(1, sizeof(*e));
	if (!e)
		return ERR_NOMEM;
	e->id = (int64_t)(rnd_u64(rnd_system()) >> 1);
	e->user_id = call->user->id;
	e->until = call->now + EXPORT_TTL_SEC;
	rnd_fill(rnd_system(), e->bytes, sizeof(e->bytes));
	rc = imap_put(&call->dc->exports, e->id, e);
	if (rc) {
		free(e);
		return rc;
	}
	dyn_set_int(d, TLF_id, e->id);
	dyn_set_bytes(d, TLF_bytes, e->bytes, sizeof(e->bytes));
	dc_call_obj(call, d);
	return ERR_OK;
}

enum err dc_auth_import(struct dc_call *call, struct err_info *ei)
{
	struct tl_bytes given = dyn_bytes(call->fn, TLF_bytes);
	int64_t id = dyn_int(call->fn, TLF_id, 0);
	struct dc_export *e = imap_get(&call->dc->exports, id);
	struct world_user *u = NULL;

	(void)ei;
	if (e && e->until >= call->now && given.len == sizeof(e->bytes) &&
	    !memcmp(given.data, e->bytes, given.len))
		u = world_user(&call->dc->world, e->user_id);
	if (!u)
		return dc_call_fail(call, 400, "AUTH_BYTES_INVALID");
	free(imap_remove(&call->dc->exports, id));
	dc_auth_authorise(call, u);
	return ERR_OK;
}
