/* SPDX-License-Identifier: MIT */
/*
 * Two-step verification, the server's side of core.telegram.org/api/srp.
 *
 * A key that handed in a right code for somebody with a password is remembered
 * as half signed in (dc_proof.pending).  Every account.getPassword makes new SRP
 * parameters for its key; a check, right or wrong, uses them up.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/srp.h"
#include "dc/dc_int.h"

#define KDF                                                                    \
	TLN_passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow
#define G 3
#define SALT1_OURS 8 /* the rest of it is the client's */
#define SALT1_MIN (SALT1_OURS + 32)
#define SALT2_LEN 16

struct dc_proof {
	int64_t pending; /* who has only the password left to show; 0 = none */
	int64_t srp_id;	 /* 0: none asked for, or used up */
	uint8_t b[DH_LEN];
	uint8_t salt1[SALT1_OURS], salt2[SALT2_LEN]; /* for a new password */
};

void dc_password_forget(struct dc_key *k)
{
	if (k->proof)
		secret_wipe(k->proof, sizeof(*k->proof));
	free(k->proof);
	k->proof = NULL;
}

static struct dc_proof *proof_of(struct dc_key *k)
{
	if (!k->proof)
		k->proof = calloc(1, sizeof(*k->proof));
	return k->proof;
}

enum err dc_password_need(struct dc_call *call, const struct world_user *u)
{
	struct dc_proof *p = proof_of(call->key);

	if (!p)
		return ERR_NOMEM;
	p->pending = u->id;
	p->srp_id = 0;
	return dc_call_fail(call, 401, "SESSION_PASSWORD_NEEDED");
}

/* Whose password this call is about; NULL: nobody's. */
static struct world_user *whose(const struct dc_call *call)
{
	const struct dc_proof *p = call->key->proof;

	if (call->user || !p)
		return call->user;
	return world_user(&call->dc->world, p->pending);
}

static struct srp_algo algo_of(const struct world_password *w)
{
	return (struct srp_algo){ .salt1 = w->salt1,
				  .salt1_len = w->salt1_len,
				  .salt2 = w->salt2,
				  .salt2_len = w->salt2_len,
				  .g = G,
				  .p = dh_known_prime,
				  .p_len = DH_LEN };
}

static struct dyn *algo_obj(struct arena *a, struct tl_bytes salt1,
			    struct tl_bytes salt2)
{
	struct dyn *d = dyn_new(a, KDF);

	dyn_set_bytes(d, TLF_salt1, salt1.data, salt1.len);
	dyn_set_bytes(d, TLF_salt2, salt2.data, salt2.len);
	dyn_set_int(d, TLF_g, G);
	dyn_set_bytes(d, TLF_p, dh_known_prime, DH_LEN);
	return d;
}

static enum err put_current(struct dc_call *call, struct dyn *d,
			    const struct world_password *w)
{
	struct dc_proof *p = call->key->proof;
	const struct srp_algo algo = algo_of(w);
	struct err_info ei = { 0 };
	uint8_t big_b[DH_LEN];
	enum err rc;

	rnd_fill(rnd_system(), p->b, sizeof(p->b));
	p->srp_id = (int64_t)(rnd_u64(rnd_system()) >> 1) | 1;
	rc = srp_server_b(&algo, w->verifier, p->b, big_b, &ei);
	if (rc)
		return rc;
	dyn_set_bool(d, TLF_has_password, true);
	dyn_set_obj(d, TLF_current_algo,
		    algo_obj(call->arena,
			     (struct tl_bytes){ w->salt1, w->salt1_len },
			     (struct tl_bytes){ w->salt2, w->salt2_len }));
	dyn_set_bytes(d, TLF_srp_B, big_b, sizeof(big_b));
	dyn_set_int(d, TLF_srp_id, p->srp_id);
	if (*w->hint)
		dyn_set_str(d, TLF_hint, w->hint);
	return ERR_OK;
}

enum err dc_account_password(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_account_password);
	const struct world_user *u = whose(call);
	struct dc_proof *p;
	uint8_t random[256];
	enum err rc = ERR_OK;

	(void)ei;
	if (!u)
		return dc_call_fail(call, 401, "AUTH_KEY_UNREGISTERED");
	p = proof_of(call->key);
	if (!p)
		return ERR_NOMEM;
	rnd_fill(rnd_system(), p->salt1, sizeof(p->salt1));
	rnd_fill(rnd_system(), p->salt2, sizeof(p->salt2));
	rnd_fill(rnd_system(), random, sizeof(random));
	if (u->password)
		rc = put_current(call, d, u->password);
	if (rc)
		return rc;
	dyn_set_obj(d, TLF_new_algo,
		    algo_obj(call->arena,
			     (struct tl_bytes){ p->salt1, sizeof(p->salt1) },
			     (struct tl_bytes){ p->salt2, sizeof(p->salt2) }));
	dyn_set_bytes(d, TLF_secure_random, random, sizeof(random));
	dc_call_obj(call, d);
	return ERR_OK;
}

/* ---- checking */

static enum err take_proof(struct dc_call *call, const struct dyn *given,
			   struct srp_proof *ret)
{
	struct tl_bytes a = dyn_bytes(given, TLF_A);
	struct tl_bytes m1 = dyn_bytes(given, TLF_M1);

	if (!dyn_is(given, TLN_inputCheckPasswordSRP) || !a.len ||
	    a.len > sizeof(ret->a) || m1.len != sizeof(ret->m1))
		return dc_call_fail(call, 400, "PASSWORD_HASH_INVALID");
	memset(ret->a, 0, sizeof(ret->a) - a.len);
	memcpy(ret->a + sizeof(ret->a) - a.len, a.data, a.len);
	memcpy(ret->m1, m1.data, m1.len);
	return ERR_OK;
}

