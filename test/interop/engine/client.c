/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/session_load.h"
#include "tg/sessfile_target.h"

static struct mono now(const struct client *c)
{
	return loop_now(c->loop);
}

/* ---- the connection that signs in */

static enum err sign_connected(void *x, struct mono at, struct wall wall,
			       struct err_info *ei)
{
	return signin_conn_connected(&((struct client *)x)->signing, at, wall,
				     ei);
}

static void sign_disconnected(void *x, struct mono at)
{
	(void)at;
	signin_conn_disconnected(&((struct client *)x)->signing);
}

static enum err sign_feed(void *x, const uint8_t *data, size_t len,
			  struct mono at, struct err_info *ei)
{
	return signin_conn_feed(&((struct client *)x)->signing, data, len, at,
				ei);
}

static enum err sign_tick(void *x, struct mono at, struct err_info *ei)
{
	return signin_conn_tick(&((struct client *)x)->signing, at, ei);
}

static enum err sign_output(void *x, struct mono at, struct buf *out,
			    struct err_info *ei)
{
	return signin_conn_output(&((struct client *)x)->signing, at, out, ei);
}

static struct mono sign_deadline(const void *x)
{
	return signin_conn_deadline(&((const struct client *)x)->signing);
}

static void start_engine(struct client *c, const uint8_t *key, int dc_id);

/* Work is done at once: nobody waits for this loop. */
static void sign_look(void *x)
{
	struct client *c = x;
	struct err_info ei = { 0 };

	while (signin_conn_wants_work(&c->signing)) {
		signin_conn_work(&c->signing);
		if (signin_conn_worked(&c->signing, now(c), &ei))
			signin_fail(&c->flow, ERR_PROTO, &ei, now(c));
	}
	switch (signin_step(&c->flow)) {
	case SIGNIN_STEP_MOVE:
		plug_close(&c->main);
		signin_conn_move(&c->signing, now(c));
		plug_open(&c->main, c->signing.dc_id);
		break;
	case SIGNIN_STEP_ASK_CODE:
		signin_give_code(&c->flow, c->code, now(c));
		plug_push(&c->main);
		break;
	case SIGNIN_STEP_ASK_PASSWORD:
		signin_give_password(&c->flow, c->password, now(c));
		plug_push(&c->main);
		break;
	case SIGNIN_STEP_DONE:
		plug_close(&c->main);
		start_engine(c, signin_conn_key(&c->signing)->secret.bytes,
			     c->signing.dc_id);
		signin_conn_deinit(&c->signing);
		break;
	case SIGNIN_STEP_FAILED:
		plug_close(&c->main);
		client_fail(c, c->flow.failure.rc, c->flow.failure.ei.msg);
		break;
	default:
		break;
	}
}

static const struct plug_ops sign_ops = {
	.connected = sign_connected,
	.disconnected = sign_disconnected,
	.feed = sign_feed,
	.tick = sign_tick,
	.output = sign_output,
	.deadline = sign_deadline,
	.look = sign_look,
};

void client_sign_in(struct client *c)
{
	const struct signin_config fc = { .api_id = c->env.api_id,
					  .api_hash = c->env.api_hash,
					  .rnd = rnd_system() };
	const struct signin_conn_config cc = {
		.flow = &c->flow,
		.env = &c->env.telegram.env,
		.keys = c->env.keys,
		.key_count = c->env.nkeys,
		.test_mode = c->env.telegram.test_mode,
		.rnd = rnd_system(),
	};
	struct json said = c->order.said;

	(void)text_copy(c->phone, sizeof(c->phone),
			json_str(json_get(said, "phone"), ""));
	(void)text_copy(c->code, sizeof(c->code),
			json_str(json_get(said, "code"), ""));
	(void)text_copy(c->password, sizeof(c->password),
			json_str(json_get(said, "password"), ""));
	signin_init(&c->flow, &fc, NULL, now(c));
	signin_conn_init(&c->signing, &cc, c->env.telegram.dcs[0].id);
	signin_start_phone(&c->flow, c->phone, now(c));
	plug_init(&c->main, c->loop, &c->env.telegram, &sign_ops, c);
	plug_open(&c->main, c->signing.dc_id);
}

/* ---- the engine's */

static enum err main_connected(void *x, struct mono at, struct wall wall,
			       struct err_info *ei)
{
	return engine_connected(&((struct client *)x)->engine, at, wall, ei);
}

static void main_disconnected(void *x, struct mono at)
{
	(void)at;
	engine_disconnected(&((struct client *)x)->engine);
}

static enum err main_feed(void *x, const uint8_t *data, size_t len,
			  struct mono at, struct err_info *ei)
{
	return engine_feed(&((struct client *)x)->engine, data, len, at, ei);
}

static enum err main_tick(void *x, struct mono at, struct err_info *ei)
{
	return engine_tick(&((struct client *)x)->engine, at, ei);
}

static enum err main_output(void *x, struct mono at, struct buf *out,
			    struct err_info *ei)
{
	return engine_output(&((struct client *)x)->engine, at, out, ei);
}

