/* SPDX-License-Identifier: MIT */
/*
 * MTProto transports over a byte stream: abridged, intermediate, padded
 * intermediate and full, each but the last also inside obfuscated2.
 *
 * Sans-IO: bytes read go in with transport_feed(), whole packets come out of
 * transport_next(); transport_send() appends what is to be written.  A client
 * chooses the kind and announces it with its first packet; a server finds out
 * from the first bytes it is fed and answers in kind.  How the stream is cut
 * into feeds makes no difference to what comes out.
 *
 *	transport_feed(t, data, len, ei);
 *	for (;;) {
 *		rc = transport_next(t, &pkt, &has, ei);
 *		if (rc || !has)
 *			break;
 *		... pkt.type ...
 *	}
 *
 * Through an MTProxy (cfg->proxy) the stream is obfuscated with its secret, and
 * with an "ee" secret it is inside what looks like TLS: then the proxy has to
 * answer before anything can be sent.  A client of any kind calls
 * transport_start() first and sends when transport_is_open().
 *
 *   owner     the connection embeds one; `rnd`, secret and proxy are borrowed
 *   memory    the bytes of an unfinished packet, at most max_packet and one
 *             feed; none when idle, but for two cipher states if obfuscated
 *             and 100 bytes in TLS
 *   threads   none
 *   failure   a broken stream stays broken: every later call says so again
 */
#ifndef MTPROTO_TRANSPORT_H
#define MTPROTO_TRANSPORT_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/rnd.h"

/* The most transport_feed() takes at once: drain with transport_next() after. */
#define TRANSPORT_FEED_MAX (256U << 10)
#define TRANSPORT_PACKET_MAX (8U << 20) /* default of max_packet */
#define TRANSPORT_SECRET_LEN 16U

enum transport_kind {
	TRANSPORT_UNKNOWN, /* a server before the first bytes */
	TRANSPORT_ABRIDGED,
	TRANSPORT_INTERMEDIATE,
	TRANSPORT_PADDED,
	TRANSPORT_FULL,
};

enum transport_type {
	TRANSPORT_DATA,	     /* data, len: a plain or encrypted message */
	TRANSPORT_ERROR,     /* code: -404, -429, -444, ... */
	TRANSPORT_QUICK_ACK, /* token: client side only */
};

/* On loan until the next call on the transport; data may be overwritten. */
struct transport_packet {
	enum transport_type type;
	uint8_t *data;
	size_t len;
	int32_t code;
	uint32_t token;
	bool wants_quick_ack; /* server side: the peer asked for one */
};

struct transport_config {
	enum transport_kind kind; /* client only */
	bool obfuscated;	  /* client only; not with FULL */
	int16_t dc_field;	  /* client, obfuscated: goes into the header */
	const uint8_t *secret;	  /* NULL or TRANSPORT_SECRET_LEN bytes */
	/* client only: stands for `secret`, and for what the kind must be */
	const struct proxy_secret *proxy;
	size_t max_packet; /* 0: TRANSPORT_PACKET_MAX */
};

struct faketls;
struct obfuscated;
struct proxy_secret;

struct transport {
	struct buf in;
	struct obfuscated *obf; /* NULL when not obfuscated */
	struct faketls *tls;	/* NULL but for "ee" secrets */
	struct rnd *rnd;
	const uint8_t *secret;
	const struct proxy_secret *proxy;
	size_t max_packet;
	size_t loaned; /* bytes of `in` handed out, dropped by the next call */
	uint32_t seq_in, seq_out; /* full only */
	int16_t dc_field;
	uint8_t kind; /* enum transport_kind */
	bool server, want_obf, announced, broken;
};

void transport_init_client(struct transport *t,
			   const struct transport_config *cfg, struct rnd *rnd);
/* Of cfg only secret and max_packet count; cfg may be NULL. */
void transport_init_server(struct transport *t,
			   const struct transport_config *cfg, struct rnd *rnd);
void transport_deinit(struct transport *t);

/* Client: appends what goes before the first packet; once, on connecting. */
enum err transport_start(struct transport *t, struct wall now, struct buf *out,
			 struct err_info *ei);
/* May packets be sent? */
bool transport_is_open(const struct transport *t);

/* Copies; len <= TRANSPORT_FEED_MAX. */
enum err transport_feed(struct transport *t, const void *data, size_t len,
			struct err_info *ei);
/* *ret_has says whether *ret was filled; false means "feed me more". */
enum err transport_next(struct transport *t, struct transport_packet *ret,
			bool *ret_has, struct err_info *ei);

/* Appends one packet to out (and before the first one, the announcement). */
enum err transport_send(struct transport *t, const void *data, size_t len,
			struct buf *out, struct err_info *ei);
/* Server: a 4-byte error packet; code is negative. */
enum err transport_send_error(struct transport *t, int32_t code,
			      struct buf *out, struct err_info *ei);
/* Server: the token of envelope_quick_ack(); nothing in kind FULL. */
enum err transport_send_quick_ack(struct transport *t, uint32_t token,
				  struct buf *out, struct err_info *ei);

/* What an error packet means, as our error: -404 AUTH_GONE, -429 FLOOD, ... */
enum err transport_error(int32_t code, struct err_info *ei);

static inline enum transport_kind transport_kind(const struct transport *t)
{
	return (enum transport_kind)t->kind;
}
const char *transport_kind_name(enum transport_kind kind);
/*
 * What a setting calls it: "full", "abridged", "intermediate", "padded", the
 * last three also with "obfuscated-" in front.  Fills in kind and obfuscated.
 */
enum err transport_parse(const char *text, struct transport_config *ret,
			 struct err_info *ei);
/* Server: the data centre the obfuscated header named; 0 if none. */
static inline int16_t transport_dc_field(const struct transport *t)
{
	return t->dc_field;
}

#endif /* MTPROTO_TRANSPORT_H */
