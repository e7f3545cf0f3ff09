/* SPDX-License-Identifier: MIT */
/*
 * Inside a link: the socket and the filters above it.
 *
 * The filters there are speak first and then step aside (SOCKS5, HTTP CONNECT).
 * They are sans-IO.  Contract of `struct link_filter_ops`:
 *
 *   begin   appends the first bytes to `out`; called once what is below is open
 *   feed    is given all bytes not yet used, so it need not buffer; sets
 *           *ret_used <= len and *ret_done; appends answers to `out`.  Not
 *           called again after *ret_done or an error
 *   either  may fail: the link then closes with PROXY and the error's words
 *
 * A filter must not call the link: the link carries bytes for it.
 */
#ifndef NET_LINK_INT_H
#define NET_LINK_INT_H

#include "base/buf.h"
#include "net/link.h"
#include "net/loop_int.h"

struct link_filter;

struct link_filter_ops {
	const char *name;
	enum err (*begin)(struct link_filter *f, struct buf *out,
			  struct err_info *ei);
	enum err (*feed)(struct link_filter *f, const uint8_t *data, size_t len,
			 size_t *ret_used, bool *ret_done, struct buf *out,
			 struct err_info *ei);
};

#define LINK_CREDENTIAL_MAX 255

struct link_filter {
	const struct link_filter_ops *ops;
	struct addr_host to;
	char user[LINK_CREDENTIAL_MAX + 1];
	char password[LINK_CREDENTIAL_MAX + 1];
	int step;
};

extern const struct link_filter_ops link_proxy_socks5, link_proxy_connect;

/* What only a link that is still being dialled needs. */
struct link_dialing {
	uv_connect_t connect;
	uv_getaddrinfo_t resolve;
	struct link *link;	 /* NULL once the link is gone */
	struct addr_host target; /* of the TCP connection */
	struct addr bind;
	struct link_filter filter; /* ops NULL: none */
	struct buf early;	   /* bytes the filter has not used */
	bool resolving;
};

enum link_state {
	LINK_DIALING,
	LINK_FILTERING,
	LINK_OPEN,
	LINK_FINISHING, /* link_finish(): flush, FIN, wait for the peer's */
	LINK_CLOSING,	/* on_close is queued */
};

struct listener;

struct link {
	uv_tcp_t tcp;
	struct loop *loop;
	uint64_t id;
	const struct link_ops *ops;
	void *ctx;
	enum link_state state;
	enum close_reason reason;
	bool paused, want_drain, fin_sent;
	bool accepted; /* it is the first member of a link_accepted */
	uint8_t pins;  /* uv handle, on_close: freed at 0 */

	struct buf out;	      /* gathered in this turn, or waiting for room */
	struct loop_fd *room; /* NULL unless the socket is full */
	int room_fd;
	uint32_t finish_left; /* queued at the last look */

	struct link_dialing *dialing;
	struct wheel_timer timer; /* connect, then finish */
	struct loop_call call;	  /* on_close when closing, else the flush */
	char *why;		  /* sentence for on_close, or NULL */
};

/* Where dialled links are many they need not carry this. */
struct link_accepted {
	struct link link; /* first */
	struct addr peer;
	struct listener *listener; /* NULL if it is gone */
	struct link_accepted *next, *prev;
};

static inline struct link_accepted *link_accepted(struct link *k)
{
	return (struct link_accepted *)k;
}

/* Takes one waiting connection; its owner is not set yet. */
enum err link_accept(struct loop *l, uv_stream_t *server, size_t send_max,
		     struct link_accepted **ret);
/* From the listener: the link forgets it. */
void link_shut(struct link *k, enum close_reason reason, const char *why);
void link_shut_all(struct loop *l);
struct link *link_get(const struct loop *l, uint64_t id);
/* Tells the listener that a link of its is gone. */
void listener_gone(struct listener *ls, struct link_accepted *k);

#endif /* NET_LINK_INT_H */
