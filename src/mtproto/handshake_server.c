/* SPDX-License-Identifier: MIT */
#include "mtproto/handshake_server.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "crypto/dh.h"
#include "mtproto/handshake_int.h"

#define PLAIN_PADDING_MAX 255U

enum state {
	IDLE,
	WAIT_REQ_DH,
	WORK_REQ_DH,
	WAIT_SET_DH,
	WORK_SET_DH,
	DONE,
	FAILED,
};

struct handshake_server {
	struct handshake_server_config cfg;
	enum state state;
	struct handshake_nonces nonces;
	uint64_t p, q;
	/* req_DH_params */
	const struct rsa_key *rsa;
	uint8_t block[RSA_BLOCK_LEN];
	uint8_t new_nonce[NEW_NONCE_LEN];
	int32_t dc, expires_in_sec, now_sec;
	/* set_client_DH_params */
	struct buf answer; /* encrypted; emptied by the work */
	struct mtkdf_aes aes;
	uint8_t a[DH_LEN], auth_key[DH_LEN];
	uint64_t retry_id;
	/* what the work made */
	struct buf next;
	bool refused; /* answered, but with a fail */
	enum err rc;
	struct err_info ei;
};

enum err handshake_server_new(const struct handshake_server_config *cfg,
			      struct handshake_server **ret,
			      struct err_info *ei)
{
	struct handshake_server *h;
	size_t i;

	for (i = 0; i < cfg->key_count; i++)
		if (!rsa_has_private(cfg->keys[i]))
			return err_set(ei, ERR_INVALID,
				       "server key %zu has no private half", i);
	h = calloc(1, sizeof(*h));
	if (!h)
		return ERR_NOMEM;
	h->cfg = *cfg;
	if (!h->cfg.prime)
		h->cfg.prime = dh_known_prime;
	if (!h->cfg.g)
		h->cfg.g = 3;
	buf_init(&h->answer, HANDSHAKE_BODY_MAX);
	buf_init(&h->next, HANDSHAKE_BODY_MAX);
	*ret = h;
	return ERR_OK;
}

void handshake_server_free(struct handshake_server *h)
{
	if (!h)
		return;
	buf_wipe(&h->answer);
	buf_wipe(&h->next);
	secret_wipe(h, sizeof(*h));
	free(h);
}

static enum err fail(struct handshake_server *h, enum err rc,
		     struct err_info *ei)
{
	h->state = FAILED;
	h->rc = rc;
	return ei ? err_set(ei, rc, "%s", h->ei.msg) : rc;
}

/* A prime of 31 bits. */
static uint64_t make_prime(struct rnd *rnd)
{
	uint8_t b[4];
	uint64_t n;

	do {
		rnd_fill(rnd, b, sizeof(b));
		n = (uint64_t)(b[0] & 0x3f) << 24 | (uint64_t)b[1] << 16 |
		    (uint64_t)b[2] << 8 | b[3];
		n |= 0x40000001;
	} while (!pq_is_prime(n));
	return n;
}

static void make_pq(struct handshake_server *h)
{
	uint64_t t;

	h->p = make_prime(h->cfg.rnd);
	do
		h->q = make_prime(h->cfg.rnd);
	while (h->q == h->p);
	if (h->p > h->q) {
		t = h->p;
		h->p = h->q;
		h->q = t;
	}
}

static enum err put_res_pq(const struct handshake_server *h, struct buf *out)
{
	uint8_t pq[PQ_LEN_MAX];
	struct tl_writer w;
	size_t len = pq_write(h->p * h->q, pq), i;

	cursor_write(&w, out);
	handshake_put_head(&w, ID_RES_PQ, &h->nonces);
	cursor_put_bytes(&w, pq, len);
	cursor_put_vector(&w, (uint32_t)h->cfg.key_count);
	for (i = 0; i < h->cfg.key_count; i++)
		cursor_put_i64(&w, (int64_t)rsa_fingerprint(h->cfg.keys[i]));
	return w.rc;
}

/*
 * TDLib hides the lengths of these messages: 0 to 255 random bytes lie behind,
 * inside the length that is announced.
 */
