/* SPDX-License-Identifier: MIT */
#include "mtproto/transport.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "mtproto/bytes.h"
#include "mtproto/faketls.h"
#include "mtproto/framing.h"
#include "mtproto/obfuscated.h"
#include "mtproto/proxy_secret.h"

#define PADDING_MAX 15U
/* Clients are met (Telethon) that take off no more than this. */
#define PADDING_SERVER_MAX 3U
/* What a packet can grow by when sent: header, head, padding, checksum. */
#define OVERHEAD (OBFUSCATED_HEADER + FRAMING_HEAD_MAX + PADDING_MAX + 4U)
/* Packets may be longer than the default limit lets them, never than this. */
#define HARD_MAX (16U << 20)

struct kind {
	const char *name, *word;
	uint32_t tag; /* in the obfuscated header; 0: cannot be obfuscated */
	uint8_t announce_len;
	enum err (*parse)(const uint8_t *p, size_t n,
			  const struct framing_limits *lim,
			  struct framing_frame *ret, struct err_info *ei);
};

static const struct kind kinds[] = {
	[TRANSPORT_UNKNOWN] = { "unknown", "", 0, 0, NULL },
	[TRANSPORT_ABRIDGED] = { "abridged", "abridged", 0xefefefef, 1,
				 framing_abridged_parse },
	[TRANSPORT_INTERMEDIATE] = { "intermediate", "intermediate", 0xeeeeeeee,
				     4, framing_intermediate_parse },
	[TRANSPORT_PADDED] = { "padded intermediate", "padded", 0xdddddddd, 4,
			       framing_intermediate_parse },
	[TRANSPORT_FULL] = { "full", "full", 0, 0, framing_full_parse },
};

const char *transport_kind_name(enum transport_kind kind)
{
	return kinds[kind].name;
}

enum err transport_parse(const char *text, struct transport_config *ret,
			 struct err_info *ei)
{
	static const char obfuscated[] = "obfuscated-";
	const char *name = text;
	bool obf = !strncmp(text, obfuscated, strlen(obfuscated));

	if (obf)
		name += strlen(obfuscated);
	for (int k = TRANSPORT_ABRIDGED; k <= TRANSPORT_FULL; k++) {
		if (strcmp(name, kinds[k].word) != 0 || (obf && !kinds[k].tag))
			continue;
		ret->kind = (enum transport_kind)k;
		ret->obfuscated = obf;
		return ERR_OK;
	}
	return err_set(ei, ERR_INVALID,
		       "no transport \"%.40s\": want full, abridged, "
		       "intermediate or padded, the last three also with "
		       "obfuscated- in front",
		       text);
}

static void init(struct transport *t, const struct transport_config *cfg,
		 struct rnd *rnd)
{
	size_t max =
		cfg && cfg->max_packet ? cfg->max_packet : TRANSPORT_PACKET_MAX;

	BUG_ON(max > HARD_MAX);
	*t = (struct transport){
		.rnd = rnd,
		.max_packet = max,
		.secret = cfg ? cfg->secret : NULL,
	};
	/* TLS gives whole records: what was kept of one comes on top */
	buf_init(&t->in,
		 max + OVERHEAD + TRANSPORT_FEED_MAX + FAKETLS_RECORD_MAX);
}

/* An MTProxy has a say in what is spoken to it. */
static enum transport_kind kind_for(const struct transport_config *cfg)
{
	if (!cfg->proxy)
		return cfg->kind;
	if (cfg->proxy->kind != PROXY_SECRET_PLAIN)
		return TRANSPORT_PADDED;
	return kinds[cfg->kind].tag ? cfg->kind : TRANSPORT_INTERMEDIATE;
}

