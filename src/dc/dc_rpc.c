/* SPDX-License-Identifier: MIT */
/*
 * One query: wrappers off, method found, who may call it, its handler, and the
 * answer written in the layer of the caller.
 *
 * AUTH_KEY_DUPLICATED: a key has at most one *main* connection, the one whose
 * session makes ordinary calls for a signed-in user.  A second session of the
 * key doing so while the first connection is still open and in use means that
 * the key is in use at two places.  The same session on a new connection is a
 * reconnect that overtook the end of the old one.  A first connection that was
 * silent for a while may be what is left of a machine that stopped or lost its
 * network: it is noted, and the key is in use at two places as soon as that
 * connection says anything at all; it is asked.
 */
#define DC_RPC_IMPLEMENTATION
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "dc/dc_int.h"
#include "mtproto/bytes.h"
#include "mtproto/gzip.h"
#include "mtproto/service.h"
#include "mtproto/tempbind.h"

#define WRAPPERS_MAX 8
#define GZIP_ABOVE 4096U
#define SILENCE_US INT64_C(2000000)

struct row {
	uint16_t name;
	unsigned int flags;
	dc_method_fn fn;
};

static const struct row rows[DC_METHOD_COUNT] = {
#define DC_METHOD(name, flags, handler) { TLN_##name, (flags), handler },
#include "dc/dc_methods.def"
#undef DC_METHOD
};

const char *dc_rpc_method_name(enum dc_method m)
{
	return schema_name_text(rows[m].name);
}

enum err dc_call_fail(struct dc_call *call, int code, const char *fmt, ...)
{
	va_list ap;

	call->error_code = code;
	va_start(ap, fmt);
	vsnprintf(call->error, sizeof(call->error), fmt, ap);
	va_end(ap);
	return ERR_RPC;
}

void dc_call_obj(struct dc_call *call, struct dyn *d)
{
	call->result = (struct dyn_val){ .kind = DYN_OBJ, .obj = d };
}

void dc_call_bool(struct dc_call *call, bool v)
{
	call->result = (struct dyn_val){ .kind = DYN_BOOL, .b = v };
}

static const struct row *find_row(uint16_t name)
{
	static uint16_t by_name[TLN_COUNT]; /* index + 1 */
	size_t i;

	if (!by_name[rows[0].name]) {
		for (i = 0; i < ARRAY_LEN(rows); i++)
			by_name[rows[i].name] = (uint16_t)(i + 1);
	}
	return by_name[name] ? &rows[by_name[name] - 1] : NULL;
}

/* ---- wrappers */

static void copy_field(char *dst, struct tl_bytes text)
{
	size_t len = text.len < DC_DEVICE_MAX ? text.len : DC_DEVICE_MAX;

	if (len)
		memcpy(dst, text.data, len);
	dst[len] = '\0';
}

static void init_connection(struct dc_call *call, const struct dyn *d)
{
	struct dc_key *key = call->key;

	copy_field(key->device, dyn_bytes(d, TLF_device_model));
	copy_field(key->app, dyn_bytes(d, TLF_app_version));
	key->api_id = dyn_int(d, TLF_api_id, 0);
	dc_key_save(call->dc, key);
}

/* Takes the wrappers off; the innermost object is the query. */
static enum err unwrap(struct dc_call *call, const struct dyn *d)
{
	int depth;

	for (depth = 0; depth < WRAPPERS_MAX && d; depth++) {
		switch (d->name) {
		case TLN_initConnection:
			init_connection(call, d);
			break;
		case TLN_invokeWithoutUpdates:
			call->without_updates = true;
			break;
		case TLN_invokeWithLayer:
		case TLN_invokeAfterMsg:
		case TLN_invokeAfterMsgs:
			break;
		default:
			call->fn = d;
			return ERR_OK;
		}
		d = dyn_obj(d, TLF_query);
	}
	return dc_call_fail(call, 400, "INPUT_METHOD_INVALID");
}

/* The layer is announced in the bytes it is needed for reading. */
static void learn_layer(struct dc *dc, struct dc_key *key, const uint8_t *body,
			size_t len)
{
	struct tl_reader r;
	int layer;

	cursor_read(&r, body, len);
	if (cursor_get_u32(&r) !=
	    schema_by_name(&schema_api_223, TLN_invokeWithLayer)->id)
		return;
	layer = cursor_get_i32(&r);
	if (!r.rc && layer > 0 && layer != key->layer) {
		key->layer = layer;
		dc_key_save(dc, key);
	}
}

/* auth.bindTempAuthKey comes before anything else, as it is. */
static bool is_bind(const uint8_t *body, size_t len)
{
	return len >= 4 && bytes_get_u32(body) == TEMPBIND_ID;
}

static enum err no_layer(struct dc_call *call)
{
	if (dc_pfs_unbound(call->key))
		return dc_call_fail(call, 401, "AUTH_KEY_PERM_EMPTY");
	return dc_call_fail(call, 400, "CONNECTION_NOT_INITED");
}

