/* SPDX-License-Identifier: MIT */
/*
 * Answers of a server that says anything, to every request of a sign-in.  The
 * first byte chooses the way in; then each piece is a kind and a length.
 * Property: only the table's edges are taken (sm_move() would BUG), and what
 * failed says why and keeps no secret.
 */
#include <stdlib.h>
#include <string.h>

#include "tg/signin.h"

static void begin(struct signin *s, uint8_t how, struct mono now)
{
	switch (how % 4) {
	case 0:
		signin_start_phone(s, "9996610001", now);
		break;
	case 1:
		signin_start_qr(s, now);
		break;
	case 2:
		signin_start_bot(s, "1:abc", now);
		break;
	default:
		signin_start_log_out(s, now);
		break;
	}
}

/* Whatever is asked for is given; the proof itself is too slow here. */
static void play(struct signin *s, struct mono now)
{
	struct err_info ei = { .msg = "no proofs here" };

	switch (signin_step(s)) {
	case SIGNIN_STEP_MOVE:
		signin_moved(s, now);
		break;
	case SIGNIN_STEP_ASK_CODE:
		signin_give_code(s, "12345", now);
		break;
	case SIGNIN_STEP_ASK_PASSWORD:
		signin_give_password(s, "password", now);
		break;
	case SIGNIN_STEP_WORK:
		signin_fail(s, ERR_CRYPTO, &ei, now);
		break;
	default:
		break;
	}
}

static void answer(struct signin *s, uint8_t kind, const uint8_t *data,
		   size_t len)
{
	const struct mono now = { 2 };
	struct rpcerr err;
	const uint8_t *body;
	uint64_t tag = 0;
	size_t body_len;

	/* pushed while a code is shown; else what is asked for is given */
	if (kind % 4 == 3)
		signin_on_object(s, data, len, now);
	else
		play(s, now);
	if (signin_step(s) == SIGNIN_STEP_SEND)
		signin_take_call(s, &body, &body_len, &tag);
	if (kind % 4 == 2) {
		rpcerr_classify(&err, kind & 4 ? 303 : 400, data, len);
		signin_on_error(s, tag, &err, now);
	} else if (kind % 4 != 3) {
		signin_on_result(s, tag, data, len, now);
	}
}

static void check(const struct signin *s)
{
	if (signin_step(s) == SIGNIN_STEP_FAILED &&
	    (!s->failure.rc || !s->failure.ei.msg[0] || s->token.bytes ||
	     s->srp))
		abort();
	if (signin_step(s) == SIGNIN_STEP_ASK_SCAN && !s->qr.url[0])
		abort();
	if (signin_step(s) == SIGNIN_STEP_ASK_CODE && !s->code_hash[0])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct signin_config cfg = { .api_id = 1,
					   .api_hash = "x",
					   .rnd = rnd_system() };
	struct signin s;
	uint8_t *piece;

	if (len < 1)
		return 0;
	signin_init(&s, &cfg, NULL, (struct mono){ 1 });
	begin(&s, data[0], (struct mono){ 1 });
	data++;
	len--;
	while (len >= 3) {
		size_t n = data[1] | (size_t)data[2] << 8;

		if (n > len - 3)
			n = len - 3;
		piece = malloc(n + !n); /* a byte too far is seen */
		if (!piece)
			abort();
		if (n)
			memcpy(piece, data + 3, n);
		answer(&s, data[0], piece, n);
		check(&s);
		free(piece);
		data += 3 + n;
		len -= 3 + n;
	}
	signin_deinit(&s);
	return 0;
}
