/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "client.h"
#include "tg/messages.h"

#define LOOK_BACK 20 /* messages, for one that has a file */

/* ---- connections for files, one a data centre */

static struct media *media_of(void *x)
{
	return &((struct client_media *)x)->media;
}

static enum err connected(void *x, struct mono at, struct wall wall,
			  struct err_info *ei)
{
	return media_connected(media_of(x), at, wall, ei);
}

static void disconnected(void *x, struct mono at)
{
	media_disconnected(media_of(x), at);
}

static enum err feed(void *x, const uint8_t *data, size_t len, struct mono at,
		     struct err_info *ei)
{
	return media_feed(media_of(x), data, len, at, ei);
}

static enum err tick(void *x, struct mono at, struct err_info *ei)
{
	return media_tick(media_of(x), at, ei);
}

static enum err output(void *x, struct mono at, struct buf *out,
		       struct err_info *ei)
{
	return media_output(media_of(x), at, out, ei);
}

static struct mono deadline(const void *x)
{
	return media_deadline(&((const struct client_media *)x)->media);
}

static void ask_export(struct client_media *m)
{
	const struct tlf_auth_exportAuthorization f = {
		.dc_id = m->media.cfg.dc_id
	};
	const struct engine_request q = {
		.function = TLN_auth_exportAuthorization,
		.args = &f,
		.tag = ++m->c->next_tag,
	};
	struct client *c = m->c;
	struct err_info ei = { 0 };

	if (c->export_tag)
		return; /* one at a time */
	engine_at(&c->engine, loop_now(c->loop));
	if (engine_call(&c->engine, &q, &ei)) {
		media_fail(&m->media, ERR_UNAVAILABLE, ei.msg);
		return;
	}
	c->export_tag = q.tag;
	c->exporting = m;
	media_export_asked(&m->media);
	plug_push(&c->main);
}

static void look(void *x);

static const struct plug_ops ops = {
	.connected = connected,
	.disconnected = disconnected,
	.feed = feed,
	.tick = tick,
	.output = output,
	.deadline = deadline,
	.look = look,
};

static enum err media_new(struct client *c, struct client_media *m, int dc_id,
			  struct err_info *ei)
{
	struct media_config cfg = {
		.env = &c->env.telegram.env,
		.keys = c->env.keys,
		.key_count = c->env.nkeys,
		.dc_id = dc_id,
		.test_mode = c->env.telegram.test_mode,
		.rnd = rnd_system(),
		.flood = &c->engine.flood,
	};

	(void)telegram_find_media(&c->env.telegram, dc_id, &cfg.media_only);
	*m = (struct client_media){ .c = c, .used = true };
	media_init(&m->media, &cfg);
	plug_init(&m->plug, c->loop, &c->env.telegram, &ops, m);
	m->plug.media = true;
	if (dc_id != c->home)
		return ERR_OK;
	return media_set_home(&m->media, c->engine.session.key.secret.bytes,
			      ei);
}

static enum err attach(struct client *c, int dc_id, struct err_info *ei)
{
	struct client_media *m = c->medias;
	enum err rc = ERR_OK;

	while (m < c->medias + CLIENT_MEDIAS && m->used &&
	       m->media.cfg.dc_id != dc_id)
		m++;
	if (m == c->medias + CLIENT_MEDIAS)
		return err_set(ei, ERR_CAPACITY, "too many data centres");
	if (!m->used)
		rc = media_new(c, m, dc_id, ei);
	if (!rc)
		rc = media_attach(&m->media, &c->moving.file, ei);
	if (!rc && !m->plug.on)
		plug_open(&m->plug, dc_id);
	plug_push(&m->plug);
	return rc;
}

/* To the data centre it was sent to. */
static void go_there(struct client *c)
{
	struct err_info ei = { 0 };
	enum err rc = attach(c, c->moving.at.dc_id, &ei);

	if (rc)
		filemove_fail(&c->moving.file, rc, ei.msg);
}

static void look(void *x)
{
	struct client_media *m = x;
	struct err_info ei = { 0 };

	if (media_wants_work(&m->media)) {
		media_work(&m->media);
		if (media_worked(&m->media, loop_now(m->c->loop), &ei))
			fprintf(stderr, "key exchange: %s\n", ei.msg);
	}
	if (media_wants_export(&m->media))
		ask_export(m);
	if (m->c->moving.active &&
	    filemove_state(&m->c->moving.file) == FILEMOVE_STATE_WANT_DC)
		go_there(m->c);
	if (m->plug.on && media_done_with(&m->media, loop_now(m->c->loop)))
		plug_close(&m->plug);
}

