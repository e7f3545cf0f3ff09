/* SPDX-License-Identifier: MIT */
/* A fakedc that makes the key with the client first. */
#ifndef TEST_LIB_KEYDC_H
#define TEST_LIB_KEYDC_H

#include "crypto/rsa.h"
#include "fakedc.h"
#include "mtproto/handshake_server.h"

struct keydc {
	struct fakedc dc;
	struct handshake_server *hs;
	const struct rsa_key *rsa; /* borrowed */
	int64_t sec;
	int32_t named; /* the DC the client named in the exchange */
	bool keyed;
};

void keydc_init(struct keydc *k, const struct rsa_key *rsa, int64_t sec);
void keydc_deinit(struct keydc *k);
/* A fresh connection, by a client that has no key. */
void keydc_accept(struct keydc *k);
void keydc_feed(struct keydc *k, const uint8_t *data, size_t len);

#endif /* TEST_LIB_KEYDC_H */
