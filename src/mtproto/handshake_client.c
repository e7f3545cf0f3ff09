/* SPDX-License-Identifier: MIT */
#include "mtproto/handshake_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "crypto/dh.h"
#include "mtproto/handshake_int.h"

enum state {
	NEW,
	WAIT_RES_PQ,
	WORK_RSA,
	WAIT_DH_PARAMS,
	WORK_DH,
	WAIT_DH_GEN,
	DONE,
	FAILED,
};

struct handshake_client {
	struct handshake_client_config cfg;
	enum state state;
	struct handshake_nonces nonces;
	uint8_t new_nonce[NEW_NONCE_LEN];
	/* resPQ */
	const struct rsa_key *rsa;
	uint64_t pq;
	uint8_t pq_bytes[PQ_LEN_MAX];
	size_t pq_len;
	/* server_DH_params_ok */
	struct buf answer; /* encrypted; emptied by the work */
	struct mtkdf_aes aes;
	uint8_t prime[DH_LEN], g_a[DH_LEN];
	int32_t g, server_time;
	struct mono told_at;
	/* our half */
	uint8_t auth_key[DH_LEN];
	uint64_t retry_id;
	unsigned int retries;
	/* what the work made */
	struct buf next;
	enum err rc;
	struct err_info ei;
};

enum err handshake_client_new(const struct handshake_client_config *cfg,
			      struct handshake_client **ret)
{
	struct handshake_client *h = calloc(1, sizeof(*h));

	if (!h)
		return ERR_NOMEM;
	h->cfg = *cfg;
	buf_init(&h->answer, HANDSHAKE_BODY_MAX);
	buf_init(&h->next, HANDSHAKE_BODY_MAX);
	*ret = h;
	return ERR_OK;
}

void handshake_client_free(struct handshake_client *h)
{
	if (!h)
		return;
	buf_wipe(&h->answer);
	buf_wipe(&h->next);
	secret_wipe(h, sizeof(*h));
	free(h);
}

/* The first failure stays: a peer that lied once is not asked again. */
static enum err fail(struct handshake_client *h, enum err rc,
		     struct err_info *ei)
{
	h->state = FAILED;
	h->rc = rc;
	return ei ? err_set(ei, rc, "%s", h->ei.msg) : rc;
}

enum err handshake_client_start(struct handshake_client *h, struct buf *out)
{
	struct tl_writer w;

	BUG_ON(h->state != NEW);
	rnd_fill(h->cfg.rnd, h->nonces.client, NONCE_LEN);
	cursor_write(&w, out);
	cursor_put_u32(&w, ID_REQ_PQ_MULTI);
	cursor_put_raw(&w, h->nonces.client, NONCE_LEN);
	if (!w.rc)
		h->state = WAIT_RES_PQ;
	return w.rc;
}

static const struct rsa_key *find_key(const struct handshake_client *h,
				      uint64_t fingerprint)
{
	size_t i;

	for (i = 0; i < h->cfg.key_count; i++)
		if (rsa_fingerprint(h->cfg.keys[i]) == fingerprint)
			return h->cfg.keys[i];
	return NULL;
}

static void get_fingerprints(struct handshake_client *h, struct tl_reader *r)
{
	uint32_t n = cursor_get_vector(r, 8);
	const struct rsa_key *key;

	h->rsa = NULL;
	while (n--) {
		key = find_key(h, (uint64_t)cursor_get_i64(r));
		if (!h->rsa)
			h->rsa = key;
	}
}

static enum err get_res_pq(struct handshake_client *h, struct tl_reader *r)
{
	uint8_t nonce[NONCE_LEN];
	struct tl_bytes pq;
	enum err rc;

