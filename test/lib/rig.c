/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(struct rig *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void say(struct rig *r, const char *fmt, ...)
{
	size_t n = strlen(r->said);
	va_list ap;

	if (n)
		r->said[n++] = ' ';
	va_start(ap, fmt);
	vsnprintf(r->said + n, sizeof(r->said) - n, fmt, ap);
	va_end(ap);
}

static void say_message(struct rig *r, const struct engine_message *m)
{
	const char *what = m->kind == ENGINE_EDITED    ? "~"
			   : m->kind == ENGINE_SERVICE ? "!"
						       : "";

	say(r, "%s%s%lld:%d:%.*s", what, m->out ? ">" : "<",
	    (long long)m->chat_id, m->id, (int)m->text_len,
	    m->text ? (const char *)m->text : "");
}

static enum err on_event(void *ctx, const struct engine_event *ev)
{
	struct rig *r = ctx;

	if (r->hook)
		r->hook(r, ev);
	switch (ev->type) {
	case ENGINE_CONFIG:
		say(r, "config:%zu", ev->len);
		break;
	case ENGINE_USER:
		say(r, "user:%lld:%s:%s:%s", (long long)ev->user->id,
		    ev->user->username, ev->user->phone, ev->user->name);
		break;
	case ENGINE_ONLINE:
		say(r, "online");
		break;
	case ENGINE_MESSAGE:
		say_message(r, ev->message);
		if (r->refuse-- > 0)
			return ERR_UNAVAILABLE;
		break;
	case ENGINE_DELETED:
		say(r, "-%lld:%u:%d", (long long)ev->deleted->chat_id,
		    ev->deleted->n, ev->deleted->ids[0]);
		break;
	case ENGINE_PRESSED:
		say(r, "pressed:%lld:%lld:%d:%.*s",
		    (long long)ev->pressed->user_id,
		    (long long)ev->pressed->chat_id, ev->pressed->message_id,
		    (int)ev->pressed->len, (const char *)ev->pressed->data);
		break;
	case ENGINE_POSITION:
		r->pos = ev->pos;
		break;
	case ENGINE_ANSWER:
		say(r, "sent:%llu:%s:%d", (unsigned long long)ev->tag,
		    err_name(ev->rc), ev->answer->message_id);
		break;
	case ENGINE_REFUSED:
		say(r, "refused:%s:%s", ev->rpcerr->name, err_name(ev->rc));
		break;
	}
	return ERR_OK;
}

int rig_setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct engine_app app = { .api_id = 777,
				  .device_model = "tgfleet node",
				  .system_version = "Linux",
				  .app_version = "test" };
	uint8_t key[AUTHKEY_LEN];

	assert_non_null(r);
	rnd_seeded_init(&r->rnd, 7);
	rnd_fill(&r->rnd.rnd, key, sizeof(key));
	r->now = (struct mono){ 1000 * US_PER_SEC };
	assert_int_equal(engine_env_init(&r->env, &app, NULL), ERR_OK);
	fakedc_init(&r->dc, &r->rnd.rnd, key, RIG_SEC);
	engine_init(&r->e, &(struct engine_config){ .env = &r->env,
						    .rnd = &r->rnd.rnd,
						    .on_event = on_event,
						    .ctx = r });
	assert_int_equal(engine_set_key(&r->e, key, NULL), ERR_OK);
	*state = r;
	return 0;
}

int rig_teardown(void **state)
{
	struct rig *r = *state;

	engine_deinit(&r->e);
	fakedc_deinit(&r->dc);
	free(r);
	return 0;
}

/* Everything the two have to say to each other. */
void rig_pump(struct rig *r)
{
	struct buf out;

	buf_init(&out, 8U << 20);
	for (int i = 0; i < 10 && !r->rc; i++) {
		if (buf_len(&r->dc.out)) {
			r->rc = engine_feed(&r->e, buf_head(&r->dc.out),
					    buf_len(&r->dc.out), r->now, NULL);
			buf_reset(&r->dc.out);
		}
		if (r->rc)
			break;
		assert_int_equal(engine_output(&r->e, r->now, &out, NULL),
				 ERR_OK);
		fakedc_feed(&r->dc, buf_head(&out), buf_len(&out));
		buf_reset(&out);
	}
	buf_deinit(&out);
}

void rig_pass(struct rig *r, int64_t us)
{
	r->now = mono_add(r->now, us);
	r->rc = engine_tick(&r->e, r->now, NULL);
	rig_pump(r);
}

void rig_connect(struct rig *r)
{
	r->rc = ERR_OK;
	fakedc_accept(&r->dc);
	assert_int_equal(engine_connected(&r->e, r->now,
					  (struct wall){ RIG_SEC * US_PER_SEC },
					  NULL),
			 ERR_OK);
	rig_pump(r);
}

void rig_hang_up(struct rig *r)
{
	engine_disconnected(&r->e);
	r->rc = ERR_OK;
}

