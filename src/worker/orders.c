/* SPDX-License-Identifier: MIT */
#include "worker/orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/rnd.h"
#include "base/text.h"
#include "crypto/sealbox.h"

static void on_tested(void *ctx, const struct route_test_result *t, enum err rc,
		      const struct err_info *ei);

enum err orders_init(struct orders *o, struct fleet *f)
{
	*o = (struct orders){
		.fleet = f,
		.tests = { .fleet = f, .done = on_tested, .ctx = o },
	};
	o->ring = calloc(ORDERS_MAX, sizeof(struct order));
	return o->ring ? ERR_OK : ERR_NOMEM;
}

static void clear(struct order *r)
{
	free(r->data);
	free(r->error);
	*r = (struct order){ 0 };
}

void orders_deinit(struct orders *o)
{
	for (uint32_t i = 0; o->ring && i < ORDERS_MAX; i++)
		clear(&o->ring[i]);
	free(o->ring);
	*o = (struct orders){ 0 };
}

static void done(struct orders *o, struct order *r, enum err rc,
		 const char *data, const struct err_info *ei)
{
	r->state = ORDER_DONE;
	r->success = !rc;
	if (rc)
		r->error = strdup(ei->msg[0] ? ei->msg : err_text(rc));
	else if (data)
		r->data = strdup(data);
	log_info(LOGEV_COMMAND, log_str("id", r->command_id),
		 log_str("done", rc ? err_name(rc) : "ok"));
	o->fleet->ops->on_urgent(o->fleet->ctx);
}

static struct order *find(struct orders *o, const char *command_id)
{
	for (uint32_t i = 0; i < ORDERS_MAX; i++)
		if (o->ring[i].state != ORDER_FREE &&
		    !strcmp(o->ring[i].command_id, command_id))
			return &o->ring[i];
	return NULL;
}

/* The oldest that was reported, or a free one; NULL: all are under way. */
static struct order *claim(struct orders *o)
{
	for (uint32_t i = 0; i < ORDERS_MAX; i++) {
		struct order *r = &o->ring[o->next];

		o->next = (o->next + 1) % ORDERS_MAX;
		if (r->state == ORDER_FREE || r->state == ORDER_REPORTED) {
			clear(r);
			return r;
		}
	}
	return NULL;
}

/* The tag of what an order sends: its place in the ring. */
static uint64_t tag_of(const struct orders *o, const struct order *r)
{
	return (uint64_t)(r - o->ring) + 1;
}

static enum err account_of(struct orders *o, struct json params,
			   struct account **ret, struct err_info *ei)
{
	const char *id;
	enum err rc;

	rc = json_need_str(params, "account_id", WIRE_ID_MAX, &id, ei);
	if (rc)
		return rc;
	*ret = fleet_find(o->fleet, id);
	if (!*ret)
		return err_set(ei, ERR_NOTFOUND,
			       "account %s is not on this node", id);
	return ERR_OK;
}

static void say_account(struct buf *out, const struct account *a)
{
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "account_id", a->account_id);
	jsonw_str(&w, "status", wire_status_name(account_status(a)));
	jsonw_str(&w, "state", sm_state_name(&a->sm, a->sm.state));
	jsonw_int(&w, "epoch", a->lease.epoch);
	jsonw_object_end(&w);
	(void)!jsonw_end(&w);
}

static enum err do_start(struct orders *o, struct order *r, struct json params,
			 struct buf *out, struct err_info *ei)
{
	struct account *a;
	enum err rc = account_of(o, params, &a, ei);

	if (rc)
		return rc;
	if (account_state_is_end(account_state(a)))
		return err_set(ei, ERR_CONFLICT, "%s: %s", a->account_id,
			       a->fault.message
				       ? a->fault.message
				       : account_state_help(account_state(a)));
	a->pinned_stop = false;
	account_start(a);
	say_account(out, a);
	return ERR_OK;
}

static enum err do_stop(struct orders *o, struct order *r, struct json params,
			struct buf *out, struct err_info *ei)
{
	struct account *a;
	enum err rc = account_of(o, params, &a, ei);

	if (rc == ERR_NOTFOUND) /* not here: stopped it is */
		return ERR_OK;
	if (rc)
		return rc;
	account_stop(a, "stop_account");
	say_account(out, a);
	return ERR_OK;
}

static enum err peer_of(struct json params, int64_t *ret, struct err_info *ei)
{
	struct json peer = json_get(params, "peer");
	const char *text = json_str(peer, "");