static struct mono main_deadline(const void *x)
{
	return engine_deadline(&((const struct client *)x)->engine);
}

static void main_look(void *x)
{
	(void)x;
}

static const struct plug_ops main_ops = {
	.connected = main_connected,
	.disconnected = main_disconnected,
	.feed = main_feed,
	.tick = main_tick,
	.output = main_output,
	.deadline = main_deadline,
	.look = main_look,
};

static void on_online(struct client *c)
{
	const char *what = json_str(json_get(c->order.said, "do"), "");
	struct jsonw w;
	struct buf out;

	/* not when it comes back later, in the middle of something else */
	if (!c->order.busy ||
	    (strcmp(what, "sign_in") != 0 && strcmp(what, "open") != 0))
		return;
	client_begin_answer(c, &w, &out);
	jsonw_int(&w, "user_id", c->engine.self_id);
	client_end_answer(c, &w, &out);
}

static void on_answer(struct client *c, const struct engine_event *ev)
{
	client_then_fn then = c->order.then;

	if (ev->tag == c->export_tag) {
		c->export_tag = 0;
		moving_exported(c, ev);
	} else if (then && (ev->tag == c->order.tag || c->order.waiting)) {
		then(c, ev);
	}
}

static enum err on_event(void *ctx, const struct engine_event *ev)
{
	struct client *c = ctx;

	switch (ev->type) {
	case ENGINE_ONLINE:
		on_online(c);
		break;
	case ENGINE_MESSAGE:
		if (ev->message->kind == ENGINE_NEW && !ev->message->out)
			orders_heard(c, ev->message);
		break;
	case ENGINE_ANSWER:
		on_answer(c, ev);
		break;
	case ENGINE_REFUSED:
		fprintf(stderr, "refused: %s\n", ev->rpcerr->name);
		c->main.on = false;
		if (c->order.busy)
			client_fail(c, ev->rc, ev->rpcerr->name);
		break;
	default:
		break;
	}
	return ERR_OK;
}

static void start_engine(struct client *c, const uint8_t *key, int dc_id)
{
	struct err_info ei;
	enum err rc = engine_set_key(&c->engine, key, &ei);

	if (rc) {
		client_fail(c, rc, ei.msg);
		return;
	}
	c->home = dc_id;
	plug_init(&c->main, c->loop, &c->env.telegram, &main_ops, c);
	plug_open(&c->main, dc_id);
}

/* {"do": "open", "session": FILE} */
void client_open(struct client *c)
{
	struct sessfile file;
	struct err_info ei;
	enum err rc = session_load(
		json_str(json_get(c->order.said, "session"), ""), &file, &ei);

	if (rc) {
		client_fail(c, rc, ei.msg);
		return;
	}
	start_engine(c, file.auth_key.bytes, file.dc_id);
	sessfile_deinit(&file);
}

/* {"do": "save", "session": FILE}: as a Telethon string */
void client_save(struct client *c)
{
	const struct addr_host *at = telegram_find(&c->env.telegram, c->home);
	const struct sessfile_new n = {
		.dc_id = c->home,
		.address = at->host,
		.port = at->port,
		.key = c->engine.session.key.secret.bytes,
		.user_id = c->engine.self_id,
		.test_mode = c->env.telegram.test_mode,
		.api_id = c->env.api_id,
	};
	const struct sessfile_target *to = NULL;
	struct sessfile file;
	struct err_info ei;
	enum err rc = sessfile_target_find("telethon-string", &to, &ei);

	if (!rc)
		rc = sessfile_make(&n, &file, &ei);
	if (!rc) {
		rc = session_save(
			&file, to,
			json_str(json_get(c->order.said, "session"), ""), &ei);
		sessfile_deinit(&file);
	}
	if (rc)
		client_fail(c, rc, ei.msg);
	else
		client_done(c);
}

/* ---- asking */

struct engine_ask client_ask(struct client *c, client_then_fn then)
{
	engine_at(&c->engine, now(c));
	c->order.then = then;
	c->order.tag = ++c->next_tag;
	return (struct engine_ask){
		.tag = c->order.tag,
		.deadline = mono_add(now(c), CLIENT_CALL_US),
	};
}

void client_asked(struct client *c, enum err rc, const struct err_info *ei)
{
	if (rc)
		client_fail(c, rc, ei->msg);
	plug_push(&c->main);
}

bool client_refused(struct client *c, const struct engine_event *ev)
{
	if (!ev->rc)
		return false;
	client_fail(c, ev->rc, ev->rpcerr ? ev->rpcerr->name : "");
	return true;
}

void client_init(struct client *c)
{
	engine_init(&c->engine,
		    &(struct engine_config){ .env = &c->env.telegram.env,
					     .rnd = rnd_system(),
					     .on_event = on_event,
					     .ctx = c });
	plug_init(&c->main, c->loop, &c->env.telegram, &main_ops, c);
	c->moving.fd = -1;
}

void client_deinit(struct client *c)
{
	moving_stop(c);
	plug_close(&c->main);
	signin_conn_deinit(&c->signing);
	signin_deinit(&c->flow);
	engine_deinit(&c->engine);
	json_free(&c->order.doc);
}