void transport_init_client(struct transport *t,
			   const struct transport_config *cfg, struct rnd *rnd)
{
	BUG_ON(cfg->kind == TRANSPORT_UNKNOWN);
	BUG_ON(cfg->obfuscated && !kinds[cfg->kind].tag);
	init(t, cfg, rnd);
	t->kind = (uint8_t)kind_for(cfg);
	t->want_obf = cfg->obfuscated || cfg->proxy;
	t->dc_field = cfg->dc_field;
	t->proxy = cfg->proxy;
	if (cfg->proxy)
		t->secret = cfg->proxy->key;
}

void transport_init_server(struct transport *t,
			   const struct transport_config *cfg, struct rnd *rnd)
{
	init(t, cfg, rnd);
	t->server = true;
	t->announced = true;
}

void transport_deinit(struct transport *t)
{
	if (t->obf) {
		obfuscated_deinit(t->obf);
		free(t->obf);
	}
	if (t->tls) {
		faketls_deinit(t->tls);
		free(t->tls);
	}
	buf_deinit(&t->in);
	*t = (struct transport){ 0 };
}

/* Give back what was on loan, and the memory with it if that was all. */
static void end_loan(struct transport *t)
{
	if (t->loaned > 0) {
		buf_consume(&t->in, t->loaned);
		t->loaned = 0;
	}
	if (buf_len(&t->in) == 0)
		buf_drained(&t->in);
}

static enum err broken(struct transport *t, enum err rc)
{
	t->broken = true;
	return rc;
}

enum err transport_start(struct transport *t, struct wall now, struct buf *out,
			 struct err_info *ei)
{
	enum err rc;

	BUG_ON(t->server || t->tls);
	if (!t->proxy || t->proxy->kind != PROXY_SECRET_TLS)
		return ERR_OK;
	t->tls = calloc(1, sizeof(*t->tls));
	if (!t->tls)
		return broken(t, err_set(ei, ERR_NOMEM, "transport"));
	faketls_init(t->tls, t->proxy, t->rnd);
	rc = faketls_start(t->tls, now, out, ei);
	return rc ? broken(t, rc) : ERR_OK;
}

bool transport_is_open(const struct transport *t)
{
	if (!t->proxy || t->proxy->kind != PROXY_SECRET_TLS)
		return true;
	return t->tls && faketls_is_open(t->tls);
}

/* Into t->in: as it came, or what the TLS records carried. */
static enum err take_bytes(struct transport *t, const void *data, size_t len,
			   struct err_info *ei)
{
	enum err rc;

	if (t->tls)
		return faketls_feed(t->tls, data, len, &t->in, ei);
	rc = buf_append(&t->in, data, len);
	return rc ? err_set(ei, rc, "receive buffer") : ERR_OK;
}

enum err transport_feed(struct transport *t, const void *data, size_t len,
			struct err_info *ei)
{
	size_t before;
	enum err rc;

	BUG_ON(len > TRANSPORT_FEED_MAX);
	if (t->broken)
		return err_set(ei, ERR_PROTO, "stream already broken");
	end_loan(t);
	if (len == 0)
		return ERR_OK;
	before = buf_len(&t->in);
	rc = take_bytes(t, data, len, ei);
	if (rc)
		return t->tls ? broken(t, rc) : rc;
	if (!t->obf || buf_len(&t->in) == before)
		return ERR_OK;
	rc = aes_ctr_xor(&t->obf->rx, buf_head(&t->in) + before,
			 buf_head(&t->in) + before, buf_len(&t->in) - before);
	if (rc)
		return broken(t, err_set(ei, rc, "obfuscated transport"));
	return ERR_OK;
}

static enum transport_kind kind_of_tag(uint32_t tag)
{
	for (int k = TRANSPORT_ABRIDGED; k <= TRANSPORT_PADDED; k++)
		if (kinds[k].tag == tag)
			return (enum transport_kind)k;
	return TRANSPORT_UNKNOWN;
}

static enum err accept_obfuscated(struct transport *t, struct err_info *ei)
{
	struct obfuscated_hello hello = { .secret = t->secret };
	struct obfuscated *o;
	enum err rc;