	*ret = 0;
	if (!strcmp(text, "self") || !strcmp(text, "me"))
		return ERR_OK;
	if (json_is_int(peer)) {
		*ret = json_int(peer, 0);
		return ERR_OK;
	}
	if (!text_i64(text, ret))
		return ERR_OK;
	return err_set(ei, ERR_INVALID,
		       "\"peer\" must be \"self\" or the id of a group");
}

static int64_t random_id_of(struct orders *o, struct json params)
{
	struct json v = json_get(params, "random_id");
	int64_t id = json_int(v, 0);

	if (json_is_string(v) && text_i64(json_str(v, ""), &id))
		id = 0;
	/* kept by the order: a command is done once, so one is enough */
	return id ? id : (int64_t)rnd_u64(o->fleet->rnd);
}

static enum err do_send(struct orders *o, struct order *r, struct json params,
			struct buf *out, struct err_info *ei)
{
	struct account *a;
	const char *text;
	int64_t peer;
	enum err rc;

	rc = account_of(o, params, &a, ei);
	if (!rc)
		rc = peer_of(params, &peer, ei);
	if (!rc)
		rc = json_need_str(params, "text", 4 * ENGINE_TEXT_MAX, &text,
				   ei);
	if (!rc)
		rc = account_send_text(a, peer, text, random_id_of(o, params),
				       tag_of(o, r), ei);
	return rc; /* the answer comes with orders_on_sent() */
}

static enum err do_reload(struct orders *o, struct order *r, struct json params,
			  struct buf *out, struct err_info *ei)
{
	o->full_wanted = true;
	return ERR_OK;
}

static enum err do_list(struct orders *o, struct order *r, struct json params,
			struct buf *out, struct err_info *ei)
{
	struct account *a;
	struct jsonw w;
	uint32_t cursor = 0;

	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	jsonw_array(&w, "accounts");
	while ((a = fleet_next(o->fleet, &cursor)))
		if (a->has_session)
			jsonw_str(&w, NULL, a->account_id);
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	if (jsonw_end(&w))
		return err_set(ei, ERR_TOOBIG, "too many sessions to list");
	return ERR_OK;
}

/* Opens a route that was sealed to this node. */
static enum err open_route(const struct orders *o, const char *text,
			   struct route **ret, struct err_info *ei)
{
	uint8_t box[WIRE_ROUTE_MAX], plain[WIRE_ROUTE_MAX];
	struct wire_route w;
	struct arena a;
	size_t len = 0;
	enum err rc;

	if (!o->key)
		return err_set(ei, ERR_UNAVAILABLE,
			       "this node has no key to open it");
	if (text_unb64(box, sizeof(box), &len, text, strlen(text),
		       TEXT_B64_STD) ||
	    len <= SEALBOX_OVERHEAD)
		return err_set(ei, ERR_INVALID, "\"sealed\" is no box");
	if (sealbox_open(o->key, box, len, plain))
		return err_set(ei, ERR_CORRUPT,
			       "the route was not sealed for this node");
	len -= SEALBOX_OVERHEAD;
	arena_init(&a, WIRE_ROUTE_MAX * 4);
	rc = wire_route_decode(plain, len, &a, &w, ei);
	if (!rc)
		rc = route_new(&w, ret, ei);
	secret_wipe(plain, sizeof(plain));
	arena_deinit(&a);
	return rc;
}

static enum err do_test(struct orders *o, struct order *r, struct json params,
			struct buf *out, struct err_info *ei)
{
	struct route *route = NULL;
	const char *sealed;
	int64_t dc_id = 0;
	enum err rc;

	rc = json_need_str(params, "sealed", WIRE_PARAMS_MAX, &sealed, ei);
	if (!rc)
		rc = json_want_int(params, "dc_id", 0, 1000, &dc_id, ei);
	if (!rc)
		rc = open_route(o, sealed, &route, ei);
	return rc ? rc
		  : route_test_start(&o->tests, route, (int)dc_id, tag_of(o, r),
				     ei);
}

static enum err do_update(struct orders *o, struct order *r, struct json params,
			  struct buf *out, struct err_info *ei)
{
	struct scriptbook_ask ask = { .tag = tag_of(o, r) };
	enum err rc;

	if (!o->scripts)
		return err_set(ei, ERR_UNAVAILABLE,
			       "this node keeps no scripts");
	rc = json_need_str(params, "script_id", WIRE_SCRIPT_MAX, &ask.script_id,
			   ei);
	if (!rc)
		rc = json_need_str(params, "sha256", 2 * SHA_256_LEN,
				   &ask.sha256, ei);
	if (!rc)
		rc = json_need_str(params, "download_url",
				   SCRIPTBOOK_URL_MAX - 1, &ask.url, ei);
	return rc ? rc : scriptbook_update(o->scripts, &ask, ei);
}

