/* SPDX-License-Identifier: MIT */
/*
 * The data centre and a client that holds a key and says anything, over
 * loopback.  Records of the input: raw bytes, or a message sealed properly, as it
 * is, as a query of one of the layers, or in the plain.  What comes back is a
 * transport's error or opens with the key, and the data centre lives on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dc/dc_int.h"
#include "mtproto/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define INPUTS_A_WORLD 1000 /* then it has grown enough */
#define BODY_MAX 4096
#define SALT 99

static struct loop *loop;
static struct dc *dc;
static struct world_user *ada;
static unsigned int inputs;

static struct {
	struct authkey key;
	struct transport transport;
	uint64_t link, msg_id, seq;
	bool open, closed;
	bool spoke; /* the transport's own first bytes went first ... */
	bool blind; /* ... or others did: answers are in whatever they chose */
} c;

static void quiet(void *ctx, const char *line)
{
}

static struct world_user *person(const char *phone, const char *first)
{
	struct world_new_user n = { .phone = phone,
				    .first = first,
				    .home_dc = 1 };
	struct world_user *u = world_user_by_phone(&dc->world, phone);

	if (!u && world_add_user(&dc->world, &n, &u))
		abort();
	return u;
}

static void begin(void)
{
	struct dc_options o = { .count = 2, .seed_demo = true };

	dc_free(dc);
	loop_free(loop);
	log_set_sink(quiet, NULL);
	if (addr_parse("127.0.0.1:0", &o.listen, NULL))
		abort();
	o.admin = o.listen;
	if (loop_new(&loop, NULL, NULL) || dc_new(&dc, loop, &o, NULL))
		abort();
	ada = person("9996610001", "Ada");
	(void)person("9996610002", "Boris");
	inputs = 0;
}

/* A key of Ada's, or of nobody yet. */
static struct dc_key *make_key(bool signed_in)
{
	struct dc_store_key row = { .dc_id = 1, .salt = SALT };
	struct dc_key *k;

	row.created = dc_now(dc);
	row.user_id = signed_in ? ada->id : 0;
	rnd_fill(rnd_system(), row.key, sizeof(row.key));
	if (authkey_init(&c.key, row.key) || dc_key_add(dc, &row, &k))
		abort();
	return k;
}

static void on_open(void *ctx, uint64_t link)
{
	c.open = true;
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	struct transport_packet pkt;
	struct envelope_msg msg;
	bool has = true;

	while (len && has && !c.blind) {
		size_t n = len < TRANSPORT_FEED_MAX ? len : TRANSPORT_FEED_MAX;

		if (transport_feed(&c.transport, data, n, NULL))
			abort();
		data += n;
		len -= n;
		while (!transport_next(&c.transport, &pkt, &has, NULL) && has) {
			uint64_t id;

			if (pkt.type == TRANSPORT_ERROR)
				continue;
			if (envelope_key_id(pkt.data, pkt.len, &id, NULL))
				abort();
			if (id && envelope_open(&c.key, ENVELOPE_FROM_SERVER,
						pkt.data, pkt.len, &msg, NULL))
				abort();
		}
		has = true;
	}
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *ei)
{
	c.closed = true;
}

static const struct link_ops ops = { on_open, on_data, NULL, on_close };

static void dial(void)
{
	const struct transport_config tc = { .kind = TRANSPORT_INTERMEDIATE };
	struct link_dial_options o = { 0 };

	strcpy(o.to.host, "127.0.0.1");
	o.to.port = listener_addr(dc->nodes[0].listener).port;
	transport_init_client(&c.transport, &tc, rnd_system());
	c.open = c.closed = c.spoke = c.blind = false;
	if (link_dial(loop, &o, &ops, NULL, &c.link, NULL))
		abort();
	while (!c.open && !c.closed)
		loop_turn(loop, US_PER_SEC);
}

static void send_packet(const struct buf *packet)
{
	struct buf out;

	c.spoke = true;
	buf_init(&out, 1U << 20);
	if (transport_send(&c.transport, buf_head(packet), buf_len(packet),
			   &out, NULL))
		abort();
	(void)!link_send(loop, c.link, buf_head(&out), buf_len(&out));
	buf_deinit(&out);
}

static void send_plain(const uint8_t *body, size_t len)
{
	uint8_t head[20] = { 0 };
	struct buf packet;

	bytes_put_u64(head + 8, c.msg_id += 4);
	bytes_put_u32(head + 16, (uint32_t)len);
	buf_init(&packet, BODY_MAX + 64);
	if (buf_append(&packet, head, sizeof(head)) ||
	    buf_append(&packet, body, len))
		abort();
	send_packet(&packet);
	buf_deinit(&packet);
}

/* layer 0: the body as it is. */
static void send_sealed(uint32_t layer, const uint8_t *body, size_t len)
{
	uint8_t whole[8 + BODY_MAX];
	struct envelope_msg msg = { .salt = SALT,
				    .session_id = 7,
				    .msg_id = c.msg_id += 4,
				    .seq_no = (uint32_t)(c.seq += 2) - 1,
				    .body = whole };
	size_t head = layer ? 8 : 0;
	struct buf packet;

	bytes_put_u32(whole, 0xda9b0d0d); /* invokeWithLayer */
	bytes_put_u32(whole + 4, layer);
	memcpy(whole + head, body, len);
	msg.body_len = head + len;
	if (msg.body_len < 4)
		return;
	buf_init(&packet, BODY_MAX + 2048);
	if (envelope_seal(&c.key, ENVELOPE_TO_SERVER, &msg, rnd_system(),
			  &packet, NULL))
		abort();
	send_packet(&packet);
	buf_deinit(&packet);
}

static size_t record(const uint8_t *data, size_t len)
{
	static const uint32_t layers[] = { 223, 223, 198, 144 };
	size_t n = (size_t)data[1] << 3 | data[0] >> 5;

	n = n < len - 2 ? n : len - 2;
	switch (data[0] % 8) {
	case 0:
		c.blind |= !c.spoke;
		(void)!link_send(loop, c.link, data + 2, n);
		break;
	case 1:
		send_plain(data + 2, n & ~(size_t)3);
		break;
	case 2:
	case 3:
		send_sealed(0, data + 2, n & ~(size_t)3);
		break;
	default:
		send_sealed(layers[data[0] % 4], data + 2, n & ~(size_t)3);
	}
	return 2 + n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dc_key *k;
	uint64_t id;

	if (len < 3 || len > 65536)
		return 0;
	if (!dc || inputs++ >= INPUTS_A_WORLD)
		begin();
	k = make_key(data[0] & 1);
	id = k->auth.id;
	c.msg_id = (uint64_t)dc_now(dc) << 32;
	c.seq = 0;
	dial();
	for (size_t at = 1; at + 2 <= len && !c.closed;) {
		at += record(data + at, len - at);
		loop_turn(loop, 0);
	}
	for (int i = 0; i < 4 && !c.closed; i++)
		loop_turn(loop, 0);
	link_close(loop, c.link, CLOSE_LOCAL);
	while (!c.closed)
		loop_turn(loop, US_PER_SEC);
	loop_turn(loop, 0);
	if (dc_failure(dc, NULL))
		abort();
	k = dc_key_get(dc, id); /* unless it was destroyed */
	if (k)
		dc_key_revoke(dc, k);
	transport_deinit(&c.transport);
	authkey_deinit(&c.key);
	return 0;
}