static bool ends(const struct tl_reader *r)
{
	return !r->rc && cursor_left(r) <= PLAIN_PADDING_MAX;
}

static enum err get_req_pq(struct handshake_server *h, struct tl_reader *r,
			   struct buf *out)
{
	enum err rc;

	cursor_get_fixed(r, h->nonces.client, NONCE_LEN);
	if (!ends(r))
		return err_set(&h->ei, ERR_PROTO, "req_pq: malformed");
	rnd_fill(h->cfg.rnd, h->nonces.server, NONCE_LEN);
	make_pq(h);
	h->retry_id = 0;
	h->refused = false;
	rc = put_res_pq(h, out);
	if (!rc)
		h->state = WAIT_REQ_DH;
	return rc;
}

static const struct rsa_key *find_key(const struct handshake_server *h,
				      uint64_t fingerprint)
{
	size_t i;

	for (i = 0; i < h->cfg.key_count; i++)
		if (rsa_fingerprint(h->cfg.keys[i]) == fingerprint)
			return h->cfg.keys[i];
	return NULL;
}

static bool number_is(struct tl_bytes b, uint64_t want)
{
	uint64_t n;

	return !pq_read(b.data, b.len, &n, NULL) && n == want;
}

static enum err get_req_dh(struct handshake_server *h, struct tl_reader *r)
{
	static const char what[] = "req_DH_params";
	struct tl_bytes p, q, data;
	uint64_t fingerprint;
	enum err rc;

	rc = handshake_get_nonces(r, &h->nonces, what, &h->ei);
	if (rc)
		return rc;
	p = cursor_get_bytes(r);
	q = cursor_get_bytes(r);
	fingerprint = (uint64_t)cursor_get_i64(r);
	data = cursor_get_bytes(r);
	if (!ends(r))
		return err_set(&h->ei, ERR_PROTO, "%s: malformed", what);
	if (!number_is(p, h->p) || !number_is(q, h->q))
		return err_set(&h->ei, ERR_PROTO, "%s: wrong p or q", what);
	h->rsa = find_key(h, fingerprint);
	if (!h->rsa)
		return err_set(&h->ei, ERR_NOTFOUND,
			       "%s: no key of this fingerprint", what);
	if (data.len != RSA_BLOCK_LEN)
		return err_set(&h->ei, ERR_PROTO, "%s: %zu encrypted bytes",
			       what, data.len);
	memcpy(h->block, data.data, RSA_BLOCK_LEN);
	h->state = WORK_REQ_DH;
	return ERR_OK;
}

struct inner {
	struct tl_bytes pq, p, q;
	struct handshake_nonces nonces;
	uint8_t new_nonce[NEW_NONCE_LEN];
	int32_t dc, expires_in_sec;
	size_t len; /* of the object, without what follows */
};

static enum err read_inner(const uint8_t *data, size_t len, struct inner *in,
			   struct err_info *ei)
{
	struct tl_reader r;
	uint32_t id;

	memset(in, 0, sizeof(*in));
	cursor_read(&r, data, len);
	id = cursor_get_u32(&r);
	if (id != ID_INNER && id != ID_INNER_DC && id != ID_INNER_TEMP &&
	    id != ID_INNER_TEMP_DC)
		return err_set(ei, ERR_PROTO, "no p_q_inner_data: #%08x", id);
	in->pq = cursor_get_bytes(&r);
	in->p = cursor_get_bytes(&r);
	in->q = cursor_get_bytes(&r);
	cursor_get_fixed(&r, in->nonces.client, NONCE_LEN);
	cursor_get_fixed(&r, in->nonces.server, NONCE_LEN);
	cursor_get_fixed(&r, in->new_nonce, NEW_NONCE_LEN);
	if (id == ID_INNER_DC || id == ID_INNER_TEMP_DC)
		in->dc = cursor_get_i32(&r);
	if (id == ID_INNER_TEMP || id == ID_INNER_TEMP_DC) {
		in->expires_in_sec = cursor_get_i32(&r);
		if (!r.rc && in->expires_in_sec <= 0)
			return err_set(ei, ERR_PROTO,
				       "p_q_inner_data: expires_in %d",
				       in->expires_in_sec);
	}
	if (r.rc)
		return err_set(ei, ERR_PROTO, "p_q_inner_data: malformed");
	in->len = (size_t)(r.at - data);
	return ERR_OK;
}

