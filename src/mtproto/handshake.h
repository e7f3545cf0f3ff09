/* SPDX-License-Identifier: MIT */
/*
 * What both halves of the key exchange share: see handshake_client.h and
 * handshake_server.h.
 */
#ifndef MTPROTO_HANDSHAKE_H
#define MTPROTO_HANDSHAKE_H

#include "base/clock.h"
#include "mtproto/authkey.h"

#define HANDSHAKE_RETRIES_MAX 5 /* dh_gen_retry answers we follow */
#define HANDSHAKE_BODY_MAX 4096 /* longest body either side sends */

enum handshake_step {
	HANDSHAKE_WANT_SEND,
	HANDSHAKE_WANT_WORK,
	HANDSHAKE_DONE,
};

struct handshake_result {
	struct authkey key;	/* owned: authkey_deinit() */
	uint64_t salt;		/* the first server salt, as it travels */
	int64_t time_offset_us; /* client: srvtime - mono when it was told */
	int32_t expires_in_sec; /* 0: a permanent key */
	int32_t dc;		/* server: what the client asked for, 0: none */
};

/* A plain message's body and when it arrived. */
struct handshake_packet {
	const void *body;
	size_t len;
	struct mono now;      /* for the client half */
	struct wall now_wall; /* for the server half: told to the client */
};

#endif /* MTPROTO_HANDSHAKE_H */