static enum err check(struct dc_call *call, const struct world_password *w,
		      const struct dyn *given)
{
	struct dc_proof *p = call->key->proof;
	const struct srp_algo algo = algo_of(w);
	struct srp_proof proof;
	enum err rc = take_proof(call, given, &proof);

	if (rc)
		return rc;
	if (!p || !p->srp_id || dyn_int(given, TLF_srp_id, 0) != p->srp_id)
		return dc_call_fail(call, 400, "SRP_ID_INVALID");
	p->srp_id = 0;
	if (srp_server_check(&algo, w->verifier, p->b, &proof, NULL))
		return dc_call_fail(call, 400, "PASSWORD_HASH_INVALID");
	return ERR_OK;
}

enum err dc_auth_check_password(struct dc_call *call, struct err_info *ei)
{
	struct world_user *u = whose(call);
	enum err rc;

	(void)ei;
	if (!u)
		return dc_call_fail(call, 401, "AUTH_KEY_UNREGISTERED");
	if (u->password) {
		rc = check(call, u->password, dyn_obj(call->fn, TLF_password));
		if (rc)
			return rc;
	}
	dc_auth_authorise(call, u);
	return ERR_OK;
}

/* ---- changing */

static bool copy_salt(uint8_t dst[static WORLD_SALT_MAX], uint32_t *ret_len,
		      struct tl_bytes in)
{
	if (in.len > WORLD_SALT_MAX)
		return false;
	if (in.len)
		memcpy(dst, in.data, in.len);
	*ret_len = (uint32_t)in.len;
	return true;
}

/* Salts have to continue those that were offered. */
static bool good_salts(const struct dc_proof *p, const struct dyn *algo)
{
	struct tl_bytes s1 = dyn_bytes(algo, TLF_salt1);
	struct tl_bytes s2 = dyn_bytes(algo, TLF_salt2);

	return p && s1.len >= SALT1_MIN && s1.len <= WORLD_SALT_MAX &&
	       !memcmp(s1.data, p->salt1, sizeof(p->salt1)) &&
	       s2.len == sizeof(p->salt2) &&
	       !memcmp(s2.data, p->salt2, sizeof(p->salt2));
}

static bool good_group(const struct dyn *algo)
{
	struct tl_bytes p = dyn_bytes(algo, TLF_p);

	return dyn_is(algo, KDF) && dyn_int(algo, TLF_g, 0) == G &&
	       p.len == DH_LEN && !memcmp(p.data, dh_known_prime, DH_LEN);
}

static enum err new_password(struct dc_call *call, const struct dyn *settings,
			     struct world_password **ret)
{
	const struct dyn *algo = dyn_obj(settings, TLF_new_algo);
	struct tl_bytes hash = dyn_bytes(settings, TLF_new_password_hash);
	struct tl_bytes hint = dyn_bytes(settings, TLF_hint);
	struct world_password *w;

	if (!good_group(algo) || hash.len != DH_LEN ||
	    hint.len > WORLD_HINT_MAX)
		return dc_call_fail(call, 400, "NEW_SETTINGS_INVALID");
	if (!good_salts(call->key->proof, algo))
		return dc_call_fail(call, 400, "NEW_SALT_INVALID");
	w = calloc(1, sizeof(*w));
	if (!w)
		return ERR_NOMEM;
	(void)copy_salt(w->salt1, &w->salt1_len, dyn_bytes(algo, TLF_salt1));
	(void)copy_salt(w->salt2, &w->salt2_len, dyn_bytes(algo, TLF_salt2));
	memcpy(w->verifier, hash.data, DH_LEN);
	if (hint.len)
		memcpy(w->hint, hint.data, hint.len);
	*ret = w;
	return ERR_OK;
}

/* Takes w over; NULL takes the password away. */
static void put(struct dc *dc, struct world_user *u, struct world_password *w)
{
	free(u->password);
	u->password = w;
	dc_store_put_password(dc->store, u);
}

enum err dc_account_update_password(struct dc_call *call, struct err_info *ei)
{
	const struct dyn *settings = dyn_obj(call->fn, TLF_new_settings);
	struct world_password *w = NULL;
	enum err rc = ERR_OK;

	(void)ei;
	if (dyn_has(settings, TLF_email))
		return dc_call_fail(call, 400, "EMAIL_INVALID");
	if (call->user->password)
		rc = check(call, call->user->password,
			   dyn_obj(call->fn, TLF_password));
	if (rc || !dyn_has(settings, TLF_new_algo)) {
		dc_call_bool(call, true);
		return rc;
	}
	if (dyn_bytes(settings, TLF_new_password_hash).len)
		rc = new_password(call, settings, &w);
	if (rc)
		return rc;
	put(call->dc, call->user, w);
	dc_call_bool(call, true);
	return ERR_OK;
}

enum err dc_password_set(struct dc *dc, struct world_user *u,
			 const char *password, const char *hint)
{
	struct world_password *w = NULL;
	struct srp_algo algo;
	enum err rc;

	if (*password) {
		w = calloc(1, sizeof(*w));
		if (!w)
			return ERR_NOMEM;
		w->salt1_len = SALT1_MIN;
		w->salt2_len = SALT2_LEN;
		rnd_fill(rnd_system(), w->salt1, SALT1_MIN);
		rnd_fill(rnd_system(), w->salt2, SALT2_LEN);
		(void)text_copy(w->hint, sizeof(w->hint), hint);
		algo = algo_of(w);
		rc = srp_verifier(&algo, password, w->verifier, NULL);
		if (rc) {
			free(w);
			return rc;
		}
	}
	put(dc, u, w);
	return ERR_OK;
}
