/* SPDX-License-Identifier: MIT */
/* /group-ai/accounts/upload-session and /group-ai/sessions/inspect. */
#include <string.h>

#include "control/control_int.h"
#include "control/session_intake.h"
#include "crypto/sha.h"
#include "http/multipart.h"
#include "tg/sessfile.h"

#define FILES_MAX 1000
/* Above the setting only by what multipart adds. */
#define UPLOAD_BODY_MAX ((64U << 20) + (1U << 20))

struct upload {
	const struct multipart_slice *parts;
	size_t n, nfiles;
	const char *account_id;
	bool attested;
};

/* --- the form --- */

static bool is_file(const struct multipart_slice *p)
{
	return p->head.filename[0] != '\0';
}

static enum err take_field(struct arena *a, const struct multipart_slice *p,
			   struct upload *u)
{
	const char *value;

	if (p->len > STORE_TEXT_MAX)
		return ERR_OK;
	value = arena_str(a, p->data, p->len);
	if (!value)
		return ERR_NOMEM;
	if (!strcmp(p->head.name, "account_id") ||
	    (!strcmp(p->head.name, "phone") && !u->account_id))
		u->account_id = *value ? value : NULL;
	else if (!strcmp(p->head.name, "attested"))
		u->attested = !strcmp(value, "true") || !strcmp(value, "1");
	return ERR_OK;
}

static enum err read_form(struct control *c, struct http_req *req,
			  struct upload *u, struct err_info *ei)
{
	const struct multipart_limits limits = {
		.parts = FILES_MAX,
		.part_bytes = c->cfg->upload_max_bytes,
	};
	const char *type = http_req_header(req, "content-type");
	struct multipart_slices parts;
	const uint8_t *body;
	size_t len;
	enum err rc;

	if (strcmp(http_req_content_type(req), "multipart/form-data") != 0)
		return err_set(ei, ERR_MEDIA_TYPE,
			       "send the files as multipart/form-data");
	body = http_req_body(req, &len);
	rc = multipart_parse(type, body, len, &limits, http_req_arena(req),
			     &parts, ei);
	if (rc)
		return rc;
	u->parts = parts.at;
	u->n = parts.n;
	for (size_t i = 0; i < u->n; i++) {
		if (is_file(&u->parts[i])) {
			u->nfiles++;
			continue;
		}
		rc = take_field(http_req_arena(req), &u->parts[i], u);
		if (rc)
			return rc;
	}
	if (!u->nfiles || !u->parts)
		return err_set(ei, ERR_INVALID, "there is no file in the form");
	return ERR_OK;
}

/* --- upload --- */

static const char *advice_for(enum err rc)
{
	switch (rc) {
	case ERR_DUPLICATE:
		return "use the account that has it, or delete it there first";
	case ERR_TOOBIG:
		return "a session file is smaller: is it the right file?";
	case ERR_INVALID:
	case ERR_SYNTAX:
	case ERR_CORRUPT:
		return "upload the .session file as its program wrote it, "
		       "while that program is not running";
	default:
		return NULL;
	}
}

static void write_result(struct jsonw *w, const char *filename,
			 const char *account_id, enum err rc,
			 const struct err_info *ei)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "filename", filename);
	jsonw_bool(w, "success", !rc);
	jsonw_str_or_null(w, "account_id", account_id);
	if (rc) {
		jsonw_object(w, "error");
		jsonw_str(w, "code", err_code(rc));
		jsonw_str(w, "message", ei->msg[0] ? ei->msg : err_text(rc));
		jsonw_str_or_null(w, "advice", advice_for(rc));
		jsonw_object_end(w);
	} else {
		jsonw_null(w, "error");
	}
	jsonw_object_end(w);
}

/* A single refused file: its error's status.  Of several some may be stored:
 * each result tells. */
static int status_for(const struct upload *u, size_t stored, enum err last)
{
	if (stored)
		return 200;
	return u->nfiles == 1 ? err_http_status(last) : 422;
}

/*
 * As many files a turn of the loop as fit in a short time, in one commit: a form
 * of a thousand files must not keep a heartbeat waiting, nor the disk for each.
 * What became of a file is told after the commit.
 */
