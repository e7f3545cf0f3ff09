/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets: each accepted connection becomes a link.
 *
 * fn() must take the link with link_own() before it returns; a link nobody took
 * is closed.  Connections above the limits are closed at once, uncounted by fn.
 *
 *   owner     whoever called listener_new()
 *   limits    max_links at a time, max_per_ip of one source address
 *   failure   binding reports the address
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/link.h"

struct listener;

struct listener_options {
	struct addr at;	     /* port 0: any free one */
	uint32_t max_links;  /* 0: 10000 */
	uint32_t max_per_ip; /* 0: no limit of its own */
	size_t send_max;     /* per link; 0: 4 MiB */
	int backlog;	     /* 0: 511 */
};

typedef void (*listener_fn)(void *ctx, uint64_t link, const struct addr *peer);

enum err listener_new(struct loop *l, const struct listener_options *o,
		      listener_fn fn, void *ctx, struct listener **ret,
		      struct err_info *ei);
/* Stops listening; accepted links live on.  Accepts NULL. */
void listener_free(struct listener *ls);
/* With the real port. */
struct addr listener_addr(const struct listener *ls);
uint32_t listener_count(const struct listener *ls);
uint64_t listener_refused(const struct listener *ls);

#endif /* NET_LISTENER_H */