/* What older clients do: SHA-1, data, padding. */
static enum err open_legacy(struct handshake_server *h,
			    struct rsa_sha1_open *old, struct inner *in)
{
	uint8_t sha1[SHA_1_LEN];
	enum err rc;

	rc = rsa_sha1_decrypt(h->rsa, h->block, old, &h->ei);
	if (!rc)
		rc = read_inner(old->data, sizeof(old->data), in, &h->ei);
	if (rc)
		return rc;
	sha_1(old->data, in->len, sha1);
	if (!secret_memeq(sha1, old->sha1, sizeof(sha1)))
		return err_set(&h->ei, ERR_PROTO,
			       "p_q_inner_data: SHA-1 differs");
	return ERR_OK;
}

static bool dc_served(const struct handshake_server *h, int32_t dc)
{
	int32_t plain = dc % 10000;
	size_t i;

	if (plain < 0)
		plain = -plain;
	for (i = 0; i < h->cfg.dc_count; i++)
		if (h->cfg.dcs[i] == plain)
			return true;
	return dc == 0 || h->cfg.dc_count == 0;
}

/* server_DH_params_fail: the client proved new_nonce, but nothing else fits. */
static enum err refuse_params(struct handshake_server *h)
{
	uint8_t hash[SHA_1_LEN];
	struct tl_writer w;

	sha_1(h->new_nonce, NEW_NONCE_LEN, hash);
	cursor_write(&w, &h->next);
	handshake_put_head(&w, ID_DH_PARAMS_FAIL, &h->nonces);
	cursor_put_raw(&w, hash + 4, 16);
	h->refused = true;
	return w.rc;
}

/* An exponent whose power keeps its distance from 0 and the prime. */
static enum err make_g_a(struct handshake_server *h, uint8_t g_a[static DH_LEN])
{
	enum err rc;

	rnd_fill(h->cfg.rnd, h->a, DH_LEN);
	rc = dh_power(h->cfg.g, h->a, h->cfg.prime, g_a);
	return rc ? rc : dh_check_public(h->cfg.prime, g_a, "g_a", &h->ei);
}

static enum err offer_params(struct handshake_server *h)
{
	uint8_t g_a[DH_LEN];
	struct buf inner;
	struct tl_writer w;
	enum err rc = make_g_a(h, g_a);

	if (rc)
		return rc;
	mtkdf_handshake_aes(h->new_nonce, h->nonces.server, &h->aes);
	buf_init(&inner, HANDSHAKE_BODY_MAX);
	cursor_write(&w, &inner);
	handshake_put_head(&w, ID_SERVER_INNER, &h->nonces);
	cursor_put_i32(&w, h->cfg.g);
	cursor_put_bytes(&w, h->cfg.prime, DH_LEN);
	cursor_put_bytes(&w, g_a, DH_LEN);
	cursor_put_i32(&w, h->now_sec);
	rc = w.rc ? w.rc : handshake_seal(&h->aes, h->cfg.rnd, &inner);
	if (!rc) {
		cursor_write(&w, &h->next);
		handshake_put_head(&w, ID_DH_PARAMS_OK, &h->nonces);
		cursor_put_bytes(&w, buf_head(&inner), buf_len(&inner));
		rc = w.rc;
	}
	buf_wipe(&inner);
	return rc;
}

static enum err judge_inner(struct handshake_server *h, const struct inner *in)
{
	memcpy(h->new_nonce, in->new_nonce, NEW_NONCE_LEN);
	h->dc = in->dc;
	h->expires_in_sec = in->expires_in_sec;
	if (!number_is(in->pq, h->p * h->q) || !number_is(in->p, h->p) ||
	    !number_is(in->q, h->q) ||
	    !secret_memeq(&in->nonces, &h->nonces, sizeof(h->nonces)))
		return refuse_params(h);
	if (!dc_served(h, in->dc))
		return err_set(&h->ei, ERR_WRONG_DC,
			       "p_q_inner_data: dc %d is not served here",
			       in->dc);
	return offer_params(h);
}

