/* SPDX-License-Identifier: MIT */
/*
 * Connections: bytes out, bytes in, one end.
 *
 * A link is an id.  Callbacks get (ctx, id); calls on an id whose link is gone
 * do nothing (link_send() answers ERR_EOF).  The life of a link:
 *
 *	link_dial() or accepted -> on_open (dialled links, when every filter is
 *	through) -> on_data* -> on_close exactly once, with a reason
 *
 * on_close never runs inside link_dial(), link_send() or link_close(): it comes
 * from the loop later, so callers need not guard against re-entrance.  After
 * link_close() no other callback comes.
 *
 * Inside, a link is a stack of filters of one vtable (link_int.h): the socket
 * at the bottom, proxies above it.
 *
 *   owner     the loop; others hold ids
 *   memory    ~300 bytes idle: received bytes are lent from the loop's scratch,
 *             the send queue, and a second descriptor that is watched for room,
 *             exist only while the socket does not take it all
 *   limits    send_max bytes queued; more closes the link with OVERFLOW
 *   failure   on_close: reason and sentence
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "net/addr.h"
#include "net/loop.h"

enum close_reason {
#define CLOSE_REASON(sym, counter, is_error, sentence) CLOSE_##sym,
#include "net/close_reason.def"
#undef CLOSE_REASON
	CLOSE_REASON_COUNT
};

struct link_ops {
	/* Dialled links only; may be NULL. */
	void (*on_open)(void *ctx, uint64_t link);
	/* Borrowed: valid until it returns. */
	void (*on_data)(void *ctx, uint64_t link, const uint8_t *data,
			size_t len);
	/* The send queue ran empty after it had to wait, or had held more than
	 * 64 KiB; may be NULL. */
	void (*on_drain)(void *ctx, uint64_t link);
	/* ei->msg says more than the reason, e.g. "dial 10.0.0.1:443: refused". */
	void (*on_close)(void *ctx, uint64_t link, enum close_reason reason,
			 const struct err_info *ei);
};

enum link_proxy {
	LINK_PROXY_NONE,
	LINK_PROXY_SOCKS5,
	LINK_PROXY_CONNECT,
};

struct link_dial_options {
	struct addr_host to;
	struct addr bind;	    /* source address; family NONE: any */
	int64_t connect_timeout_us; /* all filters together; 0: 10 s */
	size_t send_max;	    /* 0: 4 MiB */
	enum link_proxy proxy;
	struct addr_host proxy_at;
	const char *proxy_user, *proxy_password; /* NULL: none */
};

/* Errors here are the caller's (bad options, no memory, too many links); what
 * the network says comes with on_close.  The options are copied. */
enum err link_dial(struct loop *l, const struct link_dial_options *o,
		   const struct link_ops *ops, void *ctx, uint64_t *ret_link,
		   struct err_info *ei);

/* Copies what the socket does not take at once.  ERR_TOOBIG above send_max (the
 * link closes with OVERFLOW), ERR_EOF if it is gone or not open yet. */
enum err link_send(struct loop *l, uint64_t link, const void *data, size_t len);
/* Bytes accepted by link_send() and not yet by the socket. */
size_t link_queued(const struct loop *l, uint64_t link);

/* on_close follows; nothing else does.  Queued bytes are dropped. */
void link_close(struct loop *l, uint64_t link, enum close_reason reason);
/* The same once the send queue is empty; received bytes are ignored. */
void link_finish(struct loop *l, uint64_t link, enum close_reason reason);

/* Stops and resumes reading; TCP pushes back to the peer. */
void link_pause(struct loop *l, uint64_t link);
void link_resume(struct loop *l, uint64_t link);

bool link_alive(const struct loop *l, uint64_t link);
/* Who listens from now on: an accepted link, or one that changes hands. */
void link_own(struct loop *l, uint64_t link, const struct link_ops *ops,
	      void *ctx);
/* false if gone. */
bool link_peer(const struct loop *l, uint64_t link, struct addr *ret);
bool link_local(const struct loop *l, uint64_t link, struct addr *ret);

/* "connect_timeout", "connecting took too long" */
const char *link_reason_name(enum close_reason reason);
const char *link_reason_text(enum close_reason reason);
bool link_reason_is_error(enum close_reason reason);

#endif /* NET_LINK_H */