	cursor_get_fixed(r, nonce, NONCE_LEN);
	cursor_get_fixed(r, h->nonces.server, NONCE_LEN);
	pq = cursor_get_bytes(r);
	get_fingerprints(h, r);
	if (cursor_finish(r))
		return err_set(&h->ei, ERR_PROTO, "resPQ: malformed");
	if (memcmp(nonce, h->nonces.client, NONCE_LEN) != 0)
		return err_set(&h->ei, ERR_PROTO, "resPQ: nonce differs");
	if (!h->rsa)
		return err_set(&h->ei, ERR_PROTO,
			       "resPQ: none of the server's key fingerprints "
			       "is known: is this the right server and key?");
	rc = pq_read(pq.data, pq.len, &h->pq, &h->ei);
	if (rc)
		return err_wrap(&h->ei, rc, "resPQ");
	memcpy(h->pq_bytes, pq.data, pq.len);
	h->pq_len = pq.len;
	h->state = WORK_RSA;
	return ERR_OK;
}

static uint32_t inner_id(const struct handshake_client *h)
{
	return h->cfg.expires_in_sec ? ID_INNER_TEMP_DC : ID_INNER_DC;
}

static enum err put_inner(struct handshake_client *h, struct buf *out,
			  const struct tl_bytes pq[3])
{
	struct tl_writer w;
	int i;

	cursor_write(&w, out);
	cursor_put_u32(&w, inner_id(h));
	for (i = 0; i < 3; i++)
		cursor_put_bytes(&w, pq[i].data, pq[i].len);
	cursor_put_raw(&w, h->nonces.client, NONCE_LEN);
	cursor_put_raw(&w, h->nonces.server, NONCE_LEN);
	cursor_put_raw(&w, h->new_nonce, NEW_NONCE_LEN);
	cursor_put_i32(&w, h->cfg.dc);
	if (h->cfg.expires_in_sec)
		cursor_put_i32(&w, h->cfg.expires_in_sec);
	return w.rc;
}

static enum err encrypt_inner(struct handshake_client *h,
			      const struct tl_bytes pq[3], uint8_t *block)
{
	struct buf inner;
	enum err rc;

	buf_init(&inner, RSA_PAD_DATA_MAX);
	rc = put_inner(h, &inner, pq);
	if (!rc)
		rc = rsa_pad_encrypt(h->rsa, buf_head(&inner), buf_len(&inner),
				     h->cfg.rnd, block, &h->ei);
	buf_wipe(&inner);
	return rc;
}

static enum err work_rsa(struct handshake_client *h)
{
	uint8_t p_bytes[PQ_LEN_MAX], q_bytes[PQ_LEN_MAX];
	uint8_t block[RSA_BLOCK_LEN];
	struct tl_bytes pq[3] = { { h->pq_bytes, h->pq_len },
				  { p_bytes, 0 },
				  { q_bytes, 0 } };
	struct tl_writer w;
	uint64_t p, q;
	enum err rc;

	rc = pq_factor(h->pq, &p, &q, &h->ei);
	if (rc)
		return err_wrap(&h->ei, rc, "resPQ");
	pq[1].len = pq_write(p, p_bytes);
	pq[2].len = pq_write(q, q_bytes);
	rnd_fill(h->cfg.rnd, h->new_nonce, NEW_NONCE_LEN);
	rc = encrypt_inner(h, pq, block);
	if (rc)
		return rc;
	cursor_write(&w, &h->next);
	handshake_put_head(&w, ID_REQ_DH_PARAMS, &h->nonces);
	cursor_put_bytes(&w, pq[1].data, pq[1].len);
	cursor_put_bytes(&w, pq[2].data, pq[2].len);
	cursor_put_i64(&w, (int64_t)rsa_fingerprint(h->rsa));
	cursor_put_bytes(&w, block, sizeof(block));
	return w.rc;
}

static enum err get_dh_fail(struct handshake_client *h, struct tl_reader *r)
{
	uint8_t got[16], want[SHA_1_LEN];
	enum err rc;