static enum err work_req_dh(struct handshake_server *h)
{
	uint8_t data[RSA_PAD_OPEN_LEN];
	struct rsa_sha1_open old;
	struct inner in;
	enum err rc;

	rc = rsa_pad_decrypt(h->rsa, h->block, data, &h->ei);
	if (!rc)
		rc = read_inner(data, sizeof(data), &in, &h->ei);
	else if (rc == ERR_PROTO)
		rc = open_legacy(h, &old, &in);
	if (!rc)
		rc = judge_inner(h, &in);
	secret_wipe(data, sizeof(data));
	secret_wipe(&old, sizeof(old));
	secret_wipe(&in, sizeof(in));
	return rc;
}

static enum err get_set_dh(struct handshake_server *h, struct tl_reader *r)
{
	static const char what[] = "set_client_DH_params";
	struct tl_bytes data;
	enum err rc;

	rc = handshake_get_nonces(r, &h->nonces, what, &h->ei);
	if (rc)
		return rc;
	data = cursor_get_bytes(r);
	if (!ends(r))
		return err_set(&h->ei, ERR_PROTO, "%s: malformed", what);
	rc = buf_append(&h->answer, data.data, data.len);
	if (rc)
		return rc;
	h->state = WORK_SET_DH;
	return ERR_OK;
}

static enum err open_client_inner(struct handshake_server *h,
				  uint64_t *ret_retry_id,
				  uint8_t g_b[static DH_LEN])
{
	static const char what[] = "client_DH_inner_data";
	struct handshake_nonces got;
	struct tl_bytes number;
	struct tl_reader r;
	enum err rc;

	rc = handshake_open(&h->aes, &h->answer, &r, &h->ei);
	if (rc)
		return err_wrap(&h->ei, rc, what);
	if (cursor_get_u32(&r) != ID_CLIENT_INNER)
		return err_set(&h->ei, ERR_PROTO,
			       "%s: another constructor or key", what);
	cursor_get_fixed(&r, got.client, NONCE_LEN);
	cursor_get_fixed(&r, got.server, NONCE_LEN);
	*ret_retry_id = (uint64_t)cursor_get_i64(&r);
	number = cursor_get_bytes(&r);
	rc = handshake_open_end(&h->answer, &r, what, &h->ei);
	if (rc)
		return rc;
	if (!secret_memeq(&got, &h->nonces, sizeof(got)))
		return err_set(&h->ei, ERR_PROTO, "%s: a nonce differs", what);
	rc = dh_pad(number.data, number.len, g_b, &h->ei);
	return rc ? err_wrap(&h->ei, rc, "g_b") : ERR_OK;
}

static enum err work_set_dh(struct handshake_server *h)
{
	uint8_t g_b[DH_LEN];
	uint64_t retry_id = 0;
	enum err rc = open_client_inner(h, &retry_id, g_b);

	buf_wipe(&h->answer);
	buf_init(&h->answer, HANDSHAKE_BODY_MAX);
	if (rc)
		return rc;
	rc = dh_check_public(h->cfg.prime, g_b, "g_b", &h->ei);
	if (rc)
		return rc;
	h->refused = retry_id != h->retry_id;
	return dh_modexp(g_b, h->a, h->cfg.prime, h->auth_key);
}

static enum err put_dh_gen(struct handshake_server *h, uint32_t id,
			   uint8_t number)
{
	struct tl_writer w;
	uint8_t hash[16];

	mtkdf_new_nonce_hash(h->new_nonce, number, h->auth_key, hash);
	cursor_write(&w, &h->next);
	handshake_put_head(&w, id, &h->nonces);
	cursor_put_raw(&w, hash, sizeof(hash));
	return w.rc;
}

static enum err answer_set_dh(struct handshake_server *h)
{
	uint64_t id = mtkdf_auth_key_id(h->auth_key);

