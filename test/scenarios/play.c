/* SPDX-License-Identifier: MIT */
/*
 * Plays scenario files with our own client: a data centre and the engines of a
 * few accounts in one process, over loopback.
 *
 *	play test/scenarios/010-hello.dcs ...
 *
 * The data centre takes its steps from the file; this program does what the
 * `client` lines say, one after the other:
 *
 *	client PHONE connects
 *	client PHONE sends TEXT			to itself; the answer is awaited
 *	client PHONE is refused NAME TEXT	the same, and it must not work
 *	client PHONE hears TEXT			it or has heard it before
 *	client PHONE ends NAME			what made the server end it
 *	client waits MS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/log.h"
#include "base/text.h"
#include "dc/dc_int.h"
#include "tg/engine.h"
#include "tg/messages.h"

#define ACCOUNTS_MAX 8
#define HEARD_MAX 512
#define PATIENCE_US (20 * US_PER_SEC)
#define AGAIN_US (50 * US_PER_MS)

struct account {
	const char *phone;
	struct engine engine;
	struct updates_pos pos;
	uint64_t link;
	struct wheel_timer timer;
	bool wanted, open, online, dialed;
	int64_t self; /* its own id: it talks to itself */
	uint64_t tag; /* of the last message sent */
	bool settled;
	enum err rc;
	char refused[RPCERR_NAME_MAX], ended[RPCERR_NAME_MAX];
	char *heard[HEARD_MAX];
	size_t n_heard;
};

static struct loop *loop;
static struct dc *dc;
static struct engine_env env;
static struct account accounts[ACCOUNTS_MAX];
static size_t n_accounts;
static const char *path;

static void quiet(void *ctx, const char *line)
{
	(void)ctx;
	if (getenv("PLAY_LOG"))
		fprintf(stderr, "%s\n", line);
}

/* ---- an account: engine, link, timer */

static void pump(struct account *a, enum err rc)
{
	struct err_info ei = { 0 };
	struct buf out;
	struct mono due;

	buf_init(&out, 16 << 20);
	if (!rc)
		rc = engine_output(&a->engine, loop_now(loop), &out, &ei);
	if (!rc && buf_len(&out))
		rc = link_send(loop, a->link, buf_head(&out), buf_len(&out));
	buf_deinit(&out);
	if (rc) {
		link_close(loop, a->link, CLOSE_LOCAL);
		return;
	}
	due = engine_deadline(&a->engine);
	if (due.us != MONO_NEVER.us)
		loop_arm_at(loop, &a->timer, due);
}

static void on_open(void *ctx, uint64_t link)
{
	struct account *a = ctx;

	(void)link;
	a->open = true;
	pump(a, engine_connected(&a->engine, loop_now(loop), loop_wall(loop),
				 NULL));
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	struct account *a = ctx;

	(void)link;
	pump(a, engine_feed(&a->engine, data, len, loop_now(loop), NULL));
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *ei)
{
	struct account *a = ctx;

	(void)link;
	(void)reason;
	(void)ei;
	engine_disconnected(&a->engine);
	a->open = a->online = a->dialed = false;
	loop_arm(loop, &a->timer, AGAIN_US);
}

static const struct link_ops ops = { .on_open = on_open,
				     .on_data = on_data,
				     .on_close = on_close };

static void dial(struct account *a)
{
	struct link_dial_options o = { 0 };

	snprintf(o.to.host, sizeof(o.to.host), "127.0.0.1");
	o.to.port = listener_addr(dc->nodes[0].listener).port;
	a->dialed = !link_dial(loop, &o, &ops, a, &a->link, NULL);
}

static void on_timer(struct wheel_timer *t, void *ctx)
{
	struct account *a = ctx;

	(void)t;
	if (a->open)
		pump(a, engine_tick(&a->engine, loop_now(loop), NULL));
	else if (a->wanted && !a->dialed && !*a->ended)
		dial(a);
}

static void hear(struct account *a, const struct engine_message *m)
{
	if (m->out || a->n_heard == HEARD_MAX)
		return;
	a->heard[a->n_heard] = strndup((const char *)m->text, m->text_len);
	a->n_heard += a->heard[a->n_heard] != NULL;
}

static enum err on_event(void *ctx, const struct engine_event *ev)
{
	struct account *a = ctx;
	const char *name = ev->rpcerr ? ev->rpcerr->name : err_name(ev->rc);