	if (buf_len(&t->in) < OBFUSCATED_HEADER)
		return ERR_OK;
	o = calloc(1, sizeof(*o));
	if (!o)
		return err_set(ei, ERR_NOMEM, "obfuscated transport");
	rc = obfuscated_server(o, buf_head(&t->in), &hello, ei);
	if (rc) {
		free(o);
		return rc;
	}
	t->obf = o;
	buf_consume(&t->in, OBFUSCATED_HEADER);
	t->kind = (uint8_t)kind_of_tag(hello.tag);
	t->dc_field = hello.dc;
	if (buf_len(&t->in) == 0)
		return ERR_OK;
	return aes_ctr_xor(&o->rx, buf_head(&t->in), buf_head(&t->in),
			   buf_len(&t->in));
}

/* Which transport is it?  Leaves kind UNKNOWN while it cannot be told. */
static enum err detect(struct transport *t, struct err_info *ei)
{
	const uint8_t *p = buf_len(&t->in) ? buf_head(&t->in) : NULL;
	size_t n = buf_len(&t->in);
	uint32_t first;

	if (n < 1)
		return ERR_OK;
	if (p[0] == 0xef) {
		t->kind = TRANSPORT_ABRIDGED;
		buf_consume(&t->in, 1);
		return ERR_OK;
	}
	if (n < 4)
		return ERR_OK;
	first = bytes_get_u32(p);
	if (first == 0xeeeeeeee || first == 0xdddddddd) {
		t->kind = (uint8_t)kind_of_tag(first);
		buf_consume(&t->in, 4);
		return ERR_OK;
	}
	if (n < 8)
		return ERR_OK;
	if (bytes_get_u32(p + 4) == 0) {
		t->kind = TRANSPORT_FULL;
		return ERR_OK;
	}
	if (obfuscated_reserved(p))
		return err_set(ei, ERR_PROTO,
			       "HTTP or TLS on a plain MTProto port");
	return accept_obfuscated(t, ei);
}

/*
 * Padded packets are 0..15 bytes longer than what they carry.  An encrypted
 * message is a multiple of 16 after its head, a plain one says its length, and
 * what is shorter than both is an error code.
 */
static size_t without_padding(const uint8_t *p, size_t len)
{
	uint32_t body;

	if (len < 20)
		return 4;
	if (bytes_get_u64(p) != 0)
		return len < 24 ? len : 24 + ((len - 24) & ~(size_t)15);
	body = bytes_get_u32(p + 16);
	return body <= len - 20 ? 20 + (size_t)body : len;
}

static enum err hand_out(struct transport *t, const struct framing_frame *f,
			 struct transport_packet *ret, struct err_info *ei)
{
	uint8_t *data = buf_head(&t->in) + f->off;
	size_t len = f->len;

	t->loaned = f->total;
	if (f->quick_ack) {
		*ret = (struct transport_packet){ .type = TRANSPORT_QUICK_ACK,
						  .token = f->token };
		return ERR_OK;
	}
	if (t->kind == TRANSPORT_PADDED)
		len = without_padding(data, len);
	if (!t->server && len == 4) {
		int32_t code = (int32_t)bytes_get_u32(data);

		if (code >= 0)
			return err_set(ei, ERR_PROTO,
				       "4-byte packet %d is no error code",
				       code);
		*ret = (struct transport_packet){ .type = TRANSPORT_ERROR,
						  .code = code };
		return ERR_OK;
	}
	*ret = (struct transport_packet){
		.type = TRANSPORT_DATA,
		.data = data,
		.len = len,
		.wants_quick_ack = f->wants_quick_ack,
	};
	return ERR_OK;
}

