/* SPDX-License-Identifier: MIT */
#include "control/idem.h"

#include <string.h>

#include "base/text.h"
#include "control/control_int.h"
#include "control/jobs_reply.h"
#include "crypto/sha.h"

#define HEADER "idempotency-key"
#define KEY_MAX 200
#define WAIT_US (30 * US_PER_SEC)
/* Longer results of a job are read from the job. */
#define ANSWER_MAX 65536

/* What is sealed: the request's hash, one of these, the answer or the job. */
enum {
	KIND_ANSWER = 'a',
	KIND_JOB = 'j',
};

/* NULL: this request is not one that is kept. */
static enum err read_key(const struct http_req *req, const char **ret,
			 struct err_info *ei)
{
	const struct principal *p = control_caller(req);
	const char *key = http_req_header(req, HEADER);

	*ret = NULL;
	if (!key || !p || p->class == AUTH_NODE ||
	    strcmp(http_req_method(req), "POST") != 0)
		return ERR_OK;
	if (!*key || strnlen(key, KEY_MAX + 1) > KEY_MAX)
		return err_set(ei, ERR_INVALID,
			       "Idempotency-Key is 1 to %d characters",
			       KEY_MAX);
	*ret = key;
	return ERR_OK;
}

/* Of the row alone: what is not sealed tells nothing of the body. */
static struct store_hash route_hash(const struct http_req *req)
{
	const char *path = http_req_row(req)->path;
	struct store_hash h;

	sha_256(path, strlen(path), h.bytes);
	return h;
}

static struct store_hash request_hash(const struct http_req *req)
{
	const char *path = http_req_path(req);
	struct sha_part parts[] = { { path, strlen(path) + 1 }, { 0 } };
	struct store_hash h;

	parts[1].data = http_req_body(req, &parts[1].len);
	sha_256_parts(parts, ARRAY_LEN(parts), h.bytes);
	return h;
}

/* Bound to whose key it is: a row moved elsewhere does not open. */
static enum err record_for(struct http_req *req, const char *key,
			   struct vault_record *ret)
{
	ret->version = 1;
	ret->account_id = arena_printf(http_req_arena(req), "idem %s %s",
				       control_caller(req)->actor, key);
	return ret->account_id ? ERR_OK : ERR_NOMEM;
}

/* --- keeping --- */

static const char *b64(struct arena *a, const void *data, size_t len)
{
	char *text = arena_alloc(a, TEXT_B64_LEN(len) + 1);

	if (text)
		text_b64(text, data, len, TEXT_B64_URL);
	return text;
}

static enum err put(struct control *c, struct http_req *req, const char *key,
		    int status, const struct buf *plain, struct err_info *ei)
{
	struct arena *a = http_req_arena(req);
	const char *wrapped, *sealed;
	struct store_idem row = {
		.actor = control_caller(req)->actor,
		.key = key,
		.request = route_hash(req),
		.status = status,
		.created = control_wall(c),
	};
	struct vault_record rec;
	enum err rc;

	rc = record_for(req, key, &rec);
	if (!rc)
		rc = vault_seal(&c->vault, buf_head(plain), buf_len(plain), a,
				&rec, ei);
	if (rc)
		return rc;
	wrapped = b64(a, rec.wrapped_key, rec.wrapped_key_len);
	sealed = b64(a, rec.sealed, rec.sealed_len);
	if (wrapped && sealed)
		row.body = arena_printf(a, "%s.%s", wrapped, sealed);
	return row.body ? c->store->ops->idem_add(c->store, &row, ei)
			: ERR_NOMEM;
}

enum err idem_keep(struct control *c, struct http_req *req, struct err_info *ei)
{
	const struct store_hash h = request_hash(req);
	const char *job = c->change->job_id, *key;
	const void *body = "";
	char kind = KIND_ANSWER;
	struct buf plain;
	size_t len = 0;
	int status = 202;
	enum err rc;

