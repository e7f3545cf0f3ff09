/* SPDX-License-Identifier: MIT */
/*
 * Who this node is: the state folder.
 *
 *	lock           held while a worker runs here (leases rely on it)
 *	node.json      server, node id, token, intervals (0600)
 *	node.key       X25519 secret key, hex (0600)
 *	sessions/      sealed sessions, <account>.sealed (0600)
 *	scripts/       worker/scriptbook.h
 *	positions      worker/journal.h
 *	peers/         worker/peerbook.h
 *	config         worker/dcs.h
 *	boots          the number of its last start
 *
 *   owner     struct worker
 *   memory    fixed; token and key are secrets
 *   failure   names the file
 */
#ifndef WORKER_NODE_H
#define WORKER_NODE_H

#include "base/secret.h"
#include "wire/wire_enroll.h"

#define NODE_KEY_LEN WIRE_PUBLIC_KEY_BYTES
#define NODE_PATH_MAX 1024

struct node {
	char dir[NODE_PATH_MAX];
	char server[512];	  /* "http://host:port", no slash at the end */
	char id[WIRE_ID_MAX + 1]; /* "" = not enrolled */
	struct secret token;	  /* NUL-terminated text */
	struct secret key;
	uint8_t public_key[NODE_KEY_LEN];
	int64_t beat_us, ttl_us;
	int64_t boots; /* this start's number: grows, never starts anew */
	int lock_fd;   /* -1 = none */
};

/* Makes the folder if need be, locks it, makes or reads the key. */
enum err node_open(struct node *n, const char *dir, struct err_info *ei);
void node_close(struct node *n);
/* Takes over what the control plane answered and stores it. */
enum err node_enrolled(struct node *n, const char *server,
		       const struct wire_enrolled *e, struct err_info *ei);
/* dir/name; ERR_TOOBIG. */
enum err node_path(const struct node *n, const char *name,
		   char ret[static NODE_PATH_MAX], struct err_info *ei);

#endif /* WORKER_NODE_H */