void moving_exported(struct client *c, const struct engine_event *ev)
{
	struct client_media *m = c->exporting;
	const struct tlc_auth_exportedAuthorization *a = ev->answer->obj.any;
	struct err_info ei = { 0 };
	enum err rc = ev->rc;

	if (!rc)
		rc = media_give_export(&m->media, a->id, a->bytes,
				       loop_now(c->loop), &ei);
	if (rc)
		media_fail(&m->media, rc,
			   ev->rpcerr ? ev->rpcerr->name : ei.msg);
	plug_push(&m->plug);
}

/* ---- one file at a time */

static void forget(struct client *c)
{
	struct moving *v = &c->moving;

	if (v->active) {
		for (int i = 0; i < CLIENT_MEDIAS; i++)
			if (c->medias[i].used)
				media_detach(&c->medias[i].media, &v->file);
		filemove_deinit(&v->file);
	}
	v->active = false;
	if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
}

void moving_stop(struct client *c)
{
	forget(c);
	for (int i = 0; i < CLIENT_MEDIAS; i++) {
		if (!c->medias[i].used)
			continue;
		plug_close(&c->medias[i].plug);
		media_deinit(&c->medias[i].media);
		c->medias[i].used = false;
	}
}

static void put_sum(struct jsonw *w, const struct filemove *f)
{
	char hex[2 * SHA_256_LEN + 1];

	text_hex(hex, f->sha256, sizeof(f->sha256));
	jsonw_str(w, "sha256", hex);
	jsonw_int(w, "bytes", f->size);
}

static void file_sent(struct client *c, const struct engine_event *ev)
{
	struct jsonw w;
	struct buf out;

	if (client_refused(c, ev)) {
		forget(c);
		return;
	}
	client_begin_answer(c, &w, &out);
	jsonw_int(&w, "message_id", ev->answer->message_id);
	put_sum(&w, &c->moving.file);
	client_end_answer(c, &w, &out);
	forget(c);
}

static struct tl_bytes text(const char *s)
{
	return (struct tl_bytes){ (const uint8_t *)s, strlen(s) };
}

/* The parts are there: the message that brings them. */
static void say_file(struct client *c)
{
	struct tlc_documentAttributeFilename name = { .file_name = text(
							      "interop.bin") };
	struct tlt_DocumentAttribute attribute = {
		.kind = TLN_documentAttributeFilename,
		.documentAttributeFilename = &name,
	};
	struct tlc_inputMediaUploadedDocument doc = {
		.force_file = true,
		.mime_type = text("application/octet-stream"),
		.attributes = { 1, &attribute },
	};
	const struct tlt_InputMedia media = {
		.kind = TLN_inputMediaUploadedDocument,
		.inputMediaUploadedDocument = &doc,
	};
	const struct messages_media one = {
		.media = &media, .random_id = (int64_t)rnd_u64(rnd_system())
	};
	const struct messages_to to = { .peer = c->order.to };
	struct engine_ask ask = client_ask(c, file_sent);
	struct filemove_input in;
	struct err_info ei = { 0 };
	enum err rc;

	filemove_get_input(&c->moving.file, "interop.bin", &in);
	doc.file = in.file;
	rc = messages_send_media(&c->engine, &ask, &to, &one, 1, &ei);
	client_asked(c, rc, &ei);
	if (rc)
		forget(c);
}

static void file_got(struct client *c)
{
	struct jsonw w;
	struct buf out;

	client_begin_answer(c, &w, &out);
	put_sum(&w, &c->moving.file);
	client_end_answer(c, &w, &out);
}

static void ask_message(struct client *c);

static void on_file(void *ctx, const struct filemove_event *ev)
{
	struct client *c = ctx;

	switch (ev->type) {
	case FILEMOVE_DONE:
		if (ev->file->up)
			say_file(c);
		else
			file_got(c);
		break;
	case FILEMOVE_FAILED:
		client_fail(c, ev->rc, ev->why);
		break;
	case FILEMOVE_REFERENCE:
		ask_message(c);
		break;
	case FILEMOVE_MOVED:
		c->moving.at.dc_id = ev->dc_id;
		break;
	case FILEMOVE_WAITING:
		fprintf(stderr, "told to wait for %.1f s\n",
			(double)mono_diff(ev->until, loop_now(c->loop)) /
				US_PER_SEC);
		break;
	default:
		break;
	}
}

static enum err pull(void *ctx, int64_t offset, uint8_t *dst, size_t len,
		     struct err_info *ei)
{
	struct client *c = ctx;
	ssize_t n = pread(c->moving.fd, dst, len, offset);

	return n == (ssize_t)len ? ERR_OK
				 : err_set(ei, ERR_IO, "the file got shorter");
}