	rc = read_key(req, &key, ei);
	if (rc || !key)
		return rc;
	if (!http_reply_held(req, &status, &body, &len) || len > ANSWER_MAX) {
		if (!job)
			return err_set(ei, ERR_TOOBIG,
				       "the answer is too long to be kept: "
				       "ask without an Idempotency-Key");
		kind = KIND_JOB;
		body = job;
		len = strlen(job);
	}
	buf_init(&plain, sizeof(h) + 1 + ANSWER_MAX);
	rc = buf_append(&plain, h.bytes, sizeof(h.bytes));
	if (!rc)
		rc = buf_append_byte(&plain, (uint8_t)kind);
	if (!rc)
		rc = buf_append(&plain, body, len);
	if (!rc)
		rc = put(c, req, key, status, &plain, ei);
	buf_wipe(&plain);
	return rc;
}

/* --- giving it again --- */

static enum err unb64(struct arena *a, const char *text, size_t len,
		      const void **ret, size_t *ret_len)
{
	uint8_t *data = arena_alloc(a, len + 1);

	*ret = data;
	return data ? text_unb64(data, len, ret_len, text, len, TEXT_B64_URL)
		    : ERR_NOMEM;
}

static enum err open_row(struct control *c, struct http_req *req,
			 const struct store_idem *row, struct buf *plain,
			 struct err_info *ei)
{
	const char *dot = strchr(row->body, '.');
	struct arena *a = http_req_arena(req);
	struct vault_record rec;
	enum err rc;

	if (!dot)
		return err_set(ei, ERR_CORRUPT, "a kept answer is damaged");
	rc = record_for(req, row->key, &rec);
	if (!rc)
		rc = unb64(a, row->body, (size_t)(dot - row->body),
			   &rec.wrapped_key, &rec.wrapped_key_len);
	if (!rc)
		rc = unb64(a, dot + 1, strlen(dot + 1), &rec.sealed,
			   &rec.sealed_len);
	if (!rc)
		rc = vault_open(&c->vault, &rec, plain, ei);
	if (!rc && buf_len(plain) <= sizeof(struct store_hash))
		rc = ERR_CORRUPT;
	return rc ? err_wrap(ei, rc, "the kept answer") : ERR_OK;
}

static enum err answer_job(struct control *c, struct http_req *req,
			   const void *id, size_t len, struct err_info *ei)
{
	char *job_id = arena_str(http_req_arena(req), id, len);
	int64_t wait_us = WAIT_US;
	struct json body;
	enum err rc;

	if (!job_id)
		return ERR_NOMEM;
	rc = http_req_json(req, &body, ei);
	if (!rc)
		rc = jobs_read_wait(req, body, &wait_us, ei);
	return rc ? rc
		  : jobs_reply_result(c, req, strmap_get(&c->jobs, job_id),
				      job_id, wait_us, ei);
}

static enum err answer(struct control *c, struct http_req *req, int status,
		       const struct buf *plain, struct err_info *ei)
{
	const struct store_hash h = request_hash(req);
	const uint8_t *at = buf_head(plain);
	const size_t len = buf_len(plain) - sizeof(h.bytes) - 1;

	if (memcmp(at, h.bytes, sizeof(h.bytes)) != 0)
		return err_set(ei, ERR_CONFLICT,
			       "this Idempotency-Key was used for another "
			       "request: take a new one");
	at += sizeof(h.bytes);
	http_reply_header(req, "Idempotency-Replayed", "true");
	if (*at == KIND_JOB)
		return answer_job(c, req, at + 1, len, ei);
	http_reply(req, status, "application/json", at + 1, len);
	return ERR_OK;
}

enum err idem_replay(struct control *c, struct http_req *req,
		     bool *ret_answered, struct err_info *ei)
{
	struct store_idem row;
	struct buf plain;
	const char *key;
	enum err rc;

	*ret_answered = false;
	rc = read_key(req, &key, ei);
	if (rc || !key)
		return rc;
	rc = c->store->ops->idem_get(c->store, control_caller(req)->actor, key,
				     http_req_arena(req), &row, ei);
	if (rc == ERR_NOTFOUND) {
		*ei = (struct err_info){ 0 };
		return ERR_OK;
	}
	if (rc)
		return rc;
	buf_init(&plain, sizeof(struct store_hash) + 1 + ANSWER_MAX);
	rc = open_row(c, req, &row, &plain, ei);
	if (!rc)
		rc = answer(c, req, row.status, &plain, ei);
	buf_wipe(&plain);
	*ret_answered = !rc;
	return rc;
}