static enum err decode(struct dc_call *call, const uint8_t *body, size_t len)
{
	struct err_info ei = { 0 };
	struct tl_reader r;
	struct dyn *d;
	enum err rc;

	learn_layer(call->dc, call->key, body, len);
	if (!call->key->layer && !is_bind(body, len))
		return no_layer(call);
	if (call->key->layer)
		call->schema = schema_for_layer(call->key->layer);
	rc = dc_unpack_query(call, &body, &len, &ei);
	if (!rc) {
		cursor_read(&r, body, len);
		rc = dyn_read(&r, call->schema, call->arena, &d, &ei);
	}
	if (rc) {
		log_fail(LOG_WARN, LOGEV_DC_RPC, rc, &ei,
			 log_i64("layer", call->key->layer));
		return dc_call_fail(call, 400, "INPUT_METHOD_INVALID");
	}
	return unwrap(call, d);
}

/* ---- who may */

static void duplicated(struct dc *dc, struct dc_key *key)
{
	dc->counters.duplicates++;
	log_warn(LOGEV_DC, log_str("what", "auth key duplicated"),
		 log_i64("user", key->user_id));
	if (dc->o.duplicate_policy != DC_DUPLICATE_KILL)
		return;
	key->state = DC_KEY_DUPLICATED;
	dc_key_save(dc, key);
}

void dc_rpc_spoke(struct dc *dc, struct dc_key *key, struct dc_conn *c)
{
	if (key->main_link == c->link)
		key->main_spoke = loop_now(dc->loop);
	if (key->quiet_link != c->link)
		return;
	key->quiet_link = 0;
	duplicated(dc, key);
}

/* An update that a live client acknowledges, and so gives itself away. */
static void ask(struct dc *dc, struct dc_key *key)
{
	const struct schema_ctor *too_long =
		schema_by_name(&schema_api_223, TLN_updatesTooLong);
	struct dc_conn *c = imap_get(&dc->conns, (int64_t)key->main_link);

	key->quiet_link = key->main_link;
	if (c && c->sess &&
	    dc_session_push(dc, c->sess, &too_long->id, 4, true))
		log_warn(LOGEV_DC, log_str("what", "cannot ask a client"));
}

static enum err make_main(struct dc_call *call)
{
	struct dc_key *key = call->key;
	struct dc_conn *conn = call->conn;
	struct dc *dc = call->dc;
	struct mono now = loop_now(dc->loop);
	bool other = key->main_link && key->main_link != conn->link &&
		     link_alive(dc->loop, key->main_link) &&
		     key->main_session != (int64_t)call->sess->id;

	if (other && mono_diff(now, key->main_spoke) < SILENCE_US)
		duplicated(dc, key);
	else if (other)
		ask(dc, key);
	if (key->state == DC_KEY_DUPLICATED)
		return dc_call_fail(call, 406, "AUTH_KEY_DUPLICATED");
	key->main_link = conn->link;
	key->main_session = (int64_t)call->sess->id;
	key->main_spoke = now;
	return ERR_OK;
}

static enum err admit(struct dc_call *call, const struct row *row)
{
	struct dc_key *key = call->key;
	struct dc_account *a;
	enum err rc;

	if (dc_pfs_unbound(key) && row->fn != dc_pfs_bind)
		return dc_call_fail(call, 401, "AUTH_KEY_PERM_EMPTY");
	if (key->state == DC_KEY_DUPLICATED)
		return dc_call_fail(call, 406, "AUTH_KEY_DUPLICATED");
	call->user = world_user(&call->dc->world, key->user_id);
	if (!call->user && !(row->flags & DC_OPEN)) {
		call->dc->counters.revoked_calls +=
			key->state == DC_KEY_REVOKED;
		return dc_call_fail(call, 401, "%s",
				    key->state == DC_KEY_REVOKED
					    ? "SESSION_REVOKED"
					    : "AUTH_KEY_UNREGISTERED");
	}
	if (!call->user || row->flags & DC_QUIET)
		return ERR_OK;
	a = dc_key_account(call->dc, call->user->id);
	if (!a)
		return ERR_NOMEM;
	a->calls++;
	key->active = call->now;
	if (call->without_updates)
		return ERR_OK;
	rc = make_main(call);
	if (rc)
		return rc;
	if (!call->conn->counted) {
		call->conn->counted = true;
		key->connects++;
		a->connects++;
	}
	dc_key_online(call->dc, call->sess, call->user->id);
	return ERR_OK;
}

static enum err dispatch(struct dc_call *call, struct err_info *ei)
{
	const struct row *row = find_row(call->fn->name);
	enum err rc;