	rc = handshake_get_nonces(r, &h->nonces, "server_DH_params_fail",
				  &h->ei);
	if (rc)
		return rc;
	cursor_get_fixed(r, got, sizeof(got));
	if (cursor_finish(r))
		return err_set(&h->ei, ERR_PROTO,
			       "server_DH_params_fail: malformed");
	sha_1(h->new_nonce, NEW_NONCE_LEN, want);
	if (!secret_memeq(got, want + 4, sizeof(got)))
		return err_set(&h->ei, ERR_PROTO,
			       "server_DH_params_fail: new_nonce_hash differs");
	return err_set(&h->ei, ERR_PROTO,
		       "server_DH_params_fail: the server refused our data");
}

static enum err get_dh_params(struct handshake_client *h, struct tl_reader *r,
			      struct mono now)
{
	struct tl_bytes answer;
	enum err rc;

	rc = handshake_get_nonces(r, &h->nonces, "server_DH_params_ok", &h->ei);
	if (rc)
		return rc;
	answer = cursor_get_bytes(r);
	if (cursor_finish(r))
		return err_set(&h->ei, ERR_PROTO,
			       "server_DH_params_ok: malformed");
	rc = buf_append(&h->answer, answer.data, answer.len);
	if (rc)
		return err_set(&h->ei, rc, "server_DH_params_ok: %zu bytes",
			       answer.len);
	h->told_at = now;
	h->state = WORK_DH;
	return ERR_OK;
}

/* Reads server_DH_inner_data; nothing in it is believed before the SHA-1 fits. */
static enum err open_answer(struct handshake_client *h)
{
	static const char what[] = "server_DH_inner_data";
	struct handshake_nonces got;
	struct tl_bytes prime, g_a;
	struct tl_reader r;
	enum err rc;

	mtkdf_handshake_aes(h->new_nonce, h->nonces.server, &h->aes);
	rc = handshake_open(&h->aes, &h->answer, &r, &h->ei);
	if (rc)
		return err_wrap(&h->ei, rc, what);
	if (cursor_get_u32(&r) != ID_SERVER_INNER)
		return err_set(&h->ei, ERR_PROTO,
			       "%s: another constructor or key", what);
	cursor_get_fixed(&r, got.client, NONCE_LEN);
	cursor_get_fixed(&r, got.server, NONCE_LEN);
	h->g = cursor_get_i32(&r);
	prime = cursor_get_bytes(&r);
	g_a = cursor_get_bytes(&r);
	h->server_time = cursor_get_i32(&r);
	rc = handshake_open_end(&h->answer, &r, what, &h->ei);
	if (rc)
		return rc;
	cursor_read(&r, &got, sizeof(got));
	rc = handshake_get_nonces(&r, &h->nonces, what, &h->ei);
	if (rc)
		return rc;
	if (prime.len != DH_LEN)
		return err_set(&h->ei, ERR_PROTO, "dh_prime: %zu bytes",
			       prime.len);
	memcpy(h->prime, prime.data, DH_LEN);
	rc = dh_pad(g_a.data, g_a.len, h->g_a, &h->ei);
	return rc ? err_wrap(&h->ei, rc, "g_a") : ERR_OK;
}

static enum err check_answer(struct handshake_client *h)
{
	enum err rc = open_answer(h);

	buf_wipe(&h->answer);
	buf_init(&h->answer, HANDSHAKE_BODY_MAX);
	if (rc)
		return rc;
	rc = dh_check_group(h->prime, h->g, &h->ei);
	if (rc)
		return rc;
	return dh_check_public(h->prime, h->g_a, "g_a", &h->ei);
}

static enum err make_key(struct handshake_client *h, uint8_t g_b[static DH_LEN])
{
	uint8_t b[DH_LEN];
	enum err rc;

	rnd_fill(h->cfg.rnd, b, sizeof(b));
	rc = dh_power(h->g, b, h->prime, g_b);
	/* 2^-63 with a good random source; so this one is not */
	if (!rc)
		rc = dh_check_public(h->prime, g_b, "g_b", &h->ei);
	if (!rc)
		rc = dh_modexp(h->g_a, b, h->prime, h->auth_key);
	secret_wipe(b, sizeof(b));
	return rc;
}