enum err transport_next(struct transport *t, struct transport_packet *ret,
			bool *ret_has, struct err_info *ei)
{
	struct framing_limits lim = { t->max_packet, t->seq_in, t->server };
	struct framing_frame f = { 0 };
	enum err rc;

	if (t->broken)
		return err_set(ei, ERR_PROTO, "stream already broken");
	end_loan(t);
	if (t->kind == TRANSPORT_UNKNOWN) {
		rc = detect(t, ei);
		if (rc)
			return broken(t, rc);
	}
	if (t->kind != TRANSPORT_UNKNOWN && buf_len(&t->in) > 0) {
		rc = kinds[t->kind].parse(buf_head(&t->in), buf_len(&t->in),
					  &lim, &f, ei);
		if (rc)
			return broken(t, rc);
	}
	if (f.total == 0) {
		end_loan(t);
		*ret_has = false;
		return ERR_OK;
	}
	t->seq_in++;
	rc = hand_out(t, &f, ret, ei);
	if (rc)
		return broken(t, rc);
	*ret_has = true;
	return ERR_OK;
}

/* The client's first bytes: the tag, or a header with the tag inside. */
static enum err announce(struct transport *t, struct buf *out)
{
	const struct kind *k = &kinds[t->kind];
	struct obfuscated_hello hello = { k->tag, t->dc_field, t->secret };
	uint8_t head[OBFUSCATED_HEADER];
	struct obfuscated *o;
	enum err rc;

	if (!t->want_obf) {
		bytes_put_u32(head, k->tag);
		return buf_append(out, head, k->announce_len);
	}
	o = calloc(1, sizeof(*o));
	if (!o)
		return ERR_NOMEM;
	rc = obfuscated_client(o, &hello, t->rnd, head);
	if (rc) {
		free(o);
		return rc;
	}
	t->obf = o;
	return buf_append(out, head, sizeof(head));
}

static enum err put_packet(struct transport *t, const void *data, size_t len,
			   struct buf *out)
{
	uint8_t head[FRAMING_HEAD_MAX], tail[PADDING_MAX + 4];
	size_t head_len, tail_len = 0;
	enum err rc;

	switch (transport_kind(t)) {
	case TRANSPORT_ABRIDGED:
		head_len = framing_abridged_head(head, len);
		break;
	case TRANSPORT_FULL:
		head_len = framing_full_head(head, len, t->seq_out++);
		bytes_put_u32(tail,
			      framing_full_crc(head, head_len, data, len));
		tail_len = 4;
		break;
	case TRANSPORT_PADDED:
		rnd_fill(t->rnd, tail, 1);
		tail_len = tail[0] &
			   (t->server ? PADDING_SERVER_MAX : PADDING_MAX);
		rnd_fill(t->rnd, tail, tail_len);
		head_len = framing_intermediate_head(head, len + tail_len);
		break;
	case TRANSPORT_UNKNOWN:
	case TRANSPORT_INTERMEDIATE:
	default:
		head_len = framing_intermediate_head(head, len);
	}
	rc = buf_append(out, head, head_len);
	if (!rc)
		rc = buf_append(out, data, len);
	if (!rc && tail_len > 0)
		rc = buf_append(out, tail, tail_len);
	return rc;
}

/* Reserves, so that nothing after it can fail half-way. */
static enum err check_send(struct transport *t, size_t len, struct buf *out,
			   struct err_info *ei)
{
	uint8_t *room;
	enum err rc;

	if (t->broken)
		return err_set(ei, ERR_PROTO, "stream already broken");
	if (t->kind == TRANSPORT_UNKNOWN)
		return err_set(
			ei, ERR_INVALID,
			"nothing received yet: no transport to answer in");
	if (len < 4 || len > HARD_MAX - OVERHEAD)
		return err_set(ei, ERR_TOOBIG, "packet of %zu bytes", len);
	if (len % 4 != 0 && t->kind != TRANSPORT_INTERMEDIATE &&
	    t->kind != TRANSPORT_PADDED)
		return err_set(ei, ERR_INVALID,
			       "%s packet of %zu bytes, not a multiple of 4",
			       kinds[t->kind].name, len);
	rc = buf_reserve(out, len + OVERHEAD, &room);
	if (rc)
		return err_set(ei, rc, "send buffer");
	return ERR_OK;
}

