/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/text.h"
#include "tg/signin_int.h"

static bool is(const struct rpcerr *err, const char *name)
{
	return strcmp(err->name, name) == 0;
}

static void problem(struct signin *s, const struct rpcerr *err)
{
	(void)text_copy(s->problem, sizeof(s->problem), err->name);
}

/* The code was wrong, but may be entered again. */
static bool wrong_code(const struct rpcerr *err)
{
	return is(err, "PHONE_CODE_INVALID") || is(err, "PHONE_CODE_EMPTY") ||
	       is(err, "CODE_INVALID") || is(err, "EMAIL_CODE_INVALID");
}

static bool stale_proof(const struct rpcerr *err)
{
	return is(err, "SRP_ID_INVALID") || is(err, "SRP_PASSWORD_CHANGED");
}

static bool old_token(const struct rpcerr *err)
{
	return is(err, "AUTH_TOKEN_EXPIRED") || is(err, "AUTH_TOKEN_INVALID") ||
	       is(err, "AUTH_TOKEN_INVALIDX") ||
	       is(err, "AUTH_TOKEN_ALREADY_ACCEPTED");
}

/* The code that was sent before is as good as it was. */
static bool only_resend_failed(const struct signin *s, const struct rpcerr *err)
{
	return s->function == TLN_auth_resendCode && !rpcerr_is_final(err) &&
	       err->row->retry != ERR_RETRY_ELSEWHERE &&
	       !is(err, "PHONE_CODE_EXPIRED") && !is(err, "AUTH_RESTART");
}

/* Errors that mean something to one state alone; true: done with. */
static bool by_state(struct signin *s, const struct rpcerr *err,
		     struct mono now)
{
	switch (signin_state(s)) {
	case SIGNIN_SIGNING_IN:
		if (!wrong_code(err))
			return false;
		problem(s, err);
		signin_to(s, SIGNIN_CODE, "wrong code", now);
		return true;
	case SIGNIN_SENDING:
		if (!only_resend_failed(s, err))
			return false;
		problem(s, err);
		signin_to(s, SIGNIN_CODE, "no other code", now);
		return true;
	case SIGNIN_CHECKING:
		if (is(err, "PASSWORD_HASH_INVALID")) {
			problem(s, err);
			signin_srp_forget(s);
		} else if (!stale_proof(err) || s->srp_again++) {
			return false;
		}
		signin_begin(s, SIGNIN_FETCHING, "proof refused", now);
		return true;
	case SIGNIN_IMPORTING:
		if (!old_token(err) || s->restarts++)
			return false;
		signin_begin(s, SIGNIN_EXPORTING, "the token was too old", now);
		return true;
	case SIGNIN_CANCELING:
		signin_fail(s, ERR_CANCELED, NULL, now);
		return true;
	default:
		return false;
	}
}

static bool elsewhere(struct signin *s, const struct rpcerr *err,
		      struct mono now)
{
	enum signin_state again = signin_state(s);

	if (err->row->retry != ERR_RETRY_ELSEWHERE ||
	    !sm_may_move(&s->sm, SIGNIN_MOVING))
		return false;
	/* a code is only good where it was asked for */
	if (again == SIGNIN_SIGNING_IN)
		again = SIGNIN_SENDING;
	signin_go(s, err->arg, again, now);
	return true;
}

static bool restart(struct signin *s, const struct rpcerr *err, struct mono now)
{
	if (!is(err, "AUTH_RESTART") || !sm_may_move(&s->sm, SIGNIN_SENDING) ||
	    s->restarts++)
		return false;
	signin_begin(s, SIGNIN_SENDING, "to begin again", now);
	return true;
}

/* Trouble at the server: the same request, under another tag. */
static bool repeat(struct signin *s, const struct rpcerr *err)
{
	if (err->row->retry != ERR_RETRY_SOON ||
	    err->row->scope == RPCERR_SCOPE_NODE || is(err, "AUTH_RESTART") ||
	    stale_proof(err) || s->repeats >= SIGNIN_REPEATS_MAX)
		return false;
	s->repeats++;
	s->tag++;
	s->unsent = true;
	return true;
}

void signin_on_error(struct signin *s, uint64_t tag, const struct rpcerr *err,
		     struct mono now)
{
	if (signin_step(s) != SIGNIN_STEP_WAIT || tag != s->tag ||
	    signin_state(s) == SIGNIN_IDLE)
		return;
	if (by_state(s, err, now) || elsewhere(s, err, now) ||
	    restart(s, err, now) || repeat(s, err))
		return;
	if (is(err, "SESSION_PASSWORD_NEEDED") &&
	    signin_state(s) != SIGNIN_CHECKING &&
	    sm_may_move(&s->sm, SIGNIN_FETCHING))
		signin_begin(s, SIGNIN_FETCHING, "password needed", now);
	else
		signin_refused(s, err, now);
}
