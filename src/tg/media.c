/* SPDX-License-Identifier: MIT */
#include "tg/media.h"

#include <string.h>

#include "base/bug.h"
#include "tl/schema.h"

#define IMPORT_US (INT64_C(60) * US_PER_SEC)
/* MEDIA_BYTES_MAX over a thin line; that the connection is alive is looked
 * after by the session. */
#define PART_US (INT64_C(300) * US_PER_SEC)
#define TAG_IMPORT UINT64_C(1) /* of file 0, which there is none of */
#define TAG(id, part) ((uint64_t)(id) << 32 | (part))

static void on_session(void *ctx, const struct session_event *ev);

static int32_t dc_field(const struct media_config *cfg)
{
	int32_t dc = cfg->dc_id + (cfg->test_mode ? CONN_TEST_DC : 0);

	return cfg->media_only ? -dc : dc;
}

void media_init(struct media *m, const struct media_config *cfg)
{
	const struct conn_config cc = { .on_event = on_session,
					.ctx = m,
					.env = cfg->env,
					.keys = cfg->keys,
					.key_count = cfg->key_count,
					.dc = dc_field(cfg),
					.rnd = cfg->rnd };

	*m = (struct media){ .cfg = *cfg };
	conn_init(&m->conn, &cc);
	buf_init(&m->body, FILEMOVE_BODY_MAX);
}

void media_deinit(struct media *m)
{
	conn_deinit(&m->conn);
	buf_deinit(&m->body);
	*m = (struct media){ 0 };
}

enum err media_set_home(struct media *m, const uint8_t key[AUTHKEY_LEN],
			struct err_info *ei)
{
	enum err rc = conn_set_key(&m->conn, key, ei);

	if (rc)
		return rc;
	m->home = true;
	m->state = MEDIA_READY;
	return ERR_OK;
}

/* ---- files that come and go */

static uint32_t find(const struct media *m, const struct filemove *f)
{
	uint32_t i = 0;

	while (i < m->nfiles && m->files[i] != f)
		i++;
	return i;
}

enum err media_attach(struct media *m, struct filemove *f, struct err_info *ei)
{
	BUG_ON(find(m, f) < m->nfiles);
	if (m->state == MEDIA_REFUSED)
		return err_set(ei, ERR_CONFLICT,
			       "no files are moved here any more: %s",
			       m->refusal.name);
	if (m->nfiles >= MEDIA_FILES_MAX)
		return err_set(ei, ERR_CAPACITY,
			       "%u files are moved at a time; wait for one",
			       MEDIA_FILES_MAX);
	m->files[m->nfiles] = f;
	m->ids[m->nfiles++] = ++m->next_id;
	filemove_arrived(f);
	return ERR_OK;
}

/* Queries of this file; the session tells of each that it was cancelled. */
static void take_back(struct media *m, uint32_t id, struct filemove *f)
{
	uint32_t part;

	while (filemove_under_way(f, &part)) {
		(void)session_cancel(&m->conn.session, TAG(id, part));
		filemove_put_back(f, part);
	}
}

/* Those of a file that ended: it knows of none any more. */
static void sweep(struct media *m, uint32_t id)
{
	const struct rpcq *q = &m->conn.session.queries;

	for (uint32_t i = q->n; i-- > 0;)
		if (i < q->n && q->items[i]->tag >> 32 == id)
			(void)session_cancel(&m->conn.session,
					     q->items[i]->tag);
}

static void drop(struct media *m, uint32_t i)
{
	uint32_t id = m->ids[i];

	m->nfiles--;
	m->files[i] = m->files[m->nfiles];
	m->ids[i] = m->ids[m->nfiles];
	sweep(m, id);
	if (!m->nfiles)
		m->idle_since = m->conn.now;
}

void media_detach(struct media *m, struct filemove *f)
{
	uint32_t i = find(m, f);

	if (i == m->nfiles)
		return;
	take_back(m, m->ids[i], f);
	drop(m, i);
}