static enum err put_client_inner(struct handshake_client *h, struct buf *inner)
{
	uint8_t g_b[DH_LEN];
	struct tl_writer w;
	enum err rc = make_key(h, g_b);

	if (rc)
		return rc;
	cursor_write(&w, inner);
	handshake_put_head(&w, ID_CLIENT_INNER, &h->nonces);
	cursor_put_i64(&w, (int64_t)h->retry_id);
	cursor_put_bytes(&w, g_b, sizeof(g_b));
	return w.rc;
}

static enum err work_dh(struct handshake_client *h)
{
	struct buf inner;
	struct tl_writer w;
	enum err rc = ERR_OK;

	if (!h->retries)
		rc = check_answer(h);
	if (rc)
		return rc;
	buf_init(&inner, HANDSHAKE_BODY_MAX);
	rc = put_client_inner(h, &inner);
	if (!rc)
		rc = handshake_seal(&h->aes, h->cfg.rnd, &inner);
	if (!rc) {
		cursor_write(&w, &h->next);
		handshake_put_head(&w, ID_SET_CLIENT_DH, &h->nonces);
		cursor_put_bytes(&w, buf_head(&inner), buf_len(&inner));
		rc = w.rc;
	}
	buf_wipe(&inner);
	return rc;
}

static enum err follow_retry(struct handshake_client *h)
{
	if (++h->retries > HANDSHAKE_RETRIES_MAX)
		return err_set(&h->ei, ERR_PROTO,
			       "dh_gen_retry: more than %d times",
			       HANDSHAKE_RETRIES_MAX);
	h->retry_id = mtkdf_aux_hash(h->auth_key);
	h->state = WORK_DH;
	return ERR_OK;
}

static enum err get_dh_gen(struct handshake_client *h, struct tl_reader *r,
			   uint32_t id)
{
	static const char *const names[] = { "", "dh_gen_ok", "dh_gen_retry",
					     "dh_gen_fail" };
	uint8_t number = id == ID_DH_GEN_OK ? 1 : id == ID_DH_GEN_RETRY ? 2 : 3;
	uint8_t got[16], want[16];
	enum err rc;

	rc = handshake_get_nonces(r, &h->nonces, names[number], &h->ei);
	if (rc)
		return rc;
	cursor_get_fixed(r, got, sizeof(got));
	if (cursor_finish(r))
		return err_set(&h->ei, ERR_PROTO, "%s: malformed",
			       names[number]);
	mtkdf_new_nonce_hash(h->new_nonce, number, h->auth_key, want);
	if (!secret_memeq(got, want, sizeof(got)))
		return err_set(&h->ei, ERR_PROTO,
			       "%s: new_nonce_hash%u differs", names[number],
			       number);
	if (number == 2)
		return follow_retry(h);
	if (number == 3)
		return err_set(&h->ei, ERR_PROTO,
			       "dh_gen_fail: the server refused our g_b");
	h->state = DONE;
	return ERR_OK;
}

static enum err refuse_id(struct handshake_client *h, uint32_t id)
{
	bool old = (id == ID_RES_PQ && h->state > WAIT_RES_PQ) ||
		   ((id == ID_DH_PARAMS_OK || id == ID_DH_PARAMS_FAIL) &&
		    h->state > WAIT_DH_PARAMS);

	if (old)
		return err_set(&h->ei, ERR_PROTO,
			       "an answer came a second time (#%08x)", id);
	return err_set(&h->ei, ERR_PROTO, "unexpected answer #%08x", id);
}