static enum err push(void *ctx, int64_t offset, const uint8_t *data, size_t len,
		     struct err_info *ei)
{
	struct client *c = ctx;

	if (c->moving.fd < 0 ||
	    pwrite(c->moving.fd, data, len, offset) == (ssize_t)len)
		return ERR_OK;
	return err_set(ei, ERR_IO, "cannot write");
}

static struct filemove_config file_config(struct client *c)
{
	return (struct filemove_config){
		.on_event = on_file,
		.ctx = c,
		.pull = pull,
		.push = push,
		.rnd = rnd_system(),
		.hash = true,
		.window = (uint32_t)json_int(json_get(c->order.said, "window"),
					     0),
	};
}

static enum err open_file(struct client *c, int flags, int64_t *ret_size,
			  struct err_info *ei)
{
	const char *path = json_str(json_get(c->order.said, "path"), NULL);
	struct stat st;

	if (!path)
		return ERR_OK;
	c->moving.fd = open(path, flags | O_CLOEXEC, 0600);
	if (c->moving.fd < 0 || fstat(c->moving.fd, &st))
		return err_set(ei, ERR_IO, "open %s", path);
	*ret_size = st.st_size;
	return ERR_OK;
}

static void start(struct client *c, enum err rc, int dc_id, struct err_info *ei)
{
	c->moving.active = !rc;
	if (!rc)
		rc = attach(c, dc_id, ei);
	if (!rc)
		return;
	forget(c);
	client_fail(c, rc, ei->msg);
}

static void send_now(struct client *c)
{
	struct filemove_config cfg = file_config(c);
	struct err_info ei = { 0 };
	int64_t size = 0;
	enum err rc;

	forget(c);
	rc = open_file(c, O_RDONLY, &size, &ei);
	if (!rc)
		rc = filemove_start_up(&c->moving.file, &cfg, size, &ei);
	start(c, rc, c->home, &ei);
}

/* {"do": "send_file", "to": ..., "path": ..., "window": N} */
void moving_send_file(struct client *c)
{
	orders_resolve(c, "to", &c->order.to, send_now);
}

/* ---- the message that has it */

/* The newest that has one. */
static const struct tlc_message *with_file(const struct engine_answer *a,
					   struct filemove_location *ret)
{
	const struct tlv_Message *list = orders_messages(a);

	for (uint32_t i = 0; list && i < list->n; i++) {
		const struct tlc_message *m = list->v[i].message;

		if (list->v[i].kind == TLN_message && m->has_media &&
		    filemove_locate(&m->media, ret))
			return m;
	}
	return NULL;
}

static void have_message(struct client *c, const struct engine_event *ev)
{
	struct filemove_config cfg = file_config(c);
	const struct tlc_message *m;
	struct err_info ei = { 0 };
	int64_t size;
	enum err rc;

	if (client_refused(c, ev))
		return;
	m = with_file(ev->answer, &c->moving.at);
	if (!m) {
		client_fail(c, ERR_NOTFOUND, "no file in that chat's end");
		return;
	}
	c->moving.message_id = m->id;
	if (c->moving.active) { /* only its reference was wanted */
		(void)!filemove_give_reference(&c->moving.file,
					       c->moving.at.reference,
					       c->moving.at.reference_len, &ei);
		for (int i = 0; i < CLIENT_MEDIAS; i++)
			if (c->medias[i].used)
				plug_push(&c->medias[i].plug);
		return;
	}
	rc = open_file(c, O_RDWR | O_CREAT | O_TRUNC, &size, &ei);
	if (!rc)
		rc = filemove_start_down(&c->moving.file, &cfg, &c->moving.at,
					 &ei);
	start(c, rc, c->moving.at.dc_id, &ei);
}

/* A stale reference: the same message again. */
static void ask_message(struct client *c)
{
	const struct messages_ids ids = { &c->moving.message_id, 1 };
	struct engine_ask ask = client_ask(c, have_message);
	struct err_info ei = { 0 };

	client_asked(c,
		     messages_get(&c->engine, &ask, c->moving.peer, &ids, &ei),
		     &ei);
}

static void get_now(struct client *c)
{
	const struct messages_page page = { .limit = LOOK_BACK };
	struct engine_ask ask = client_ask(c, have_message);
	struct err_info ei = { 0 };

	c->moving.peer = c->order.to;
	client_asked(
		c, messages_history(&c->engine, &ask, c->order.to, &page, &ei),
		&ei);
}

/* {"do": "get_file", "with": ..., "path": ..., "window": N}: of the newest one */
void moving_get_file(struct client *c)
{
	forget(c);
	orders_resolve(c, "with", &c->order.to, get_now);
}