/* Encrypt what was appended behind the first `from` bytes. */
static enum err obfuscate(struct transport *t, struct buf *out, size_t from)
{
	if (!t->obf)
		return ERR_OK;
	return aes_ctr_xor(&t->obf->tx, buf_head(out) + from,
			   buf_head(out) + from, buf_len(out) - from);
}

static enum err send_stream(struct transport *t, const void *data, size_t len,
			    struct buf *out, struct err_info *ei)
{
	size_t from;
	enum err rc;

	if (!t->announced) {
		rc = announce(t, out);
		if (rc)
			return broken(t, err_set(ei, rc, "announce transport"));
		t->announced = true;
	}
	from = buf_len(out);
	rc = put_packet(t, data, len, out);
	if (!rc)
		rc = obfuscate(t, out, from);
	if (rc)
		return broken(t, err_set(ei, rc, "send packet"));
	return ERR_OK;
}

static enum err send_tls(struct transport *t, const void *data, size_t len,
			 struct buf *out, struct err_info *ei)
{
	struct buf stream;
	enum err rc;

	BUG_ON(!transport_is_open(t));
	buf_init(&stream, HARD_MAX + OVERHEAD);
	rc = send_stream(t, data, len, &stream, ei);
	if (!rc)
		rc = faketls_send(t->tls, buf_head(&stream), buf_len(&stream),
				  out, ei);
	buf_deinit(&stream);
	return rc ? broken(t, rc) : ERR_OK;
}

enum err transport_send(struct transport *t, const void *data, size_t len,
			struct buf *out, struct err_info *ei)
{
	enum err rc = check_send(t, len, out, ei);

	if (rc)
		return rc;
	return t->proxy && t->proxy->kind == PROXY_SECRET_TLS
		       ? send_tls(t, data, len, out, ei)
		       : send_stream(t, data, len, out, ei);
}

enum err transport_send_error(struct transport *t, int32_t code,
			      struct buf *out, struct err_info *ei)
{
	uint8_t word[4];

	BUG_ON(code >= 0 || !t->server);
	bytes_put_u32(word, (uint32_t)code);
	return transport_send(t, word, sizeof(word), out, ei);
}

enum err transport_send_quick_ack(struct transport *t, uint32_t token,
				  struct buf *out, struct err_info *ei)
{
	uint8_t word[4];
	size_t from;
	enum err rc;

	BUG_ON(!t->server);
	if (t->kind == TRANSPORT_FULL)
		return ERR_OK;
	rc = check_send(t, sizeof(word), out, ei);
	if (rc)
		return rc;
	token |= FRAMING_QUICK_ACK;
	if (t->kind == TRANSPORT_ABRIDGED)
		token = __builtin_bswap32(token);
	bytes_put_u32(word, token);
	from = buf_len(out);
	rc = buf_append(out, word, sizeof(word));
	if (!rc)
		rc = obfuscate(t, out, from);
	if (rc)
		return broken(t, err_set(ei, rc, "send quick ack"));
	return ERR_OK;
}

enum err transport_error(int32_t code, struct err_info *ei)
{
	switch (code) {
	case -404:
		return err_set(ei, ERR_AUTH_GONE,
			       "-404: the data centre does not know the "
			       "authorisation key; sign in again");
	case -429:
		if (ei)
			ei->arg = 60;
		return err_set(ei, ERR_FLOOD,
			       "-429: too many connections; wait");
	case -444:
		return err_set(ei, ERR_WRONG_DC,
			       "-444: not the data centre this was meant for");
	default:
		return err_set(ei, ERR_PROTO, "transport error %d", code);
	}
}