	if (h->refused) {
		h->state = IDLE;
		return put_dh_gen(h, ID_DH_GEN_FAIL, 3);
	}
	if (h->cfg.key_taken && h->cfg.key_taken(h->cfg.ctx, id)) {
		h->retry_id = mtkdf_aux_hash(h->auth_key);
		h->state = WAIT_SET_DH;
		return put_dh_gen(h, ID_DH_GEN_RETRY, 2);
	}
	h->state = DONE;
	return put_dh_gen(h, ID_DH_GEN_OK, 1);
}

static enum err dispatch(struct handshake_server *h,
			 const struct handshake_packet *packet, struct buf *out)
{
	struct tl_reader r;
	uint32_t id;

	if (packet->len > HANDSHAKE_BODY_MAX)
		return err_set(&h->ei, ERR_PROTO, "body of %zu bytes",
			       packet->len);
	cursor_read(&r, packet->body, packet->len);
	id = cursor_get_u32(&r);
	if (id == ID_REQ_PQ || id == ID_REQ_PQ_MULTI)
		return get_req_pq(h, &r, out);
	if (h->state == FAILED)
		return h->rc;
	if (h->state == WAIT_REQ_DH && id == ID_REQ_DH_PARAMS) {
		h->now_sec = (int32_t)wall_sec(packet->now_wall);
		return get_req_dh(h, &r);
	}
	if (h->state == WAIT_SET_DH && id == ID_SET_CLIENT_DH)
		return get_set_dh(h, &r);
	return err_set(&h->ei, ERR_PROTO, "unexpected #%08x", id);
}

enum err handshake_server_feed(struct handshake_server *h,
			       const struct handshake_packet *packet,
			       struct buf *out, enum handshake_step *ret_step,
			       struct err_info *ei)
{
	enum err rc;

	/* another thread may be at it: look, but do not touch */
	if (h->state == WORK_REQ_DH || h->state == WORK_SET_DH)
		return err_set(ei, ERR_PROTO, "a question came too early");
	rc = dispatch(h, packet, out);
	if (rc)
		return fail(h, rc, ei);
	*ret_step = h->state == WAIT_REQ_DH ? HANDSHAKE_WANT_SEND
					    : HANDSHAKE_WANT_WORK;
	return ERR_OK;
}

void handshake_server_work(struct handshake_server *h)
{
	BUG_ON(h->state != WORK_REQ_DH && h->state != WORK_SET_DH);
	h->ei.msg[0] = '\0';
	h->rc = h->state == WORK_REQ_DH ? work_req_dh(h) : work_set_dh(h);
}

static enum err finish_work(struct handshake_server *h)
{
	if (h->rc)
		return h->rc;
	if (h->state == WORK_SET_DH)
		return answer_set_dh(h);
	h->state = h->refused ? IDLE : WAIT_SET_DH;
	return ERR_OK;
}

enum err handshake_server_resume(struct handshake_server *h, struct buf *out,
				 enum handshake_step *ret_step,
				 struct err_info *ei)
{
	enum err rc;

	BUG_ON(h->state != WORK_REQ_DH && h->state != WORK_SET_DH);
	rc = finish_work(h);
	if (!rc)
		rc = buf_append(out, buf_head(&h->next), buf_len(&h->next));
	buf_wipe(&h->next);
	buf_init(&h->next, HANDSHAKE_BODY_MAX);
	if (rc)
		return fail(h, rc, ei);
	*ret_step = h->state == DONE ? HANDSHAKE_DONE : HANDSHAKE_WANT_SEND;
	return ERR_OK;
}

enum err handshake_server_result(struct handshake_server *h,
				 struct handshake_result *ret)
{
	enum err rc;

	BUG_ON(h->state != DONE);
	memset(ret, 0, sizeof(*ret));
	rc = authkey_init(&ret->key, h->auth_key);
	if (rc)
		return rc;
	ret->salt = handshake_salt(h->new_nonce, h->nonces.server);
	ret->expires_in_sec = h->expires_in_sec;
	ret->dc = h->dc;
	return ERR_OK;
}
