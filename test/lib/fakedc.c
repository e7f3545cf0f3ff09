/* SPDX-License-Identifier: MIT */
#include "fakedc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tl/skip.h"

#define ID_CONTAINER 0x73f1f8dcu
#define ID_RPC_RESULT 0xf35c6d01u
#define ID_RPC_ERROR 0x2144ca19u
#define ID_PING 0x7abe77ecu
#define ID_PING_DELAY 0xf3427b8cu
#define ID_PONG 0x347773c5u
#define ID_INVOKE_WITH_LAYER 0xda9b0d0du
#define ID_INIT_CONNECTION 0xc1cd5ea9u

static const struct schema *const layer = &schema_api_223;

void fakedc_init(struct fakedc *d, struct rnd *rnd, const uint8_t *key,
		 int64_t sec)
{
	*d = (struct fakedc){ .rnd = rnd, .sec = sec };
	assert_int_equal(authkey_init(&d->key, key), ERR_OK);
	buf_init(&d->out, 8U << 20);
	arena_init(&d->arena, 8U << 20);
	transport_init_server(&d->transport, NULL, rnd);
}

void fakedc_deinit(struct fakedc *d)
{
	transport_deinit(&d->transport);
	authkey_deinit(&d->key);
	buf_deinit(&d->out);
	arena_deinit(&d->arena);
}

void fakedc_accept(struct fakedc *d)
{
	transport_deinit(&d->transport);
	transport_init_server(&d->transport, NULL, d->rnd);
	buf_reset(&d->out);
	d->n = 0;
}

static void take_off_prefix(struct fakedc_query *q, struct tl_reader *r)
{
	q->prefixed = true;
	(void)cursor_get_u32(r);
	q->layer = cursor_get_i32(r);
	assert_int_equal(cursor_get_u32(r), ID_INIT_CONNECTION);
	assert_int_equal(cursor_get_u32(r), 0);
	q->api_id = cursor_get_i32(r);
	for (int i = 0; i < 6; i++)
		(void)cursor_get_string(r);
}

static void send_body(struct fakedc *d, struct buf *body);

static void pong(struct fakedc *d, uint64_t msg_id, struct tl_reader *r)
{
	struct tl_writer w;
	struct buf body;

	(void)cursor_get_u32(r);
	buf_init(&body, 64);
	cursor_write(&w, &body);
	cursor_put_u32(&w, ID_PONG);
	cursor_put_i64(&w, (int64_t)msg_id);
	cursor_put_i64(&w, cursor_get_i64(r));
	assert_int_equal(w.rc, ERR_OK);
	send_body(d, &body);
}

static void on_message(struct fakedc *d, uint64_t msg_id, const uint8_t *body,
		       size_t len)
{
	struct fakedc_query *q;
	struct tl_reader r;
	uint32_t id;

	cursor_read(&r, body, len);
	id = cursor_peek_u32(&r);
	if (id == ID_CONTAINER) {
		(void)cursor_get_u32(&r);
		for (int32_t n = cursor_get_i32(&r); n > 0; n--) {
			uint64_t inner = (uint64_t)cursor_get_i64(&r);
			uint32_t size;

			(void)cursor_get_i32(&r);
			size = cursor_get_u32(&r);
			on_message(d, inner, cursor_get_raw(&r, size), size);
		}
		return;
	}
	if (d->pongs && (id == ID_PING || id == ID_PING_DELAY)) {
		pong(d, msg_id, &r);
		return;
	}
	if (id != ID_INVOKE_WITH_LAYER && !schema_find(layer, id))
		return; /* service messages: acks, pings */
	assert_true(d->n < FAKEDC_QUERIES_MAX);
	q = &d->queries[d->n++];
	*q = (struct fakedc_query){ .msg_id = msg_id };
	if (id == ID_INVOKE_WITH_LAYER)
		take_off_prefix(q, &r);
	assert_int_equal(r.rc, ERR_OK);
	q->id = cursor_peek_u32(&r);
	q->whole = cursor_left(&r);
	q->len = q->whole < sizeof(q->body) ? q->whole : sizeof(q->body);
	memcpy(q->body, r.at, q->len);
}

static void feed_part(struct fakedc *d, const uint8_t *data, size_t len)
{
	struct transport_packet pkt;
	struct envelope_msg msg;
	bool has;

	assert_int_equal(transport_feed(&d->transport, data, len, NULL),
			 ERR_OK);
	for (;;) {
		assert_int_equal(
			transport_next(&d->transport, &pkt, &has, NULL),
			ERR_OK);
		if (!has)
			return;
		assert_int_equal(envelope_open(&d->key, ENVELOPE_TO_SERVER,
					       pkt.data, pkt.len, &msg, NULL),
				 ERR_OK);
		d->session_id = msg.session_id;
		on_message(d, msg.msg_id, msg.body, msg.body_len);
	}
}