static enum err dispatch(struct handshake_client *h,
			 const struct handshake_packet *packet)
{
	struct tl_reader r;
	uint32_t id;

	if (packet->len > HANDSHAKE_BODY_MAX)
		return err_set(&h->ei, ERR_PROTO, "answer of %zu bytes",
			       packet->len);
	cursor_read(&r, packet->body, packet->len);
	id = cursor_get_u32(&r);
	if (r.rc)
		return err_set(&h->ei, ERR_PROTO, "answer of %zu bytes",
			       packet->len);
	if (h->state == WAIT_RES_PQ && id == ID_RES_PQ)
		return get_res_pq(h, &r);
	if (h->state == WAIT_DH_PARAMS && id == ID_DH_PARAMS_OK)
		return get_dh_params(h, &r, packet->now);
	if (h->state == WAIT_DH_PARAMS && id == ID_DH_PARAMS_FAIL)
		return get_dh_fail(h, &r);
	if (h->state == WAIT_DH_GEN &&
	    (id == ID_DH_GEN_OK || id == ID_DH_GEN_RETRY ||
	     id == ID_DH_GEN_FAIL))
		return get_dh_gen(h, &r, id);
	return refuse_id(h, id);
}

enum err handshake_client_feed(struct handshake_client *h,
			       const struct handshake_packet *packet,
			       enum handshake_step *ret_step,
			       struct err_info *ei)
{
	enum err rc;

	BUG_ON(h->state == NEW);
	/* another thread may be at it: look, but do not touch */
	if (h->state == WORK_RSA || h->state == WORK_DH)
		return err_set(ei, ERR_PROTO,
			       "an answer came before our question");
	if (h->state == FAILED)
		return fail(h, h->rc, ei);
	rc = dispatch(h, packet);
	if (rc)
		return fail(h, rc, ei);
	*ret_step = h->state == DONE ? HANDSHAKE_DONE : HANDSHAKE_WANT_WORK;
	return ERR_OK;
}

void handshake_client_work(struct handshake_client *h)
{
	BUG_ON(h->state != WORK_RSA && h->state != WORK_DH);
	h->ei.msg[0] = '\0';
	h->rc = h->state == WORK_RSA ? work_rsa(h) : work_dh(h);
}

enum err handshake_client_resume(struct handshake_client *h, struct buf *out,
				 struct err_info *ei)
{
	enum err rc = h->rc;

	BUG_ON(h->state != WORK_RSA && h->state != WORK_DH);
	if (!rc)
		rc = buf_append(out, buf_head(&h->next), buf_len(&h->next));
	buf_wipe(&h->next);
	buf_init(&h->next, HANDSHAKE_BODY_MAX);
	if (rc)
		return fail(h, rc, ei);
	h->state = h->state == WORK_RSA ? WAIT_DH_PARAMS : WAIT_DH_GEN;
	return ERR_OK;
}

enum err handshake_client_step(struct handshake_client *h,
			       const struct handshake_packet *packet,
			       struct buf *out, bool *ret_done,
			       struct err_info *ei)
{
	enum handshake_step step = HANDSHAKE_WANT_WORK;
	enum err rc = handshake_client_feed(h, packet, &step, ei);

	if (rc)
		return rc;
	*ret_done = step == HANDSHAKE_DONE;
	if (step == HANDSHAKE_DONE)
		return ERR_OK;
	handshake_client_work(h);
	return handshake_client_resume(h, out, ei);
}

enum err handshake_client_result(struct handshake_client *h,
				 struct handshake_result *ret)
{
	enum err rc;

	BUG_ON(h->state != DONE);
	memset(ret, 0, sizeof(*ret));
	rc = authkey_init(&ret->key, h->auth_key);
	if (rc)
		return rc;
	ret->salt = handshake_salt(h->new_nonce, h->nonces.server);
	ret->time_offset_us =
		(int64_t)h->server_time * US_PER_SEC - h->told_at.us;
	ret->expires_in_sec = h->cfg.expires_in_sec;
	ret->dc = h->cfg.dc;
	return ERR_OK;
}