static const struct action {
	const char *name;
	enum err (*run)(struct orders *o, struct order *r, struct json params,
			struct buf *out, struct err_info *ei);
	bool later; /* success is told later */
} actions[] = {
	{ "start_account", do_start, false },
	{ "stop_account", do_stop, false },
	{ "send_message", do_send, true },
	{ "test_route", do_test, true },
	{ "update_script", do_update, true },
	{ "reload", do_reload, false },
	{ "list_sessions", do_list, false },
};

static const struct action *action_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (!strcmp(actions[i].name, name))
			return &actions[i];
	return NULL;
}

static void run(struct orders *o, struct order *r,
		const struct wire_command *cmd)
{
	const struct action *act = action_of(cmd->action);
	struct err_info ei = { 0 };
	struct json_doc doc;
	struct buf out;
	enum err rc;

	if (!act) {
		rc = err_set(&ei, ERR_INVALID,
			     "this node does not know the action %s",
			     cmd->action);
		done(o, r, rc, NULL, &ei);
		return;
	}
	rc = json_parse(&doc, cmd->params, strlen(cmd->params), WIRE_PARAMS_MAX,
			&ei);
	if (rc) {
		done(o, r, rc, NULL, &ei);
		return;
	}
	buf_init(&out, WIRE_PARAMS_MAX - 1);
	rc = act->run(o, r, json_root(&doc), &out, &ei);
	if (rc || !act->later)
		done(o, r, rc, buf_len(&out) ? buf_cstr(&out) : NULL, &ei);
	buf_deinit(&out);
	json_free(&doc);
}

void orders_take(struct orders *o, const struct wire_command *cmd)
{
	struct order *r = find(o, cmd->command_id);

	if (r) {
		if (r->state == ORDER_REPORTED)
			r->state = ORDER_DONE; /* say it again */
		return;
	}
	r = claim(o);
	if (!r)
		return; /* it will be delivered again */
	snprintf(r->command_id, sizeof(r->command_id), "%s", cmd->command_id);
	r->state = ORDER_RUNNING;
	log_info(LOGEV_COMMAND, log_str("id", r->command_id),
		 log_str("action", cmd->action));
	run(o, r, cmd);
}

void orders_on_sent(struct orders *o, uint64_t tag, enum err rc,
		    int32_t message_id, const struct err_info *ei)
{
	struct order *r;
	char data[64];

	if (!tag || tag > ORDERS_MAX)
		return;
	r = &o->ring[tag - 1];
	if (r->state != ORDER_RUNNING)
		return;
	snprintf(data, sizeof(data), "{\"message_id\":%d}", message_id);
	done(o, r, rc, data, ei);
}

static void on_tested(void *ctx, const struct route_test_result *t, enum err rc,
		      const struct err_info *ei)
{
	struct orders *o = ctx;
	struct order *r = &o->ring[t->tag - 1];
	char data[96];

	if (r->state != ORDER_RUNNING)
		return;
	snprintf(data, sizeof(data), "{\"dc_id\":%d,\"latency_ms\":%.1f}",
		 t->dc_id, (double)t->latency_us / 1000);
	done(o, r, rc, data, ei);
}

void orders_on_script(void *ctx, uint64_t tag, bool changed, enum err rc,
		      const struct err_info *ei)
{
	struct orders *o = ctx;
	struct order *r = &o->ring[tag - 1];

	if (r->state == ORDER_RUNNING)
		done(o, r, rc,
		     changed ? "{\"changed\":true}" : "{\"changed\":false}",
		     ei);
}

enum err orders_results(struct orders *o, struct arena *a, uint64_t beat,
			const struct wire_result **ret, size_t *ret_n)
{
	struct wire_result *list;
	size_t n = 0;

	list = arena_array(a, ORDERS_MAX, sizeof(*list));
	if (!list)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < ORDERS_MAX && n < WIRE_COMMANDS_MAX; i++) {
		struct order *r = &o->ring[i];

		if (r->state != ORDER_DONE)
			continue;
		r->beat = beat;
		list[n++] = (struct wire_result){ .command_id = r->command_id,
						  .success = r->success,
						  .data = r->data,
						  .error = r->error };
	}
	*ret = list;
	*ret_n = n;
	return ERR_OK;
}

void orders_confirmed(struct orders *o, uint64_t beat)
{
	for (uint32_t i = 0; i < ORDERS_MAX; i++) {
		struct order *r = &o->ring[i];

		if (r->state == ORDER_DONE && r->beat == beat)
			r->state = ORDER_REPORTED;
	}
}