	if (!row) {
		call->dc->counters.calls_unknown++;
		log_warn(LOGEV_DC_RPC, log_str("what", "no such method here"),
			 log_str("method", schema_name_text(call->fn->name)));
		return dc_call_fail(call, 400, "METHOD_INVALID");
	}
	call->dc->counters.calls[row - rows]++;
	rc = admit(call, row);
	if (!rc)
		rc = dc_play_call(call);
	if (!rc && call->user)
		rc = dc_rules_check(call, row->flags);
	if (!rc && !call->later)
		rc = row->fn(call, ei);
	dc_calls_note(call, rc);
	return rc;
}

/* ---- the answer */

static enum err write_error(struct dc_call *call, struct tl_writer *w)
{
	call->dc->counters.rpc_errors++;
	cursor_put_u32(w, SERVICE_RPC_ERROR);
	cursor_put_i32(w, call->error_code);
	cursor_put_string(w, call->error);
	return w->rc;
}

/* Big answers travel packed, as they do from Telegram. */
static enum err write_result(struct dc_call *call, struct tl_writer *w,
			     struct err_info *ei)
{
	struct buf *packed = &call->dc->inflated;
	size_t head = buf_len(w->out), len;
	enum err rc;

	rc = dyn_write_result(w, call->schema, call->fn->name, &call->result,
			      ei);
	len = buf_len(w->out) - head;
	/* Files would only get bigger. */
	if (rc || len < GZIP_ABOVE || call->fn->name == TLN_upload_getFile)
		return rc;
	buf_reset(packed);
	rc = gzip_pack(buf_head(w->out) + head, len, packed);
	if (!rc && buf_len(packed) < len) {
		w->out->len -= len;
		cursor_put_raw(w, buf_head(packed), buf_len(packed));
		rc = w->rc;
	}
	return rc;
}

static enum err answer(struct dc_call *call, uint64_t msg_id, enum err rc,
		       struct err_info *ei)
{
	struct buf *out = &call->dc->answer;
	struct tl_writer w;
	bool done = false;

	buf_reset(out);
	cursor_write(&w, out);
	cursor_put_u32(&w, SERVICE_RPC_RESULT);
	cursor_put_i64(&w, (int64_t)msg_id);
	if (!rc) {
		rc = write_result(call, &w, ei);
		if (rc) {
			buf_reset(out);
			cursor_write(&w, out);
			cursor_put_u32(&w, SERVICE_RPC_RESULT);
			cursor_put_i64(&w, (int64_t)msg_id);
		}
	}
	if (rc && rc != ERR_RPC) {
		log_fail(LOG_ERROR, LOGEV_DC_RPC, rc, ei,
			 log_str("method",
				 call->fn ? schema_name_text(call->fn->name)
					  : "?"));
		(void)!dc_call_fail(call, 500, "INTERNAL_SERVER_ERROR");
	}
	if (rc)
		rc = write_error(call, &w);
	if (!rc && call->dc->n_faults)
		rc = dc_faults_answer(call, msg_id, out, &done);
	return rc || done ? rc
			  : dc_session_answer(call->dc, call->sess, msg_id,
					      buf_head(out), buf_len(out));
}

void dc_rpc_resume(struct dc *dc, struct dc_sess *s, uint16_t method,
		   struct dc_call *ret)
{
	*ret = (struct dc_call){ .dc = dc,
				 .conn = s->conn,
				 .sess = s,
				 .key = s->key,
				 .schema = schema_for_layer(s->key->layer),
				 .arena = &dc->arena,
				 .now = dc_now(dc) };
	ret->fn = dyn_new(ret->arena, method);
	ret->user = world_user(&dc->world, s->key->user_id);
}

enum err dc_rpc_finish(struct dc_call *call, uint64_t msg_id, enum err rc)
{
	struct err_info why = { 0 };

	if (!call->fn)
		return ERR_NOMEM;
	return answer(call, msg_id, rc, &why);
}

enum err dc_rpc_handle(struct dc *dc, struct dc_sess *s, uint64_t msg_id,
		       const uint8_t *body, size_t len, struct err_info *ei)
{
	struct dc_call call = { .dc = dc,
				.conn = s->conn,
				.sess = s,
				.key = s->key,
				.msg_id = msg_id,
				.schema = &schema_api_223,
				.arena = &dc->arena,
				.now = dc_now(dc) };
	struct err_info why = { 0 };
	enum err rc;

	dc->origin = s;
	if (dc->knobs.file_ref_sec)
		dc->world.file_stamp = call.now / dc->knobs.file_ref_sec;
	rc = decode(&call, body, len);
	if (!rc)
		rc = dispatch(&call, &why);
	/* A handler may have ended this very session. */
	if (dc->origin == s && !(call.later && !rc))
		rc = answer(&call, msg_id, rc, &why);
	else
		rc = ERR_OK;
	dc->origin = NULL;
	arena_reset(&dc->arena);
	return rc ? err_wrap(ei, rc, "answer") : ERR_OK;
}