/* Files that are over, or have to go elsewhere, leave by themselves. */
static void let_go(struct media *m)
{
	for (uint32_t i = m->nfiles; i-- > 0;) {
		struct filemove *f = m->files[i];

		if (filemove_over(f))
			drop(m, i);
		else if (filemove_state(f) == FILEMOVE_STATE_WANT_DC)
			media_detach(m, f);
	}
}

void media_fail(struct media *m, enum err rc, const char *why)
{
	for (uint32_t i = m->nfiles; i-- > 0;)
		filemove_fail(m->files[i], rc, why);
	let_go(m);
}

/* ---- the account at this data centre */

bool media_wants_link(const struct media *m)
{
	return m->nfiles && !m->conn.connected;
}

bool media_wants_export(const struct media *m)
{
	return m->state == MEDIA_OUTSIDE && m->nfiles && m->conn.keyed;
}

void media_export_asked(struct media *m)
{
	m->state = MEDIA_ASKED;
}

void media_ask_again(struct media *m)
{
	if (m->state == MEDIA_ASKED)
		m->state = MEDIA_OUTSIDE;
}

const struct rpcerr *media_refused(const struct media *m)
{
	return m->state == MEDIA_REFUSED ? &m->refusal : NULL;
}

static void refuse(struct media *m, const struct rpcerr *err)
{
	struct err_info ei;
	enum err rc = rpcerr_to_err(err, &ei);

	m->state = MEDIA_REFUSED;
	m->refusal = *err;
	media_fail(m, rc, ei.msg);
}

enum err media_give_export(struct media *m, int64_t id, struct tl_bytes bytes,
			   struct mono now, struct err_info *ei)
{
	const struct tlf_auth_importAuthorization f = { .id = id,
							.bytes = bytes };
	struct tl_writer w;
	enum err rc;

	m->conn.now = now;
	if (m->home || !m->conn.keyed || m->state > MEDIA_ASKED)
		return err_set(ei, ERR_CONFLICT, "no export was asked for");
	if (bytes.len > MEDIA_EXPORT_MAX)
		return err_set(ei, ERR_PROTO,
			       "an exported authorization of %zu bytes",
			       bytes.len);
	buf_reset(&m->body);
	cursor_write(&w, &m->body);
	rc = tlf_auth_importAuthorization_write(&w, &f, ei);
	if (!rc)
		rc = session_query(&m->conn.session, TAG_IMPORT,
				   buf_head(&m->body), buf_len(&m->body),
				   mono_add(now, IMPORT_US), ei);
	buf_wipe(&m->body);
	buf_init(&m->body, FILEMOVE_BODY_MAX);
	if (!rc)
		m->state = MEDIA_ENTERING;
	return rc;
}

/* The key here lost its account: once more through the main connection. */
static void outside(struct media *m, const struct rpcerr *err)
{
	if (m->home || m->imports >= MEDIA_IMPORTS_MAX)
		refuse(m, err);
	else if (m->state == MEDIA_READY)
		m->state = MEDIA_OUTSIDE;
}

static void import_failed(struct media *m, const struct rpcerr *err)
{
	bool enough = ++m->imports >= MEDIA_IMPORTS_MAX;

	m->state = MEDIA_OUTSIDE;
	if (err && (enough ||
		    (rpcerr_is_final(err) && err->row->err != ERR_AUTH_GONE))) {
		refuse(m, err);
	} else if (enough) {
		m->imports = 0;
		media_fail(m, ERR_TIMEOUT,
			   "the data centre does not let the account in");
	}
}

/* ---- answers */

static struct filemove *file_of(const struct media *m, uint64_t tag)
{
	for (uint32_t i = 0; i < m->nfiles; i++)
		if (m->ids[i] == tag >> 32)
			return m->files[i];
	return NULL;
}

