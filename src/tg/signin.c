/* SPDX-License-Identifier: MIT */
#include "tg/signin.h"

#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "base/text.h"
#include "tg/signin_int.h"

#define CALL_MAX 8192U
#define CODE_MAX 64U

static const struct sm_state states[] = {
#define SIGNIN_STATE(name, to, flags, step, help)                              \
	[SIGNIN_##name] = { #name, to, flags },
#include "tg/signin_state.def"
#undef SIGNIN_STATE
};

static const enum signin_step steps[] = {
#define SIGNIN_STATE(name, to, flags, step, help)                              \
	[SIGNIN_##name] = SIGNIN_STEP_##step,
#include "tg/signin_state.def"
#undef SIGNIN_STATE
};

static const char *const helps[] = {
#define SIGNIN_STATE(name, to, flags, step, help) [SIGNIN_##name] = (help),
#include "tg/signin_state.def"
#undef SIGNIN_STATE
};

const struct sm_class signin_sm_class = {
	.name = "signin",
	.states = states,
	.nstates = ARRAY_LEN(states),
};

const char *signin_state_help(enum signin_state state)
{
	BUG_ON((size_t)state >= ARRAY_LEN(helps));
	return helps[state];
}

const char *signin_via_text(enum signin_via via)
{
	static const char *const texts[] = {
		[SIGNIN_VIA_NONE] = "not at all",
		[SIGNIN_VIA_APP] = "in the Telegram app of another device",
		[SIGNIN_VIA_SMS] = "by SMS",
		[SIGNIN_VIA_CALL] = "by a phone call that speaks it",
		[SIGNIN_VIA_FLASH_CALL] = "as the number that calls",
		[SIGNIN_VIA_MISSED_CALL] =
			"as the last digits of the number that calls",
		[SIGNIN_VIA_FRAGMENT] = "at fragment.com",
		[SIGNIN_VIA_EMAIL] = "by e-mail",
		[SIGNIN_VIA_EMAIL_SETUP] = "by e-mail, once an address is set",
		[SIGNIN_VIA_FIREBASE] =
			"to official apps only; ask for another",
		[SIGNIN_VIA_SMS_WORD] = "by SMS, as a word",
		[SIGNIN_VIA_SMS_PHRASE] = "by SMS, as a phrase",
		[SIGNIN_VIA_UNKNOWN] = "in a way unknown here",
	};

	BUG_ON((size_t)via >= ARRAY_LEN(texts));
	return texts[via];
}

void signin_init(struct signin *s, const struct signin_config *cfg,
		 sm_observer_fn observer, struct mono now)
{
	*s = (struct signin){ .cfg = *cfg };
	sm_init(&s->sm, &signin_sm_class, SIGNIN_IDLE, observer, now.us);
	buf_init(&s->call, CALL_MAX);
}

/* Everything that must not be kept longer than the sign-in needs it. */
static void forget(struct signin *s)
{
	buf_wipe(&s->call);
	buf_init(&s->call, CALL_MAX);
	s->unsent = false;
	secret_deinit(&s->token);
	signin_srp_free(s);
	secret_wipe(&s->qr, sizeof(s->qr));
	secret_wipe(s->code_hash, sizeof(s->code_hash));
}

void signin_deinit(struct signin *s)
{
	if (!s->sm.class)
		return;
	if (!(states[s->sm.state].flags & SM_FINAL))
		signin_to(s, SIGNIN_FAILED, "given up",
			  (struct mono){ s->sm.since_us });
	forget(s);
	buf_deinit(&s->call);
	sm_deinit(&s->sm);
}

enum signin_step signin_step(const struct signin *s)
{
	enum signin_step step = steps[s->sm.state];

	if (step != SIGNIN_STEP_CALL)
		return step;
	return s->unsent ? SIGNIN_STEP_SEND : SIGNIN_STEP_WAIT;
}

void signin_to(struct signin *s, enum signin_state to, const char *why,
	       struct mono now)
{
	sm_move(&s->sm, to, why, now.us);
	if (steps[to] != SIGNIN_STEP_CALL) {
		buf_wipe(&s->call);
		buf_init(&s->call, CALL_MAX);
		s->unsent = false;
	}
	if (to == SIGNIN_DONE || to == SIGNIN_FAILED)
		forget(s);
}

static void begin(struct signin *s, enum signin_state to, const char *why,
		  const char *code, struct mono now)
{
	struct err_info ei = { 0 };
	enum err rc;

	if (signin_state(s) != to)
		signin_to(s, to, why, now);
	buf_wipe(&s->call);
	buf_init(&s->call, CALL_MAX);
	rc = signin_write_call(s, code, &ei);
	if (rc) {
		signin_fail(s, rc, &ei, now);
		return;
	}
	s->tag++;
	s->repeats = 0;
	s->unsent = true;
}

void signin_begin(struct signin *s, enum signin_state to, const char *why,
		  struct mono now)
{
	begin(s, to, why, NULL, now);
}

void signin_go(struct signin *s, int64_t dc, enum signin_state then,
	       struct mono now)
{
	struct err_info ei = { 0 };

	if (dc <= 0 || dc > 1000 || s->moves++ >= SIGNIN_MOVES_MAX) {
		enum err rc = err_set(&ei, ERR_WRONG_DC,
				      "sent on to data centre %lld after %d "
				      "moves; try again later",
				      (long long)dc, s->moves - 1);

		signin_fail(s, rc, &ei, now);
		return;
	}
	s->dc_id = (int)dc;
	s->after_move = then;
	signin_to(s, SIGNIN_MOVING, "lives elsewhere", now);
}

void signin_moved(struct signin *s, struct mono now)
{
	if (signin_state(s) == SIGNIN_MOVING)
		signin_begin(s, s->after_move, "arrived", now);
}

void signin_fail(struct signin *s, enum err rc, const struct err_info *ei,
		 struct mono now)
{
	if (states[s->sm.state].flags & SM_FINAL &&
	    signin_state(s) != SIGNIN_IDLE)
		return;
	s->failure.rc = rc;
	if (ei)
		s->failure.ei = *ei;
	if (!s->failure.ei.msg[0])
		(void)!err_set(&s->failure.ei, rc, "%s: %s",
			       signin_state_help(signin_state(s)),
			       err_text(rc));
	signin_to(s, SIGNIN_FAILED, "failed", now);
}

void signin_refused(struct signin *s, const struct rpcerr *err, struct mono now)
{
	struct err_info ei = { 0 };
	enum err rc = rpcerr_to_err(err, &ei);

	s->failure.advice = rpcerr_advice(err);
	s->failure.wait_sec = err->row->retry == ERR_RETRY_AFTER ? err->arg : 0;
	(void)text_copy(s->failure.name, sizeof(s->failure.name), err->name);
	signin_fail(s, rc, &ei, now);
}

/* ---- beginnings */

static bool is_number(const char *phone)
{
	size_t n = strspn(phone, "0123456789");

	return n >= 5 && !phone[n];
}

void signin_start_phone(struct signin *s, const char *phone, struct mono now)
{
	struct err_info ei = { 0 };
	enum err rc;

	BUG_ON(signin_state(s) != SIGNIN_IDLE);
	rc = text_account_id(phone, s->phone, sizeof(s->phone));
	if (!rc && !is_number(s->phone))
		rc = ERR_INVALID;
	if (rc) {
		rc = err_set(&ei, ERR_INVALID,
			     "that is no phone number; write it with its "
			     "country code");
		signin_fail(s, rc, &ei, now);
		return;
	}
	signin_begin(s, SIGNIN_SENDING, "by phone", now);
}

void signin_start_qr(struct signin *s, struct mono now)
{
	BUG_ON(signin_state(s) != SIGNIN_IDLE);
	signin_begin(s, SIGNIN_EXPORTING, "by QR code", now);
}

void signin_start_bot(struct signin *s, const char *token, struct mono now)
{
	size_t len = strlen(token);
	enum err rc = ERR_INVALID;

	BUG_ON(signin_state(s) != SIGNIN_IDLE);
	if (len && len < 256)
		rc = secret_init(&s->token, token, len);
	if (rc)
		signin_fail(s, rc, NULL, now);
	else
		signin_begin(s, SIGNIN_BOT, "as a bot", now);
}

void signin_start_log_out(struct signin *s, struct mono now)
{
	BUG_ON(signin_state(s) != SIGNIN_IDLE);
	signin_begin(s, SIGNIN_LEAVING, "log-out", now);
}

/* ---- requests */

void signin_take_call(struct signin *s, const uint8_t **ret_body,
		      size_t *ret_len, uint64_t *ret_tag)
{
	BUG_ON(!s->unsent);
	s->unsent = false;
	*ret_body = buf_head(&s->call);
	*ret_len = buf_len(&s->call);
	*ret_tag = s->tag;
}

static bool expected(const struct signin *s, uint64_t tag)
{
	return signin_step(s) == SIGNIN_STEP_WAIT && tag == s->tag &&
	       signin_state(s) != SIGNIN_IDLE;
}

void signin_on_result(struct signin *s, uint64_t tag, const void *data,
		      size_t len, struct mono now)
{
	struct err_info ei = { 0 };
	enum err rc;

	if (!expected(s, tag))
		return;
	rc = signin_read_result(s, data, len, now, &ei);
	if (rc)
		signin_fail(s, rc, &ei, now);
}

void signin_on_failure(struct signin *s, uint64_t tag, enum err rc,
		       struct mono now)
{
	if (expected(s, tag))
		signin_fail(s, rc, NULL, now);
}

void signin_on_object(struct signin *s, const void *data, size_t len,
		      struct mono now)
{
	if (signin_state(s) == SIGNIN_SCAN && signin_is_login_token(data, len))
		signin_begin(s, SIGNIN_EXPORTING, "scanned", now);
}

/* ---- what the person says */

void signin_give_code(struct signin *s, const char *code, struct mono now)
{
	size_t len = strlen(code);

	if (signin_state(s) != SIGNIN_CODE)
		return;
	if (!len || len > CODE_MAX) {
		(void)text_copy(s->problem, sizeof(s->problem),
				"PHONE_CODE_EMPTY");
		return;
	}
	s->problem[0] = '\0';
	begin(s, SIGNIN_SIGNING_IN, "code given", code, now);
}

void signin_resend(struct signin *s, struct mono now)
{
	struct err_info ei = { 0 };
	enum err rc;

	if (signin_state(s) != SIGNIN_CODE)
		return;
	s->problem[0] = '\0';
	signin_to(s, SIGNIN_SENDING, "another code wanted", now);
	rc = signin_write_resend(s, &ei);
	if (rc) {
		signin_fail(s, rc, &ei, now);
		return;
	}
	s->tag++;
	s->repeats = 0;
	s->unsent = true;
}

void signin_give_password(struct signin *s, const char *password,
			  struct mono now)
{
	enum err rc;

	if (signin_state(s) != SIGNIN_PASSWORD)
		return;
	rc = signin_srp_password(s, password);
	if (rc) {
		signin_fail(s, rc, NULL, now);
		return;
	}
	s->problem[0] = '\0';
	signin_to(s, SIGNIN_PROVING, "password given", now);
}

void signin_refresh(struct signin *s, struct mono now)
{
	if (signin_state(s) == SIGNIN_SCAN)
		signin_begin(s, SIGNIN_EXPORTING, "another QR code", now);
}

void signin_cancel(struct signin *s, struct mono now)
{
	enum signin_step step = signin_step(s);

	if (signin_state(s) == SIGNIN_CODE)
		signin_begin(s, SIGNIN_CANCELING, "cancelled", now);
	else if (step == SIGNIN_STEP_ASK_PASSWORD ||
		 step == SIGNIN_STEP_ASK_SCAN)
		signin_fail(s, ERR_CANCELED, NULL, now);
}

void signin_worked(struct signin *s, struct mono now)
{
	BUG_ON(signin_state(s) != SIGNIN_PROVING);
	if (s->srp->rc) {
		const struct err_info ei = s->srp->ei;

		signin_fail(s, s->srp->rc, &ei, now);
		return;
	}
	signin_begin(s, SIGNIN_CHECKING, "proven", now);
}