	switch (ev->type) {
	case ENGINE_ONLINE:
		a->online = true;
		break;
	case ENGINE_MESSAGE:
		hear(a, ev->message);
		break;
	case ENGINE_POSITION:
		a->pos = ev->pos;
		break;
	case ENGINE_ANSWER:
		a->settled |= ev->tag == a->tag;
		a->rc = ev->rc;
		snprintf(a->refused, sizeof(a->refused), "%s", name);
		break;
	case ENGINE_REFUSED:
		if (rpcerr_is_final(ev->rpcerr))
			snprintf(a->ended, sizeof(a->ended), "%s", name);
		break;
	default:
		break;
	}
	return ERR_OK;
}

/* ---- what client lines say */

static int fail(const struct dc_step *st, const char *what)
{
	fprintf(stderr, "%s:%u: %s\n", path, st->line, what);
	return 1;
}

/* Signed in already: the key is made on both sides at once. */
static struct account *make(const char *phone)
{
	const struct world_user *u = world_user_by_phone(&dc->world, phone);
	struct engine_config cfg = { &env, rnd_system(), on_event, NULL };
	struct dc_store_key row = { .dc_id = 1, .created = dc_now(dc) };
	struct account *a = &accounts[n_accounts];
	struct dc_key *key;

	if (!u || n_accounts == ACCOUNTS_MAX)
		return NULL;
	row.user_id = u->id;
	row.salt = (int64_t)rnd_u64(rnd_system());
	rnd_fill(rnd_system(), row.key, sizeof(row.key));
	*a = (struct account){ .phone = phone, .self = u->id };
	cfg.ctx = a;
	engine_init(&a->engine, &cfg);
	wheel_timer_init(&a->timer, on_timer, a);
	if (dc_key_add(dc, &row, &key) ||
	    engine_set_key(&a->engine, row.key, NULL))
		return NULL;
	n_accounts++;
	return a;
}

static struct account *find(const char *phone)
{
	size_t i;

	for (i = 0; i < n_accounts; i++) {
		if (!strcmp(accounts[i].phone, phone))
			return &accounts[i];
	}
	return NULL;
}

static bool until(bool (*met)(const struct account *a, const char *text),
		  const struct account *a, const char *text)
{
	struct mono end = mono_add(loop_now(loop), PATIENCE_US);

	while (!met(a, text)) {
		if (mono_diff(end, loop_now(loop)) <= 0)
			return false;
		loop_turn(loop, 10 * US_PER_MS);
	}
	return true;
}

static bool is_online(const struct account *a, const char *text)
{
	(void)text;
	return a->online;
}

static bool is_settled(const struct account *a, const char *text)
{
	(void)text;
	return a->settled;
}

static bool has_heard(const struct account *a, const char *text)
{
	size_t i;

	for (i = 0; i < a->n_heard; i++) {
		if (!strcmp(a->heard[i], text))
			return true;
	}
	return false;
}

static bool has_ended(const struct account *a, const char *text)
{
	return !strcmp(a->ended, text);
}

/* ERR_FLOOD before it is even sent is a refusal as well: the wait is known. */
static bool send_text(struct account *a, const char *text)
{
	const struct messages_to self = { .peer = a->self };
	struct mono now = loop_now(loop);
	struct engine_ask ask;
	enum err rc;

	a->tag++;
	a->settled = false;
	*a->refused = '\0';
	engine_at(&a->engine, now);
	ask = (struct engine_ask){ a->tag, mono_add(now, PATIENCE_US) };
	rc = messages_send(&a->engine, &ask, &self, text,
			   (int64_t)rnd_u64(rnd_system()), NULL);
	if (rc) {
		a->rc = rc;
		a->settled = true;
		snprintf(a->refused, sizeof(a->refused), "%s", err_name(rc));
	}
	if (a->open)
		pump(a, ERR_OK);
	return until(is_settled, a, NULL);
}

