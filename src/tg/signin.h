/* SPDX-License-Identifier: MIT */
/*
 * Signing in: by code, by QR code, as a bot; two-step verification; log-out.
 *
 * Requests, answers and what a person has to be asked, and nothing else: no
 * connection, no prompts.  After every call the caller does what the step says:
 *
 *	SEND		signin_take_call(): a query; its outcome comes back through
 *			signin_on_result(), _on_error() or _on_failure()
 *	MOVE		connect to s->dc_id with a new key, then signin_moved()
 *	ASK_CODE	show s->code; signin_give_code(), _resend() or _cancel()
 *	ASK_PASSWORD	show s->hint; signin_give_password() or _cancel()
 *	ASK_SCAN	show s->qr; signin_refresh() when it is old; pushed objects
 *			go to signin_on_object()
 *	WORK		signin_work() on any thread, then signin_worked()
 *	DONE		s->user (not after log-out)
 *	FAILED		s->failure
 *
 * A wrong code or password is asked for again, with s->problem saying why.
 *
 *   owner     the caller embeds one
 *   memory    one request, kept until its answer in case it has to be made
 *             again; codes, tokens and passwords in secrets, wiped when they
 *             were accepted, refused or given up
 *   threads   one at a time; between the step WORK and signin_worked() only
 *             signin_work() may run
 *   failure   never by return value: the flow ends in FAILED
 */
#ifndef TG_SIGNIN_H
#define TG_SIGNIN_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/rnd.h"
#include "base/secret.h"
#include "base/sm.h"
#include "tg/rpcerr.h"

#define SIGNIN_TOKEN_MAX 1024 /* of a QR code, bytes */
#define SIGNIN_QR_MAX (32 + SIGNIN_TOKEN_MAX * 4 / 3 + 4)
#define SIGNIN_HASH_MAX 128
#define SIGNIN_MOVES_MAX 4
#define SIGNIN_REPEATS_MAX                                                     \
	2 /* of one request that the server could not serve */

enum signin_state {
#define SIGNIN_STATE(name, to, flags, step, help) SIGNIN_##name,
#include "tg/signin_state.def"
#undef SIGNIN_STATE
	SIGNIN_STATE_COUNT
};

enum signin_step {
	SIGNIN_STEP_WAIT, /* for an answer */
	SIGNIN_STEP_SEND,
	SIGNIN_STEP_MOVE,
	SIGNIN_STEP_ASK_CODE,
	SIGNIN_STEP_ASK_PASSWORD,
	SIGNIN_STEP_ASK_SCAN,
	SIGNIN_STEP_WORK,
	SIGNIN_STEP_DONE,
	SIGNIN_STEP_FAILED,
	SIGNIN_STEP_CALL, /* in the table only: SEND or WAIT */
};

/* How a code travels. */
enum signin_via {
	SIGNIN_VIA_NONE,
	SIGNIN_VIA_APP,
	SIGNIN_VIA_SMS,
	SIGNIN_VIA_CALL,
	SIGNIN_VIA_FLASH_CALL,	/* the caller's number is the code */
	SIGNIN_VIA_MISSED_CALL, /* its last digits are */
	SIGNIN_VIA_FRAGMENT,
	SIGNIN_VIA_EMAIL,
	SIGNIN_VIA_EMAIL_SETUP, /* shown in a failure: an address is required */
	SIGNIN_VIA_FIREBASE,
	SIGNIN_VIA_SMS_WORD,
	SIGNIN_VIA_SMS_PHRASE,
	SIGNIN_VIA_UNKNOWN,
};

struct signin_code {
	enum signin_via via, next; /* next: what _resend() would use; NONE */
	int length;		   /* 0: not said */
	int32_t timeout_sec;	   /* until `next` may be used; 0: not said */
	char hint[256]; /* e-mail pattern, number prefix, URL, first word */
};

struct signin_qr {
	char url[SIGNIN_QR_MAX]; /* tg://login?token=... */
	int32_t expires;	 /* server time, seconds */
};

struct signin_user {
	int64_t id;
	bool bot;
	char name[130], username[64], phone[32];
};

struct signin_failure {
	enum err rc;
	struct err_info ei;
	const char *advice;	    /* or NULL */
	char name[RPCERR_NAME_MAX]; /* Telegram's, or "" */
	int64_t wait_sec;	    /* before another try; 0: not said */
};

struct signin_config {
	int32_t api_id;
	const char *api_hash; /* borrowed */
	struct rnd *rnd;      /* borrowed; used in signin_work() */
};

struct signin_srp;

struct signin {
	struct sm sm;
	struct signin_config cfg;
	struct signin_code code;
	struct signin_qr qr;
	struct signin_user user;
	struct signin_failure failure;
	char problem[RPCERR_NAME_MAX]; /* why it is asked again; or "" */
	char hint[256];		       /* of the password */
	bool has_recovery;	       /* ... it can be reset by e-mail */
	int dc_id;		       /* with step MOVE */
	/* private */
	enum signin_state after_move;
	char phone[32], code_hash[SIGNIN_HASH_MAX];
	struct secret token; /* the bot's, or a QR code's to be imported */
	struct signin_srp *srp;
	struct buf call;
	uint16_t function; /* TLN_* of the call */
	uint64_t tag;
	bool unsent, by_email;
	uint8_t moves, repeats, restarts, srp_again;
};

extern const struct sm_class signin_sm_class;

void signin_init(struct signin *s, const struct signin_config *cfg,
		 sm_observer_fn observer, struct mono now);
void signin_deinit(struct signin *s);

enum signin_step signin_step(const struct signin *s);
const char *signin_state_help(enum signin_state state);
/* "in the Telegram app", "by SMS" ... for a sentence. */
const char *signin_via_text(enum signin_via via);

/* One of these, once. */
void signin_start_phone(struct signin *s, const char *phone, struct mono now);
void signin_start_qr(struct signin *s, struct mono now);
void signin_start_bot(struct signin *s, const char *token, struct mono now);
void signin_start_log_out(struct signin *s, struct mono now);

/* Step SEND: the request's bytes, on loan until the next call; *ret_tag names
 * it in what comes back. */
void signin_take_call(struct signin *s, const uint8_t **ret_body,
		      size_t *ret_len, uint64_t *ret_tag);
/* Outcomes of another tag are ignored. */
void signin_on_result(struct signin *s, uint64_t tag, const void *data,
		      size_t len, struct mono now);
void signin_on_error(struct signin *s, uint64_t tag, const struct rpcerr *err,
		     struct mono now);
/* No answer: time-out, connection given up. */
void signin_on_failure(struct signin *s, uint64_t tag, enum err rc,
		       struct mono now);
/* Whatever Telegram pushed; what is not about the QR code is ignored. */
void signin_on_object(struct signin *s, const void *data, size_t len,
		      struct mono now);
void signin_moved(struct signin *s, struct mono now);

void signin_give_code(struct signin *s, const char *code, struct mono now);
void signin_resend(struct signin *s, struct mono now);
void signin_give_password(struct signin *s, const char *password,
			  struct mono now);
/* ASK_SCAN: a new QR code, or the outcome of the scan. */
void signin_refresh(struct signin *s, struct mono now);
/* ASK_*: takes a code back; ends in FAILED / ERR_CANCELED. */
void signin_cancel(struct signin *s, struct mono now);
/* The world outside cannot go on: connection, other DC unknown. */
void signin_fail(struct signin *s, enum err rc, const struct err_info *ei,
		 struct mono now);

void signin_work(struct signin *s);
void signin_worked(struct signin *s, struct mono now);

#endif /* TG_SIGNIN_H */