static void imported(struct media *m, const struct session_event *ev)
{
	const struct schema_ctor *in =
		schema_by_name(&schema_api_223, TLN_auth_authorization);
	struct tl_reader r;

	cursor_read(&r, ev->data, ev->len);
	if (cursor_get_u32(&r) != in->id) {
		import_failed(m, NULL);
		return;
	}
	m->state = MEDIA_READY;
	m->imports++;
}

static void on_result(struct media *m, const struct session_event *ev)
{
	struct filemove *f = file_of(m, ev->tag);

	if (ev->tag == TAG_IMPORT) {
		imported(m, ev);
		return;
	}
	m->imports = 0;
	if (f)
		filemove_on_result(f, (uint32_t)ev->tag, ev->data, ev->len,
				   m->conn.now);
}

static struct wall server_now(const struct media *m)
{
	return (struct wall){ session_time(&m->conn.session, m->conn.now).us };
}

static const char *method_of(const struct filemove *f)
{
	if (!f->up)
		return "upload.getFile";
	return f->big ? "upload.saveBigFilePart" : "upload.saveFilePart";
}

static void on_error(struct media *m, const struct session_event *ev)
{
	struct filemove *f = file_of(m, ev->tag);
	struct err_info ei = { 0 };
	struct rpcerr err;

	rpcerr_classify(&err, ev->code, ev->data, ev->len);
	if (ev->tag == TAG_IMPORT) {
		import_failed(m, &err);
		return;
	}
	if (!f)
		return;
	if (flood_note(m->cfg.flood, &err, method_of(f), 0, server_now(m), &ei))
		conn_fail(&m->conn, ERR_NOMEM, ei.msg);
	if (err.row->err == ERR_AUTH_GONE) {
		filemove_put_back(f, (uint32_t)ev->tag);
		outside(m, &err);
	} else if (rpcerr_is_final(&err)) {
		refuse(m, &err);
	} else {
		filemove_on_error(f, (uint32_t)ev->tag, &err, m->conn.now);
	}
}

static void on_failed(struct media *m, const struct session_event *ev)
{
	struct filemove *f = file_of(m, ev->tag);

	if (ev->tag == TAG_IMPORT)
		import_failed(m, NULL);
	else if (f)
		filemove_on_failure(f, (uint32_t)ev->tag, ev->rc, m->conn.now);
}

static void on_key_unknown(struct media *m)
{
	struct rpcerr err;

	rpcerr_classify(&err, ENGINE_KEY_UNKNOWN_CODE, "AUTH_KEY_UNREGISTERED",
			21);
	if (m->home)
		refuse(m, &err);
	else
		m->key_lost = true;
}

static void on_session(void *ctx, const struct session_event *ev)
{
	struct media *m = ctx;

	switch (ev->type) {
	case SESSION_RESULT:
		on_result(m, ev);
		break;
	case SESSION_RPC_ERROR:
		on_error(m, ev);
		break;
	case SESSION_FAILED:
		on_failed(m, ev);
		break;
	case SESSION_KEY_UNKNOWN:
		on_key_unknown(m);
		break;
	default:
		break; /* no updates come here */
	}
}

/* ---- calls */

/* Big bodies wait for room: the link has to keep what its socket does not take. */
static bool full(const struct media *m)
{
	const struct rpcq *q = &m->conn.session.queries;

	return q->n >= MEDIA_CALLS_MAX || q->bytes >= MEDIA_BYTES_MAX;
}

static bool must_wait(const struct media *m, const struct filemove *f)
{
	return flood_find(m->cfg.flood, method_of(f), 0, server_now(m));
}

static enum err call(struct media *m, uint32_t i, bool *ret_made,
		     struct err_info *ei)
{
	struct filemove *f = m->files[i];
	uint16_t function;
	uint32_t part;
	uint64_t tag;
	enum err rc;