#define GROUP_MAX 64
#define GROUP_TIME_US (10 * US_PER_MS)

struct upload_result {
	const struct multipart_slice *part;
	const char *account_id;
	struct err_info ei;
	enum err rc;
};

/* Lives in the request's arena and ends with it. */
struct upload_run {
	struct control *c;
	uint64_t req_id;
	struct upload u;
	size_t at, stored;
	enum err last;
	struct upload_result group[GROUP_MAX];
	size_t ngroup;
	struct buf body;
	struct jsonw w;
	struct wheel_timer timer;
};

#define FILE_ARENA_MAX (160U << 20)

static enum err store_file(struct upload_run *run, struct http_req *req,
			   struct upload_result *r)
{
	const struct multipart_slice *p = r->part;
	struct arena work;
	const struct session_intake in = {
		.data = p->data,
		.len = p->len,
		.filename = p->head.filename,
		.account_id = run->u.account_id,
		.attested = run->u.attested,
		.arena = &work,
	};

	arena_init(&work, FILE_ARENA_MAX);
	r->rc = session_intake_store(run->c, req, &in, &r->account_id, &r->ei);
	arena_deinit(&work);
	return r->rc;
}

static bool next_file(struct upload_run *run)
{
	while (run->at < run->u.n && !is_file(&run->u.parts[run->at]))
		run->at++;
	return run->at < run->u.n;
}

/* The answers of the group's files: what is refused leaves the others alone. */
static void store_group(struct upload_run *run, struct http_req *req)
{
	const struct clock *clock = loop_clock(run->c->loop);
	struct mono until = mono_add(clock_mono(clock), GROUP_TIME_US);
	struct upload_result *r;

	run->ngroup = 0;
	do {
		r = &run->group[run->ngroup++];
		*r = (struct upload_result){ .part = &run->u.parts[run->at++] };
	} while (store_file(run, req, r) != ERR_IO && run->ngroup < GROUP_MAX &&
		 mono_before(clock_mono(clock), until) && next_file(run));
}

static void tell(struct upload_run *run, const struct upload_result *r)
{
	enum err rc = r->rc;

	if (rc)
		run->last = rc;
	else
		run->stored++;
	log_at(rc ? LOG_WARN : LOG_INFO, LOGEV_SESSION,
	       log_str("why", rc ? "upload refused" : "stored"),
	       log_phone("acc", r->account_id ? r->account_id : ""),
	       log_str("err", rc ? err_code(rc) : ""));
	write_result(&run->w, r->part->head.filename, r->account_id, rc,
		     &r->ei);
}

static void tell_group(struct upload_run *run, enum err rc,
		       const struct err_info *ei)
{
	for (size_t i = 0; i < run->ngroup; i++) {
		struct upload_result *r = &run->group[i];

		if (rc && !r->rc) {
			r->rc = rc;
			r->ei = *ei;
		}
		tell(run, r);
	}
}

static void take_group(struct upload_run *run, struct http_req *req)
{
	struct err_info ei = { 0 };
	struct change change;
	enum err rc = change_begin(&change, run->c, &ei);

	if (rc) {
		run->group[0] = (struct upload_result){
			.part = &run->u.parts[run->at++],
		};
		run->ngroup = 1;
	} else {
		store_group(run, req);
		rc = change_end(&change, ERR_OK, &ei);
	}
	tell_group(run, rc, &ei);
}

static void finish(struct upload_run *run, struct http_req *req)
{
	int status = status_for(&run->u, run->stored, run->last);
	struct jsonw w = run->w;
	struct buf body = run->body;

	/* the run goes with the request while this is being answered */
	buf_init(&run->body, 0);
	w.out = &body;
	jsonw_array_end(&w);
	jsonw_bool(&w, "success", run->stored == run->u.nfiles);
	jsonw_u64(&w, "total", run->u.nfiles);
	jsonw_u64(&w, "stored", run->stored);
	jsonw_u64(&w, "failed", run->u.nfiles - run->stored);
	jsonw_object_end(&w);
	control_reply(req, status, &body, &w);
}

