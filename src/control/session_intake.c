/* SPDX-License-Identifier: MIT */
#include "control/session_intake.h"

#include <string.h>

#include "base/text.h"
#include "control/leases.h"
#include "control/nodes.h"
#include "crypto/sha.h"
#include "tg/sessfile.h"

#define DOC_MAX (64U << 20)

/* "+999 66 12345.session" -> 9996612345 */
static enum err id_from_name(struct arena *a, const char *filename,
			     const char **ret, struct err_info *ei)
{
	size_t len = strlen(filename);
	const char *dot = strrchr(filename, '.');
	char *stem;

	if (dot && dot != filename)
		len = (size_t)(dot - filename);
	stem = arena_str(a, filename, len);
	if (!stem)
		return ERR_NOMEM;
	return control_account_id(stem, a, ret, ei);
}

static struct store_hash fingerprint(const struct sessfile *s)
{
	struct store_hash h;

	sha_256(s->auth_key.bytes, s->auth_key.len, h.bytes);
	return h;
}

/* The document a node will receive, sealed for the vault as *rec says. */
static enum err seal(struct control *c, struct arena *a,
		     const struct sessfile *s, struct vault_record *rec,
		     struct err_info *ei)
{
	struct jsonw w;
	struct buf doc;
	enum err rc;

	buf_init(&doc, DOC_MAX);
	jsonw_init(&w, &doc);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "account_id", rec->account_id);
	jsonw_int(&w, "version", rec->version);
	rc = sessfile_to_json(s, &w);
	jsonw_object_end(&w);
	if (!rc)
		rc = jsonw_end(&w);
	if (!rc)
		rc = vault_seal(&c->vault, buf_head(&doc), buf_len(&doc), a,
				rec, ei);
	buf_wipe(&doc);
	return rc;
}

static enum err put(struct control *c, struct arena *a,
		    const struct session_intake *in, const char *account_id,
		    const struct sessfile *s, struct err_info *ei)
{
	struct store *st = c->store;
	struct vault_record rec = { .account_id = account_id };
	struct store_session row;
	enum err rc;

	rc = st->ops->session_next_version(st, account_id, &rec.version, ei);
	if (!rc)
		rc = seal(c, a, s, &rec, ei);
	if (rc)
		return rc;
	row = (struct store_session){
		.account_id = account_id,
		.version = rec.version,
		.sealed = rec.sealed,
		.sealed_len = rec.sealed_len,
		.wrapped_key = rec.wrapped_key,
		.wrapped_key_len = rec.wrapped_key_len,
		.fingerprint = fingerprint(s),
		.flavour = sessfile_flavour_name(s->flavour),
		.dc_id = s->dc_id,
		.user_id = s->user_id,
		.filename = in->filename,
		.created = control_wall(c),
	};
	return st->ops->session_put(st, &row, ei);
}

/* A dead account with a new session may live again. */
static enum err
touch_account(struct control *c, const struct session_intake *in,
	      const struct principal *by, const struct sessfile *s,
	      const struct store_account *acc, struct err_info *ei)
{
	struct store_account to = {
		.account_id = acc->account_id,
		.user_id = s->user_id,
		.attested_by = by->actor,
		.attested_at = control_wall(c),
		.status = wire_status_name(WIRE_OFFLINE),
		.status_since = control_wall(c),
	};
	uint32_t fields = 0;

	if (s->user_id)
		fields |= STORE_ACC_USER_ID;
	if (in->attested)
		fields |= STORE_ACC_ATTESTED;
	if (leases_terminal(acc->status) || acc->error_code)
		fields |= STORE_ACC_STATUS;
	if (!fields)
		return ERR_OK;
	return c->store->ops->account_update(c->store, &to, fields,
					     control_wall(c), ei);
}

static enum err create_account(struct control *c, const struct sessfile *s,
			       const struct principal *by, const char *id,
			       struct err_info *ei)
{
	const bool digits = !id[strspn(id, "0123456789")];
	const struct store_account acc = {
		.account_id = id,
		.phone = digits ? id : NULL,
		.user_id = s->user_id,
		.source = "local",
		.enabled = true,
		.attested_by = by->actor,
		.attested_at = control_wall(c),
	};

	return c->store->ops->account_add(c->store, &acc, control_wall(c), ei);
}

/* The same key elsewhere; *ret_same: it is this account's already. */
static enum err check_key(struct control *c, struct arena *a,
			  const struct sessfile *s, const char *account_id,
			  bool *ret_same, struct err_info *ei)
{
	const struct store_hash fp = fingerprint(s);
	const char *other;
	enum err rc;

	*ret_same = false;
	rc = c->store->ops->session_by_fingerprint(c->store, &fp, a, &other,
						   ei);
	if (rc == ERR_NOTFOUND)
		return ERR_OK;
	if (rc)
		return rc;
	*ret_same = !strcmp(other, account_id);
	if (*ret_same)
		return ERR_OK;
	return err_set(ei, ERR_DUPLICATE,
		       "this session's key is stored under account %s already: "
		       "one session runs under one name only",
		       other);
}

static enum err store_one(struct control *c, struct http_req *req,
			  const struct session_intake *in, const char *id,
			  const struct sessfile *s, struct err_info *ei)
{
	const struct principal *by = control_caller(req);
	struct arena *a = in->arena;
	struct store *st = c->store;
	struct store_account acc;
	bool same;
	enum err rc;

	rc = st->ops->account_get(st, id, a, &acc, ei);
	if (rc && rc != ERR_NOTFOUND)
		return rc;
	if (!in->attested && (rc == ERR_NOTFOUND || !acc.attested_at.us))
		return err_set(ei, ERR_INVALID,
			       "say attested=true: that you own this account "
			       "or are authorised to run it");
	if (rc == ERR_NOTFOUND) {
		rc = check_key(c, a, s, id, &same, ei);
		if (!rc)
			rc = create_account(c, s, by, id, ei);
		if (!rc)
			rc = st->ops->account_get(st, id, a, &acc, ei);
	} else {
		rc = check_key(c, a, s, id, &same, ei);
	}
	if (!rc && !same)
		rc = put(c, a, in, id, s, ei);
	if (!rc)
		rc = touch_account(c, in, by, s, &acc, ei);
	if (!rc)
		rc = audit_note(c, req, "session.upload", id, NULL, ei);
	if (!rc && acc.node_id)
		nodes_poke(c, acc.node_id);
	return rc;
}

static enum err store_batch(struct control *c, struct http_req *req,
			    const struct session_intake *in, const char *id,
			    const struct sessfile *s, struct err_info *ei)
{
	enum err rc;

	rc = c->store->ops->begin(c->store, ei);
	if (rc)
		return rc;
	rc = store_one(c, req, in, id, s, ei);
	return store_batch_end(c->store, rc, ei);
}

enum err session_intake_store(struct control *c, struct http_req *req,
			      const struct session_intake *in,
			      const char **ret_account_id, struct err_info *ei)
{
	struct arena *a = http_req_arena(req);
	struct sessfile s;
	const char *id;
	enum err rc;

	*ret_account_id = NULL;
	rc = in->account_id ? control_account_id(in->account_id, a, &id, ei)
			    : id_from_name(a, in->filename, &id, ei);
	if (rc)
		return rc;
	*ret_account_id = id;
	rc = sessfile_read(in->data, in->len, in->filename, &s, ei);
	if (rc)
		return rc;
	rc = store_batch(c, req, in, id, &s, ei);
	sessfile_deinit(&s);
	return rc;
}