void rig_answer_self(struct rig *r)
{
	struct fakedc_query q = fakedc_take(&r->dc, TLN_users_getUsers);
	struct dyn_vec *v = dyn_vec_new(&r->dc.arena);
	const struct dyn_val val = { .kind = DYN_VEC, .vec = v };
	struct dyn *u = fakedc_new(&r->dc, TLN_user);

	assert_true(q.prefixed);
	assert_int_equal(q.layer, ENGINE_LAYER);
	assert_int_equal(q.api_id, 777);
	dyn_set_int(u, TLF_id, RIG_SELF);
	dyn_set_bool(u, TLF_self, true);
	dyn_set_str(u, TLF_username, "anna");
	dyn_set_str(u, TLF_phone, "9996612345");
	dyn_set_str(u, TLF_first_name, "Anna");
	dyn_push_obj(v, u);
	fakedc_answer(&r->dc, &q, TLN_users_getUsers, &val);
	rig_pump(r);
}

static struct dyn *state_obj(struct rig *r, struct updates_pos pos)
{
	struct dyn *s = fakedc_new(&r->dc, TLN_updates_state);

	dyn_set_int(s, TLF_pts, pos.pts);
	dyn_set_int(s, TLF_qts, pos.qts);
	dyn_set_int(s, TLF_date, pos.date);
	dyn_set_int(s, TLF_seq, pos.seq);
	return s;
}

void rig_answer_state(struct rig *r, struct updates_pos pos)
{
	struct fakedc_query q = fakedc_take(&r->dc, TLN_updates_getState);

	fakedc_answer_obj(&r->dc, &q, TLN_updates_getState, state_obj(r, pos));
	rig_pump(r);
}

void rig_come_online(struct rig *r)
{
	rig_connect(r);
	rig_answer_self(r);
	rig_answer_state(r, (struct updates_pos){ 10, 0, 100, 1 });
	assert_true(r->e.online);
	r->said[0] = 0;
}

struct dyn *rig_message(struct rig *r, int id, const char *text)
{
	struct dyn *m = fakedc_new(&r->dc, TLN_message);
	struct dyn *peer = fakedc_new(&r->dc, TLN_peerChat);

	dyn_set_int(peer, TLF_chat_id, 55);
	dyn_set_int(m, TLF_id, id);
	dyn_set_obj(m, TLF_peer_id, peer);
	dyn_set_str(m, TLF_message, text);
	dyn_set_int(m, TLF_date, 100);
	return m;
}

struct dyn *rig_new_message(struct rig *r, int id, const char *text, int pts)
{
	struct dyn *u = fakedc_new(&r->dc, TLN_updateNewMessage);

	dyn_set_obj(u, TLF_message, rig_message(r, id, text));
	dyn_set_int(u, TLF_pts, pts);
	dyn_set_int(u, TLF_pts_count, 1);
	return u;
}

void rig_push_updates(struct rig *r, struct dyn *u, int seq)
{
	struct dyn *c = fakedc_new(&r->dc, TLN_updates);

	dyn_push_obj(dyn_add_vec(c, TLF_updates), u);
	(void)dyn_add_vec(c, TLF_users);
	(void)dyn_add_vec(c, TLF_chats);
	dyn_set_int(c, TLF_date, 101);
	dyn_set_int(c, TLF_seq, seq);
	fakedc_push(&r->dc, c);
	rig_pump(r);
}

void rig_answer_difference(struct rig *r, bool slice, int first_id, int n,
			   struct updates_pos pos)
{
	struct fakedc_query q = fakedc_take(&r->dc, TLN_updates_getDifference);
	struct dyn *d = fakedc_new(&r->dc, slice ? TLN_updates_differenceSlice
						 : TLN_updates_difference);
	struct dyn_vec *v = dyn_add_vec(d, TLF_new_messages);

	for (int i = 0; i < n; i++)
		dyn_push_obj(v, rig_message(r, first_id + i, "d"));
	(void)dyn_add_vec(d, TLF_new_encrypted_messages);
	(void)dyn_add_vec(d, TLF_other_updates);
	(void)dyn_add_vec(d, TLF_chats);
	(void)dyn_add_vec(d, TLF_users);
	dyn_set_obj(d, slice ? TLF_intermediate_state : TLF_state,
		    state_obj(r, pos));
	fakedc_answer_obj(&r->dc, &q, TLN_updates_getDifference, d);
	rig_pump(r);
}

void rig_refuse(struct rig *r, int function, const char *name)
{
	struct fakedc_query q = fakedc_take(&r->dc, (uint16_t)function);

	fakedc_error(&r->dc, &q, 420, name);
	rig_pump(r);
}

/* Back on line, with nothing missed. */
void rig_reconnect(struct rig *r)
{
	rig_hang_up(r);
	rig_connect(r);
	rig_answer_self(r);
	rig_answer_difference(r, false, 1, 0,
			      (struct updates_pos){ 10, 0, 101, 1 });
	assert_true(r->e.online);
}