static void on_turn(struct wheel_timer *t, void *ctx)
{
	struct upload_run *run = ctx;
	struct http_req *req = server_req(run->c->server, run->req_id);

	if (!req)
		return;
	if (!next_file(run)) {
		finish(run, req);
		return;
	}
	take_group(run, req);
	loop_arm(run->c->loop, &run->timer, 0);
}

static void on_upload_close(void *ctx)
{
	struct upload_run *run = ctx;

	loop_cancel(run->c->loop, &run->timer);
	buf_deinit(&run->body);
}

static enum err upload(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	struct upload_run *run;
	struct upload u = { 0 };
	enum err rc;

	rc = read_form(c, req, &u, ei);
	if (rc)
		return rc;
	if (u.account_id && u.nfiles > 1)
		return err_set(ei, ERR_INVALID,
			       "account_id goes with one file; with several, "
			       "their names say whose they are");
	run = arena_alloc(http_req_arena(req), sizeof(*run));
	if (!run)
		return ERR_NOMEM;
	run->c = c;
	run->req_id = http_req_id(req);
	run->u = u;
	control_body_init(&run->body, &run->w);
	jsonw_object(&run->w, NULL);
	jsonw_array(&run->w, "results");
	wheel_timer_init(&run->timer, on_turn, run);
	http_req_on_close(req, on_upload_close, run);
	loop_arm(c->loop, &run->timer, 0);
	return ERR_OK;
}

/* --- inspect --- */

static enum err write_inspected(struct control *c, struct http_req *req,
				const struct sessfile *s, struct jsonw *w,
				struct err_info *ei)
{
	struct store_hash fp;
	const char *known = NULL;
	enum err rc;

	sha_256(s->auth_key.bytes, s->auth_key.len, fp.bytes);
	rc = c->store->ops->session_by_fingerprint(
		c->store, &fp, http_req_arena(req), &known, ei);
	if (rc && rc != ERR_NOTFOUND)
		return rc;
	jsonw_object(w, NULL);
	jsonw_str(w, "flavour", sessfile_flavour_name(s->flavour));
	jsonw_int(w, "format_version", s->version);
	jsonw_int(w, "dc_id", s->dc_id);
	jsonw_str_or_null(w, "server_address", s->server_address);
	jsonw_int(w, "port", s->port);
	jsonw_int(w, "user_id", s->user_id);
	jsonw_bool(w, "is_bot", s->is_bot);
	jsonw_bool(w, "test_mode", s->test_mode);
	jsonw_int(w, "api_id", s->api_id);
	jsonw_u64(w, "peers", s->npeers);
	jsonw_bool(w, "has_update_state", s->has_update_state);
	control_write_hash(w, "fingerprint", &fp);
	jsonw_str_or_null(w, "known_as", rc ? NULL : known);
	jsonw_object_end(w);
	return ERR_OK;
}

static const struct multipart_slice *first_file(const struct upload *u)
{
	for (size_t i = 0; i < u->n; i++)
		if (is_file(&u->parts[i]))
			return &u->parts[i];
	return NULL;
}

static enum err inspect(struct http_req *req, void *ctx, struct err_info *ei)
{
	struct control *c = ctx;
	const struct multipart_slice *file;
	struct upload u = { 0 };
	struct sessfile s;
	struct jsonw w;
	struct buf b;
	enum err rc;

	rc = read_form(c, req, &u, ei);
	if (rc)
		return rc;
	file = first_file(&u);
	if (!file)
		return ERR_INVALID;
	rc = sessfile_read(file->data, file->len, file->head.filename, &s, ei);
	if (rc)
		return rc;
	control_body_init(&b, &w);
	rc = write_inspected(c, req, &s, &w, ei);
	sessfile_deinit(&s);
	if (rc)
		buf_deinit(&b);
	else
		control_reply(req, 200, &b, &w);
	return rc;
}

static const struct router_row rows[] = {
	{ "POST", API "/group-ai/accounts/upload-session", AUTH_WRITE,
	  CHANGE_OWN, UPLOAD_BODY_MAX, upload,
	  "Store session files; a result for each" },
	{ "POST", API "/group-ai/sessions/inspect", AUTH_WRITE, CHANGE_OWN,
	  UPLOAD_BODY_MAX, inspect,
	  "Say what a session file is, without storing it" },
};

API_TABLE(api_upload_table);