void fakedc_feed(struct fakedc *d, const uint8_t *data, size_t len)
{
	while (len) {
		size_t n = len < TRANSPORT_FEED_MAX ? len : TRANSPORT_FEED_MAX;

		feed_part(d, data, n);
		data += n;
		len -= n;
	}
}

static uint32_t id_of(uint16_t name)
{
	const struct schema_ctor *c = schema_by_name(layer, name);

	assert_non_null(c);
	return c->id;
}

const struct fakedc_query *fakedc_find(const struct fakedc *d, uint16_t name)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->queries[i].id == id_of(name))
			return &d->queries[i];
	return NULL;
}

struct fakedc_query fakedc_take(struct fakedc *d, uint16_t name)
{
	const struct fakedc_query *q = fakedc_find(d, name);
	struct fakedc_query copy;
	size_t i;

	if (!q)
		fail_msg("no query %s", schema_name_text(name));
	copy = *q;
	i = (size_t)(q - d->queries);
	memmove(&d->queries[i], &d->queries[i + 1],
		(--d->n - i) * sizeof(copy));
	return copy;
}

static void send_body(struct fakedc *d, struct buf *body)
{
	struct buf packet;
	uint64_t id = ((uint64_t)d->sec << 32) | 1;

	if (id <= d->last_id)
		id = d->last_id + 4;
	d->last_id = id;
	buf_init(&packet, 8U << 20);
	assert_int_equal(envelope_seal(&d->key, ENVELOPE_FROM_SERVER,
				       &(struct envelope_msg){
					       .salt = 1,
					       .session_id = d->session_id,
					       .msg_id = id,
					       .seq_no = 1,
					       .body = buf_head(body),
					       .body_len = buf_len(body) },
				       d->rnd, &packet, NULL),
			 ERR_OK);
	assert_int_equal(transport_send(&d->transport, buf_head(&packet),
					buf_len(&packet), &d->out, NULL),
			 ERR_OK);
	buf_deinit(&packet);
	buf_deinit(body);
}

struct dyn *fakedc_new(struct fakedc *d, uint16_t name)
{
	return dyn_new(&d->arena, name);
}

static void begin_result(struct buf *body, struct tl_writer *w,
			 const struct fakedc_query *q)
{
	buf_init(body, 8U << 20);
	cursor_write(w, body);
	cursor_put_u32(w, ID_RPC_RESULT);
	cursor_put_i64(w, (int64_t)q->msg_id);
}

void fakedc_answer(struct fakedc *d, const struct fakedc_query *q,
		   uint16_t function, const struct dyn_val *v)
{
	struct err_info ei = { 0 };
	struct tl_writer w;
	struct buf body;

	begin_result(&body, &w, q);
	if (dyn_write_result(&w, layer, function, v, &ei))
		fail_msg("%s", ei.msg);
	send_body(d, &body);
}

void fakedc_answer_obj(struct fakedc *d, const struct fakedc_query *q,
		       uint16_t function, struct dyn *obj)
{
	const struct dyn_val v = { .kind = DYN_OBJ, .obj = obj };

	fakedc_answer(d, q, function, &v);
}

void fakedc_error(struct fakedc *d, const struct fakedc_query *q, int32_t code,
		  const char *name)
{
	struct tl_writer w;
	struct buf body;

	begin_result(&body, &w, q);
	cursor_put_u32(&w, ID_RPC_ERROR);
	cursor_put_i32(&w, code);
	cursor_put_string(&w, name);
	send_body(d, &body);
}

void fakedc_push(struct fakedc *d, const struct dyn *obj)
{
	struct err_info ei = { 0 };
	struct tl_writer w;
	struct buf body;

	buf_init(&body, 8U << 20);
	cursor_write(&w, &body);
	if (dyn_write(&w, layer, obj, &ei))
		fail_msg("%s", ei.msg);
	send_body(d, &body);
}

void fakedc_push_raw(struct fakedc *d, const void *data, size_t len)
{
	struct tl_writer w;
	struct buf body;

	buf_init(&body, 8U << 20);
	cursor_write(&w, &body);
	cursor_put_raw(&w, data, len);
	assert_int_equal(w.rc, ERR_OK);
	send_body(d, &body);
}

void fakedc_push_error(struct fakedc *d, int32_t code)
{
	assert_int_equal(
		transport_send_error(&d->transport, code, &d->out, NULL),
		ERR_OK);
}
