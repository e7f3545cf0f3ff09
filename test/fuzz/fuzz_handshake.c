/* SPDX-License-Identifier: MIT */
/*
 * Key exchange, both halves, against a peer that says anything.
 *
 * The first byte chooses the half and how far an honest exchange goes before
 * the foreign bytes come; of each honest message bytes may be changed.  Input:
 * mode, then rows of {length (2 bytes), bytes}.  Property: a half that says it
 * is done has a key, and both have the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "crypto/rsa.h"
#include "mtproto/handshake_client.h"
#include "mtproto/handshake_server.h"

struct input {
	const uint8_t *at, *end;
};

/* The next row; false at the end. */
static bool next(struct input *in, const uint8_t **ret, size_t *ret_len)
{
	size_t len;

	if (in->end - in->at < 2)
		return false;
	len = (size_t)(in->at[0] | in->at[1] << 8) % 2048;
	in->at += 2;
	if (len > (size_t)(in->end - in->at))
		len = (size_t)(in->end - in->at);
	*ret = in->at;
	*ret_len = len;
	in->at += len;
	return true;
}

static struct rsa_key *make_key(void)
{
	static struct rsa_key *key;

	if (!key)
		BUG_ON(rsa_generate(&key, NULL));
	return key;
}

struct pair {
	struct rnd_seeded rnd;
	const struct rsa_key *keys[1];
	struct handshake_client *c;
	struct handshake_server *s;
	struct buf up, down;
	bool c_done, s_done;
};

static void pair_init(struct pair *p)
{
	struct handshake_client_config cc = { p->keys, 1, 2, 0, &p->rnd.rnd };
	struct handshake_server_config sc = { .keys = p->keys,
					      .key_count = 1,
					      .rnd = &p->rnd.rnd };

	memset(p, 0, sizeof(*p));
	rnd_seeded_init(&p->rnd, 1);
	p->keys[0] = make_key();
	buf_init(&p->up, 8192);
	buf_init(&p->down, 8192);
	BUG_ON(handshake_client_new(&cc, &p->c));
	BUG_ON(handshake_server_new(&sc, &p->s, NULL));
	BUG_ON(handshake_client_start(p->c, &p->up));
}

static void pair_deinit(struct pair *p)
{
	handshake_client_free(p->c);
	handshake_server_free(p->s);
	buf_deinit(&p->up);
	buf_deinit(&p->down);
}

static bool to_server(struct pair *p)
{
	struct handshake_packet packet = { .body = buf_head(&p->up),
					   .len = buf_len(&p->up) };
	enum handshake_step step;

	buf_reset(&p->down);
	if (handshake_server_feed(p->s, &packet, &p->down, &step, NULL))
		return false;
	if (step == HANDSHAKE_WANT_WORK) {
		handshake_server_work(p->s);
		if (handshake_server_resume(p->s, &p->down, &step, NULL))
			return false;
	}
	p->s_done = step == HANDSHAKE_DONE;
	return true;
}

static bool to_client(struct pair *p)
{
	struct handshake_packet packet = { .body = buf_head(&p->down),
					   .len = buf_len(&p->down) };
	struct err_info ei;

	buf_reset(&p->up);
	return !handshake_client_step(p->c, &packet, &p->up, &p->c_done, &ei);
}

/* Lays a row over a message: offset (2 bytes), then bytes to xor. */
static void disturb(struct buf *b, const uint8_t *row, size_t len)
{
	size_t at, i;

	if (len < 3 || !buf_len(b))
		return;
	at = (size_t)(row[0] | row[1] << 8);
	for (i = 2; i < len; i++)
		buf_head(b)[(at + i - 2) % buf_len(b)] ^= row[i];
}

static void replace(struct buf *b, const uint8_t *row, size_t len)
{
	buf_reset(b);
	BUG_ON(buf_append(b, row, len));
}

static void check(const struct pair *p)
{
	struct handshake_result a, b;

	if (!p->c_done || !p->s_done)
		return;
	BUG_ON(handshake_client_result(p->c, &a));
	BUG_ON(handshake_server_result(p->s, &b));
	BUG_ON(a.key.id != b.key.id || a.salt != b.salt);
	authkey_deinit(&a.key);
	authkey_deinit(&b.key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data + 1, data + len };
	size_t honest, turn, row_len;
	const uint8_t *row;
	struct pair p;
	bool ok = true;

	if (len < 1)
		return 0;
	honest = data[0] & 7;
	pair_init(&p);
	for (turn = 0; ok && turn < 12 && !p.c_done; turn++) {
		struct buf *b = turn % 2 ? &p.down : &p.up;

		if (turn >= honest && next(&in, &row, &row_len)) {
			if (data[0] & 8)
				replace(b, row, row_len);
			else
				disturb(b, row, row_len);
		}
		ok = turn % 2 ? to_client(&p) : to_server(&p);
	}
	check(&p);
	pair_deinit(&p);
	return 0;
}
