/* SPDX-License-Identifier: MIT */
/*
 * obfuscated2: 64 bytes that look random, then AES-CTR over the whole stream in
 * both directions (core.telegram.org/mtproto/mtproto-transports).
 *
 *   owner     struct transport
 *   memory    two cipher contexts
 *   failure   ERR_PROTO for a header naming no known transport; ERR_CRYPTO
 */
#ifndef MTPROTO_OBFUSCATED_H
#define MTPROTO_OBFUSCATED_H

#include "base/rnd.h"
#include "crypto/aes_ctr.h"

#define OBFUSCATED_HEADER 64U

struct obfuscated {
	struct aes_ctr tx, rx;
};

/* Secret: NULL or 16 bytes.  dc 0 leaves its two bytes random. */
struct obfuscated_hello {
	uint32_t tag; /* the byte of the inner transport, four times */
	int16_t dc;
	const uint8_t *secret;
};

enum err obfuscated_client(struct obfuscated *o,
			   const struct obfuscated_hello *hello,
			   struct rnd *rnd,
			   uint8_t ret_sent[OBFUSCATED_HEADER]);
/* hello->secret is input; tag and dc are filled in. */
enum err obfuscated_server(struct obfuscated *o,
			   const uint8_t header[OBFUSCATED_HEADER],
			   struct obfuscated_hello *hello, struct err_info *ei);
void obfuscated_deinit(struct obfuscated *o);

/*
 * What a header must not begin with, because it would be taken for something
 * else: another transport, HTTP or TLS.
 */
bool obfuscated_reserved(const uint8_t head[8]);

#endif /* MTPROTO_OBFUSCATED_H */
