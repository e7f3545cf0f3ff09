/* SPDX-License-Identifier: MIT */
/*
 * Inside the sign-in.
 *
 *	signin.c	  life, steps, what the person says
 *	signin_calls.c	  the requests
 *	signin_answers.c  their results
 *	signin_errors.c	  their errors
 *	signin_srp.c	  the proof of a password
 */
#ifndef TG_SIGNIN_INT_H
#define TG_SIGNIN_INT_H

#include "crypto/srp.h"
#include "tg/signin.h"
#include "tl/tl_wanted.h"

/* What signin_work() may touch, and nothing else. */
struct signin_srp {
	uint8_t salt1[SRP_SALT_MAX], salt2[SRP_SALT_MAX];
	uint8_t p[DH_LEN], b[DH_LEN];
	size_t salt1_len, salt2_len, b_len;
	int32_t g;
	int64_t id;
	struct rnd *rnd;
	struct secret password; /* with its NUL */
	struct srp_proof proof;
	enum err rc;
	struct err_info ei;
};

static inline enum signin_state signin_state(const struct signin *s)
{
	return (enum signin_state)s->sm.state;
}

/* signin.c */
void signin_to(struct signin *s, enum signin_state to, const char *why,
	       struct mono now);
/* Into `to`, to make its request; a request that cannot be made fails. */
void signin_begin(struct signin *s, enum signin_state to, const char *why,
		  struct mono now);
void signin_go(struct signin *s, int64_t dc, enum signin_state then,
	       struct mono now);
/* s->failure says it; takes advice from the row. */
void signin_refused(struct signin *s, const struct rpcerr *err,
		    struct mono now);

/* signin_calls.c: writes the request of the present state into s->call. */
enum err signin_write_call(struct signin *s, const char *code,
			   struct err_info *ei);
enum err signin_write_resend(struct signin *s, struct err_info *ei);

/* signin_answers.c */
enum err signin_read_result(struct signin *s, const void *data, size_t len,
			    struct mono now, struct err_info *ei);
bool signin_is_login_token(const void *data, size_t len);

/* signin_srp.c */
enum err signin_srp_take(struct signin *s, const struct tlc_account_password *p,
			 struct err_info *ei);
enum err signin_srp_password(struct signin *s, const char *password);
void signin_srp_forget(struct signin *s); /* the password */
void signin_srp_free(struct signin *s);

#endif /* TG_SIGNIN_INT_H */
