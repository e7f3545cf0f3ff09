/* SPDX-License-Identifier: MIT */
/*
 * tgfleet's own engine as a client that is told what to do by lines of JSON
 * (../lines.mjs), for the table of docs/interop.md and for `make bench`.
 *
 *	engine_client.c	lines in, answers out, the table of orders
 *	client.c	the account: sign-in, main connection, events
 *	orders.c	what can be asked of it
 *	moving.c	files, and the connections they are moved on
 *	plug.c		sans-IO connections on links
 */
#ifndef INTEROP_CLIENT_H
#define INTEROP_CLIENT_H

#include <sys/resource.h>

#include "base/json.h"
#include "cli/sign_in_env.h"
#include "plug.h"
#include "tg/engine.h"
#include "tg/media.h"
#include "tg/signin_conn.h"

#define CLIENT_MEDIAS 8
#define CLIENT_CALL_US (INT64_C(60) * US_PER_SEC)

struct client;

/* What is done with the answer to a call; NULL: it could not be asked. */
typedef void (*client_then_fn)(struct client *c, const struct engine_event *ev);
typedef void (*client_order_fn)(struct client *c);

/* What was asked for, one at a time. */
struct order {
	bool busy;
	int64_t id;
	struct json_doc doc;
	struct json said; /* its root */
	client_then_fn then;
	client_order_fn resolved; /* when `peer` is known */
	uint64_t tag;
	int64_t to, from;   /* peers by name */
	int64_t *resolving; /* one of these */
	struct rusage began;
	struct mono since;
	/* of many messages */
	int64_t left, waiting;
};

struct moving {
	struct filemove file;
	struct filemove_location at;
	int64_t peer; /* whose message it is */
	int32_t message_id;
	int fd; /* what is read or written; -1: only the sum */
	bool active;
};

struct client_media {
	struct client *c;
	struct plug plug;
	struct media media;
	bool used;
};

struct client {
	struct loop *loop;
	struct sign_in_env env;
	struct signin flow;
	struct signin_conn signing;
	struct engine engine;
	struct plug main; /* of signing, then of engine */
	struct client_media medias[CLIENT_MEDIAS];
	struct client_media *exporting;
	struct order order;
	struct moving moving;
	uint64_t next_tag, export_tag;
	int home; /* data centre */
	char phone[32], code[16], password[128];
	/* what incoming messages do */
	int64_t heard; /* in all */
	bool silent, echo;
};

/* engine_client.c */
void client_begin_answer(struct client *c, struct jsonw *w, struct buf *out);
void client_end_answer(struct client *c, struct jsonw *w, struct buf *out);
void client_done(struct client *c); /* an answer without anything in it */
void client_fail(struct client *c, enum err rc, const char *why);
void client_tell(int64_t from, const uint8_t *text, size_t len);

/* client.c */
void client_init(struct client *c);
void client_deinit(struct client *c);
void client_sign_in(struct client *c);
void client_open(struct client *c); /* a session that is there already */
void client_save(struct client *c);
struct engine_ask client_ask(struct client *c, client_then_fn then);
/* After asking: tells if that failed, else the connection writes. */
void client_asked(struct client *c, enum err rc, const struct err_info *ei);
/* The answer's own error is told; true: there is nothing more to do. */
bool client_refused(struct client *c, const struct engine_event *ev);

/* orders.c */
void orders_send(struct client *c);
void orders_history(struct client *c);
void orders_forward(struct client *c);
void orders_join(struct client *c);
void orders_send_many(struct client *c);
void orders_receive(struct client *c);
void orders_echo(struct client *c);
void orders_usage(struct client *c);
void orders_heard(struct client *c, const struct engine_message *m);
/* Of an answer of messages.Messages. */
const struct tlv_Message *orders_messages(const struct engine_answer *a);
/* Sets *ret to the peer a member of the order names, then goes on. */
void orders_resolve(struct client *c, const char *member, int64_t *ret,
		    client_order_fn then);

/* moving.c */
void moving_send_file(struct client *c);
void moving_get_file(struct client *c);
void moving_exported(struct client *c, const struct engine_event *ev);
void moving_stop(struct client *c);

#endif /* INTEROP_CLIENT_H */