struct dyn *rig_asked(struct rig *r, uint16_t function,
		      struct fakedc_query *ret)
{
	struct err_info ei = { 0 };
	struct tl_reader rd;
	struct dyn *d;

	*ret = fakedc_take(&r->dc, function);
	cursor_read(&rd, ret->body, ret->len);
	if (dyn_read(&rd, &schema_api_223, &r->dc.arena, &d, &ei))
		fail_msg("%s: %s", schema_name_text(function), ei.msg);
	assert_int_equal(cursor_finish(&rd), ERR_OK);
	return d;
}

static void put_text(char *to, size_t size, const struct dyn *d);

static void put_value(char *to, size_t size, const struct dyn_val *v)
{
	switch (v->kind) {
	case DYN_BOOL:
		snprintf(to, size, "%s", v->b ? "yes" : "no");
		break;
	case DYN_INT:
		snprintf(to, size, "%lld", (long long)v->i);
		break;
	case DYN_BYTES:
		snprintf(to, size, "%.*s", (int)v->bytes.len,
			 (const char *)v->bytes.data);
		break;
	case DYN_OBJ:
		put_text(to, size, v->obj);
		break;
	case DYN_VEC:
		for (uint32_t i = 0; i < v->vec->n; i++) {
			size_t n = strlen(to);

			if (i)
				to[n++] = ',';
			to[n] = 0;
			put_value(to + n, size - n, &v->vec->items[i]);
		}
		break;
	case DYN_NONE:
	case DYN_DOUBLE:
		break;
	}
}

static void put_text(char *to, size_t size, const struct dyn *d)
{
	size_t n = (size_t)snprintf(to, size, "(%s", schema_name_text(d->name));

	for (uint16_t i = 0; i < d->n; i++) {
		const struct dyn_val *v = &d->fields[i].val;

		if (v->kind == DYN_INT && !v->i)
			continue;
		n += (size_t)snprintf(to + n, size - n, " %s=",
				      schema_field_text(d->fields[i].name));
		put_value(to + n, size - n, v);
		n += strlen(to + n);
	}
	snprintf(to + n, size - n, ")");
}

const char *rig_text(const struct dyn *d)
{
	static char text[2048];

	text[0] = 0;
	put_text(text, sizeof(text), d);
	return text;
}

void rig_asked_for(struct rig *r, uint16_t function, const char *words)
{
	struct fakedc_query q;

	rig_pump(r);
	assert_string_equal(rig_text(rig_asked(r, function, &q)), words);
	fakedc_error(&r->dc, &q, 400, "ANY");
	rig_pump(r);
	assert_int_equal(r->e.ncalls, 0);
	assert_int_equal(r->rc, ERR_OK);
}

void rig_answer(struct rig *r, const struct fakedc_query *q, uint16_t function,
		struct dyn *obj)
{
	fakedc_answer_obj(&r->dc, q, function, obj);
	rig_pump(r);
}

struct dyn *rig_updates(struct rig *r, struct dyn *first, struct dyn *second)
{
	struct dyn *c = fakedc_new(&r->dc, TLN_updates);
	struct dyn_vec *v = dyn_add_vec(c, TLF_updates);

	if (first)
		dyn_push_obj(v, first);
	if (second)
		dyn_push_obj(v, second);
	(void)dyn_add_vec(c, TLF_users);
	(void)dyn_add_vec(c, TLF_chats);
	dyn_set_int(c, TLF_date, 101);
	return c;
}

struct dyn *rig_channel(struct rig *r, int64_t id, int64_t hash)
{
	struct dyn *c = fakedc_new(&r->dc, TLN_channel);

	dyn_set_int(c, TLF_id, id);
	dyn_set_int(c, TLF_access_hash, hash);
	dyn_set_str(c, TLF_title, "c");
	dyn_set_bool(c, TLF_megagroup, true);
	dyn_set_obj(c, TLF_photo, fakedc_new(&r->dc, TLN_chatPhotoEmpty));
	return c;
}

struct dyn *rig_user(struct rig *r, int64_t id, int64_t hash)
{
	struct dyn *u = fakedc_new(&r->dc, TLN_user);

	dyn_set_int(u, TLF_id, id);
	dyn_set_int(u, TLF_access_hash, hash);
	return u;
}

struct dyn *rig_peer(struct rig *r, int64_t id)
{
	struct dyn *p;

	if (id > 0) {
		p = fakedc_new(&r->dc, TLN_peerUser);
		dyn_set_int(p, TLF_user_id, id);
	} else if (id > PEERS_CHANNEL) {
		p = fakedc_new(&r->dc, TLN_peerChat);
		dyn_set_int(p, TLF_chat_id, -id);
	} else {
		p = fakedc_new(&r->dc, TLN_peerChannel);
		dyn_set_int(p, TLF_channel_id, PEERS_CHANNEL - id);
	}
	return p;
}