	*ret_made = false;
	if (must_wait(m, f))
		return ERR_OK;
	filemove_next(f, m->conn.now, &m->body, &function, &part, ret_made);
	if (!*ret_made)
		return ERR_OK;
	tag = TAG(m->ids[i], part);
	/* what is in a file does not get smaller by being packed, mostly */
	rc = session_query_unpacked(&m->conn.session, tag, buf_head(&m->body),
				    buf_len(&m->body),
				    mono_add(m->conn.now, PART_US), ei);
	if (rc)
		filemove_put_back(f, part);
	return rc;
}

/* One part of each file in turn. */
static enum err make_calls(struct media *m, struct err_info *ei)
{
	uint32_t idle = 0;
	bool made;
	enum err rc;

	while (m->nfiles && idle < m->nfiles && !full(m)) {
		m->turn = (m->turn + 1) % m->nfiles;
		rc = call(m, m->turn, &made, ei);
		if (rc)
			return rc;
		idle = made ? 0 : idle + 1;
	}
	buf_reset(&m->body);
	buf_drained(&m->body);
	return ERR_OK;
}

enum err media_output(struct media *m, struct mono now, struct buf *out,
		      struct err_info *ei)
{
	enum err rc = ERR_OK;

	m->conn.now = now;
	let_go(m);
	if (m->conn.connected && m->conn.keyed && m->state == MEDIA_READY)
		rc = make_calls(m, ei);
	let_go(m); /* a pull may have failed */
	return rc ? rc : conn_output(&m->conn, now, out, ei);
}

/* ---- life of the connection */

bool media_done_with(const struct media *m, struct mono now)
{
	return !m->nfiles && mono_diff(now, m->idle_since) >= MEDIA_IDLE_US;
}

enum err media_connected(struct media *m, struct mono now, struct wall wall,
			 struct err_info *ei)
{
	m->idle_since = now;
	return conn_connected(&m->conn, now, wall, ei);
}

void media_disconnected(struct media *m, struct mono now)
{
	m->conn.now = now;
	conn_disconnected(&m->conn);
	if (!m->key_lost)
		return;
	/* made here and forgotten there: another one */
	m->key_lost = false;
	for (uint32_t i = 0; i < m->nfiles; i++)
		take_back(m, m->ids[i], m->files[i]);
	conn_move(&m->conn, m->conn.cfg.dc);
	m->state = MEDIA_OUTSIDE;
}

enum err media_feed(struct media *m, const uint8_t *data, size_t len,
		    struct mono now, struct err_info *ei)
{
	enum err rc = conn_feed(&m->conn, data, len, now, ei);

	let_go(m);
	return rc;
}

enum err media_tick(struct media *m, struct mono now, struct err_info *ei)
{
	enum err rc = conn_tick(&m->conn, now, ei);

	let_go(m);
	return rc;
}

/* By the book, too, which counts in the server's time. */
static struct mono file_deadline(const struct media *m,
				 const struct filemove *f)
{
	const struct flood_entry *e =
		flood_find(m->cfg.flood, method_of(f), 0, server_now(m));
	struct mono t = filemove_deadline(f);

	if (!e || t.us == MONO_NEVER.us)
		return t;
	return mono_add(m->conn.now, e->until.us - server_now(m).us);
}

struct mono media_deadline(const struct media *m)
{
	struct mono t = conn_deadline(&m->conn);

	if (!m->conn.connected)
		return MONO_NEVER;
	if (!m->nfiles)
		return mono_min(t, mono_add(m->idle_since, MEDIA_IDLE_US));
	if (m->state != MEDIA_READY || !m->conn.keyed || full(m))
		return t;
	for (uint32_t i = 0; i < m->nfiles; i++)
		t = mono_min(t, file_deadline(m, m->files[i]));
	return t;
}

bool media_wants_work(const struct media *m)
{
	return conn_wants_work(&m->conn);
}

void media_work(struct media *m)
{
	conn_work(&m->conn);
}

enum err media_worked(struct media *m, struct mono now, struct err_info *ei)
{
	return conn_worked(&m->conn, now, ei);
}