static int act(const struct dc_step *st)
{
	const char *const *w = st->words;
	uint32_t n = st->n_words;
	struct account *a;
	int64_t ms;

	if (n == 2 && !strcmp(w[0], "waits") && !text_i64(w[1], &ms)) {
		struct mono end = mono_add(loop_now(loop), ms * US_PER_MS);

		while (mono_diff(end, loop_now(loop)) > 0)
			loop_turn(loop, US_PER_MS);
		return 0;
	}
	a = find(w[0]);
	if (n == 2 && !strcmp(w[1], "connects")) {
		a = a ? a : make(w[0]);
		if (!a)
			return fail(st, "no such user, or too many clients");
		a->wanted = true;
		dial(a);
		return until(is_online, a, NULL) ? 0
						 : fail(st, "is not online");
	}
	if (!a || n < 3)
		return fail(st, "no client line that can be played");
	if (!strcmp(w[1], "sends"))
		return send_text(a, w[2]) && !a->rc
			       ? 0
			       : fail(st,
				      *a->refused ? a->refused : "no answer");
	if (!strcmp(w[1], "is") && n == 5)
		return send_text(a, w[4]) && a->rc && !strcmp(a->refused, w[3])
			       ? 0
			       : fail(st,
				      *a->refused ? a->refused : "no answer");
	if (!strcmp(w[1], "hears"))
		return until(has_heard, a, w[2]) ? 0 : fail(st, "not heard");
	if (!strcmp(w[1], "ends"))
		return until(has_ended, a, w[2]) ? 0 : fail(st, a->ended);
	return fail(st, "no client line that can be played");
}

/* ---- a file */

struct scenario {
	char state[16], why[256];
};

static void look(struct scenario *s)
{
	dc_play_look(dc, s->state, sizeof(s->state), s->why, sizeof(s->why));
}

/* What the clients still owe the data centre's last steps. */
static int finish(void)
{
	struct mono end = mono_add(loop_now(loop), PATIENCE_US);
	struct scenario s;

	for (;;) {
		look(&s);
		if (!strcmp(s.state, "done"))
			return 0;
		if (!strcmp(s.state, "failed") ||
		    mono_diff(end, loop_now(loop)) <= 0)
			break;
		loop_turn(loop, 10 * US_PER_MS);
	}
	fprintf(stderr, "%s: %s %s\n", path, s.state, s.why);
	return 1;
}

static void forget_all(void)
{
	size_t i, j;

	for (i = 0; i < n_accounts; i++) {
		struct account *a = &accounts[i];

		a->wanted = false;
		if (a->dialed)
			link_close(loop, a->link, CLOSE_LOCAL);
		while (a->dialed)
			loop_turn(loop, 0);
		loop_cancel(loop, &a->timer);
		engine_deinit(&a->engine);
		for (j = 0; j < a->n_heard; j++)
			free(a->heard[j]);
	}
	n_accounts = 0;
}

static int play(const struct dc_script *script, const struct buf *text)
{
	struct dc_options o = { .count = 1 };
	struct err_info ei = { 0 };
	int status = 0;
	uint32_t i;

	if (addr_parse("127.0.0.1:0", &o.listen, NULL))
		return 1;
	o.admin = o.listen;
	if (dc_new(&dc, loop, &o, &ei) ||
	    dc_play_start(dc, (const char *)buf_head(text), buf_len(text),
			  &ei)) {
		fprintf(stderr, "%s: %s\n", path, ei.msg);
		return 1;
	}
	loop_turn(loop, 0); /* users are made */
	for (i = 0; i < script->n && !status; i++) {
		if (script->steps[i].kind == DC_STEP_CLIENT)
			status = act(&script->steps[i]);
	}
	if (!status)
		status = finish();
	forget_all();
	dc_free(dc);
	return status;
}

static int play_file(void)
{
	struct err_info ei = { 0 };
	struct dc_script script;
	struct buf text;
	int status = 1;

	buf_init(&text, DC_SCRIPT_BYTES_MAX + 1);
	if (files_read(path, &text, &ei) ||
	    dc_script_parse(&script, (const char *)buf_head(&text),
			    buf_len(&text), &ei)) {
		fprintf(stderr, "%s: %s\n", path, ei.msg);
	} else {
		status = play(&script, &text);
		printf("%s %s: %s\n", status ? "not ok" : "ok", path,
		       script.title);
		dc_script_deinit(&script);
	}
	buf_deinit(&text);
	return status;
}

int main(int argc, char **argv)
{
	struct engine_app app = { .api_id = 1,
				  .device_model = "scenario",
				  .system_version = "1",
				  .app_version = "1" };
	int i, status = 0;

	log_set_sink(quiet, NULL);
	if (engine_env_init(&env, &app, NULL) || loop_new(&loop, NULL, NULL))
		return 1;
	for (i = 1; i < argc; i++) {
		path = argv[i];
		status |= play_file();
	}
	loop_free(loop);
	return status;
}
