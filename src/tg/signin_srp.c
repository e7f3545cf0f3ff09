/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "tg/signin_int.h"

typedef struct
	tlc_passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow
		kdf_algo;

static bool fits(struct tl_bytes in, size_t max)
{
	return in.len > 0 && in.len <= max;
}

static enum err take_algo(struct signin_srp *srp, const kdf_algo *a,
			  struct err_info *ei)
{
	if (a->salt1.len > SRP_SALT_MAX || a->salt2.len > SRP_SALT_MAX ||
	    a->p.len != DH_LEN)
		return err_set(ei, ERR_PROTO,
			       "password: parameters of a wrong size");
	srp->salt1_len = a->salt1.len;
	srp->salt2_len = a->salt2.len;
	srp->g = a->g;
	if (a->salt1.len)
		memcpy(srp->salt1, a->salt1.data, a->salt1.len);
	if (a->salt2.len)
		memcpy(srp->salt2, a->salt2.data, a->salt2.len);
	memcpy(srp->p, a->p.data, DH_LEN);
	return ERR_OK;
}

enum err signin_srp_take(struct signin *s, const struct tlc_account_password *p,
			 struct err_info *ei)
{
	if (!p->has_password || !p->has_current_algo || !p->has_srp_B ||
	    !p->has_srp_id)
		return err_set(ei, ERR_PROTO,
			       "a password is wanted, but none is set");
	if (p->current_algo.kind !=
	    TLN_passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow)
		return err_set(ei, ERR_UNAVAILABLE,
			       "the password is checked in a way this version "
			       "does not know; update tgfleet");
	if (!fits(p->srp_B, DH_LEN))
		return err_set(ei, ERR_PROTO, "password: srp_B of %zu bytes",
			       p->srp_B.len);
	if (!s->srp)
		s->srp = calloc(1, sizeof(*s->srp));
	if (!s->srp)
		return ERR_NOMEM;
	s->srp->rnd = s->cfg.rnd;
	s->srp->id = p->srp_id;
	s->srp->b_len = p->srp_B.len;
	memcpy(s->srp->b, p->srp_B.data, p->srp_B.len);
	return take_algo(s->srp, p->current_algo.any, ei);
}

enum err signin_srp_password(struct signin *s, const char *password)
{
	BUG_ON(!s->srp);
	secret_deinit(&s->srp->password);
	return secret_init(&s->srp->password, password, strlen(password) + 1);
}

void signin_srp_forget(struct signin *s)
{
	if (!s->srp)
		return;
	secret_deinit(&s->srp->password);
	secret_wipe(&s->srp->proof, sizeof(s->srp->proof));
}

void signin_srp_free(struct signin *s)
{
	signin_srp_forget(s);
	free(s->srp);
	s->srp = NULL;
}

void signin_work(struct signin *s)
{
	struct signin_srp *srp = s->srp;
	const struct srp_algo algo = { .salt1 = srp->salt1,
				       .salt1_len = srp->salt1_len,
				       .salt2 = srp->salt2,
				       .salt2_len = srp->salt2_len,
				       .g = srp->g,
				       .p = srp->p,
				       .p_len = sizeof(srp->p) };
	const struct srp_b b = { srp->b, srp->b_len };

	srp->ei = (struct err_info){ 0 };
	srp->rc = srp_client_proof(&algo, b, (const char *)srp->password.bytes,
				   srp->rnd, &srp->proof, &srp->ei);
}
