/* SPDX-License-Identifier: MIT */
/*
 * The server's end of one connection, in memory, for tests of the client: takes
 * what a client wrote, hands out its queries, writes what the test says.
 *
 * It shares envelope and transport with the client (they have known answers of
 * their own) and nothing above: bodies are made by the test.
 */
#ifndef TEST_LIB_FAKEDC_H
#define TEST_LIB_FAKEDC_H

#include "mtproto/envelope.h"
#include "mtproto/transport.h"
#include "tl/dyn.h"

#define FAKEDC_QUERIES_MAX 64

struct fakedc_query {
	uint64_t msg_id;
	uint32_t id; /* constructor, prefix taken off */
	bool prefixed;
	int32_t layer, api_id; /* when prefixed */
	uint8_t body[512];     /* as much of it as fits */
	size_t len;	       /* of that */
	size_t whole;
};

struct fakedc {
	struct authkey key;
	struct transport transport;
	struct rnd *rnd;
	struct buf out; /* to the client */
	struct arena arena;
	uint64_t last_id, session_id;
	int64_t sec; /* server time */
	struct fakedc_query queries[FAKEDC_QUERIES_MAX];
	size_t n;
	bool pongs; /* answer pings, too */
};

void fakedc_init(struct fakedc *d, struct rnd *rnd, const uint8_t *key,
		 int64_t sec);
void fakedc_deinit(struct fakedc *d);
/* A fresh connection; queries not looked at are gone. */
void fakedc_accept(struct fakedc *d);
void fakedc_feed(struct fakedc *d, const uint8_t *data, size_t len);
/* The first query of this constructor, or NULL; stays in the list. */
const struct fakedc_query *fakedc_find(const struct fakedc *d, uint16_t name);
/* As above, and fails the test if there is none; takes it off the list. */
struct fakedc_query fakedc_take(struct fakedc *d, uint16_t name);

struct dyn *fakedc_new(struct fakedc *d, uint16_t name);
/* rpc_result to q. */
void fakedc_answer(struct fakedc *d, const struct fakedc_query *q,
		   uint16_t function, const struct dyn_val *v);
void fakedc_answer_obj(struct fakedc *d, const struct fakedc_query *q,
		       uint16_t function, struct dyn *obj);
void fakedc_error(struct fakedc *d, const struct fakedc_query *q, int32_t code,
		  const char *name);
/* An object of its own: updates. */
void fakedc_push(struct fakedc *d, const struct dyn *obj);
/* The same as bytes. */
void fakedc_push_raw(struct fakedc *d, const void *data, size_t len);
void fakedc_push_error(struct fakedc *d, int32_t code);

#endif /* TEST_LIB_FAKEDC_H */
