/* SPDX-License-Identifier: MIT */
#include "crypto/srp.h"

#include <string.h>

#include <openssl/bn.h>

#include "base/secret.h"
#include "crypto/sha.h"

#define X_LEN SHA_256_LEN
#define ITERATIONS 100000

/* Everything both sides derive; wiped by deinit. */
struct work {
	BIGNUM *p, *k;
	BN_CTX *ctx;
	uint8_t g[DH_LEN];
};

static void work_deinit(struct work *w)
{
	BN_clear_free(w->p);
	BN_clear_free(w->k);
	BN_CTX_free(w->ctx);
}

static enum err work_init(struct work *w, const struct srp_algo *algo,
			  struct err_info *ei)
{
	const struct sha_part parts[] = { { algo->p, DH_LEN },
					  { w->g, DH_LEN } };
	uint8_t h[SHA_256_LEN];
	enum err rc;

	memset(w, 0, sizeof(*w));
	if (algo->p_len != DH_LEN)
		return err_set(ei, ERR_PROTO, "srp: p of %zu bytes, not %d",
			       algo->p_len, DH_LEN);
	if (algo->salt1_len > SRP_SALT_MAX || algo->salt2_len > SRP_SALT_MAX)
		return err_set(ei, ERR_PROTO, "srp: salt too long");
	rc = dh_check_group(algo->p, algo->g, ei);
	if (rc)
		return err_wrap(ei, rc, "srp");
	w->g[DH_LEN - 1] = (uint8_t)algo->g;
	sha_256_parts(parts, 2, h);
	w->p = BN_bin2bn(algo->p, DH_LEN, NULL);
	w->k = BN_bin2bn(h, sizeof(h), NULL);
	w->ctx = BN_CTX_secure_new();
	return w->p && w->k && w->ctx ? ERR_OK : ERR_NOMEM;
}

/* SH(data, salt) = SHA-256(salt | data | salt) */
static void salted(const uint8_t *salt, size_t salt_len, const void *data,
		   size_t len, uint8_t out[static SHA_256_LEN])
{
	const struct sha_part parts[] = { { salt, salt_len },
					  { data, len },
					  { salt, salt_len } };

	sha_256_parts(parts, 3, out);
}

/* x = PH2(password, salt1, salt2) */
static enum err derive_x(const struct srp_algo *a, const char *password,
			 uint8_t x[static X_LEN])
{
	uint8_t ph1[SHA_256_LEN], slow[SHA_512_LEN];
	enum err rc;

	salted(a->salt1, a->salt1_len, password, strlen(password), ph1);
	salted(a->salt2, a->salt2_len, ph1, sizeof(ph1), ph1);
	rc = sha_512_pbkdf2(&(struct sha_pbkdf2){ ph1, sizeof(ph1), a->salt1,
						  a->salt1_len, ITERATIONS },
			    slow, sizeof(slow));
	if (!rc)
		salted(a->salt2, a->salt2_len, slow, sizeof(slow), x);
	secret_wipe(ph1, sizeof(ph1));
	secret_wipe(slow, sizeof(slow));
	return rc;
}

static enum err power_of_x(const struct srp_algo *algo, const uint8_t *x,
			   uint8_t ret_v[static DH_LEN])
{
	uint8_t exp[DH_LEN] = { 0 };
	enum err rc;

	memcpy(exp + DH_LEN - X_LEN, x, X_LEN);
	rc = dh_power(algo->g, exp, algo->p, ret_v);
	secret_wipe(exp, sizeof(exp));
	return rc;
}

static BIGNUM *load(const uint8_t *data, size_t len)
{
	BIGNUM *n = BN_bin2bn(data, (int)len, BN_secure_new());

	if (n)
		BN_set_flags(n, BN_FLG_CONSTTIME);
	return n;
}

/* out = (b + sign * k * v) mod p, sign being 1 or -1 */
static enum err mix(const struct work *w, const uint8_t *b, const uint8_t *v,
		    int sign, uint8_t out[static DH_LEN])
{
	BIGNUM *nb = load(b, DH_LEN), *nv = load(v, DH_LEN);
	BIGNUM *kv = BN_secure_new();
	bool ok;

	ok = nb && nv && kv && BN_mod_mul(kv, w->k, nv, w->p, w->ctx);
	if (ok && sign > 0)
		ok = BN_mod_add(nb, nb, kv, w->p, w->ctx);
	else if (ok)
		ok = BN_mod_sub(nb, nb, kv, w->p, w->ctx);
	ok = ok && BN_bn2binpad(nb, out, DH_LEN) == DH_LEN;
	BN_clear_free(nb);
	BN_clear_free(nv);
	BN_clear_free(kv);
	return ok ? ERR_OK : ERR_CRYPTO;
}

static void hash_u(const uint8_t *a, const uint8_t *b,
		   uint8_t u[static SHA_256_LEN])
{
	const struct sha_part parts[] = { { a, DH_LEN }, { b, DH_LEN } };

	sha_256_parts(parts, 2, u);
}

struct m1_in {
	const struct srp_algo *algo;
	const uint8_t *g, *a, *b, *s;
};

/* H(H(p) xor H(g) | H(salt1) | H(salt2) | g_a | g_b | H(S)) */
static void make_m1(const struct m1_in *in, uint8_t m1[static SRP_M1_LEN])
{
	uint8_t hp[SHA_256_LEN], hg[SHA_256_LEN], h1[SHA_256_LEN];
	uint8_t h2[SHA_256_LEN], key[SHA_256_LEN];
	const struct sha_part parts[] = {
		{ hp, sizeof(hp) }, { h1, sizeof(h1) }, { h2, sizeof(h2) },
		{ in->a, DH_LEN },  { in->b, DH_LEN },	{ key, sizeof(key) },
	};
	size_t i;

	sha_256(in->algo->p, DH_LEN, hp);
	sha_256(in->g, DH_LEN, hg);
	for (i = 0; i < sizeof(hp); i++)
		hp[i] ^= hg[i];
	sha_256(in->algo->salt1, in->algo->salt1_len, h1);
	sha_256(in->algo->salt2, in->algo->salt2_len, h2);
	sha_256(in->s, DH_LEN, key);
	sha_256_parts(parts, ARRAY_LEN(parts), m1);
	secret_wipe(key, sizeof(key));
}

/* S = t ^ (a + u * x) mod p: an exponent longer than dh_modexp() takes. */
static enum err client_secret(const struct work *w, const uint8_t *t,
			      const uint8_t *a, const uint8_t *u,
			      const uint8_t *x, uint8_t s[static DH_LEN])
{
	BIGNUM *nt = load(t, DH_LEN), *na = load(a, DH_LEN);
	BIGNUM *nu = load(u, SHA_256_LEN), *nx = load(x, X_LEN);
	BIGNUM *e = BN_secure_new();
	bool ok;

	ok = nt && na && nu && nx && e && BN_mul(e, nu, nx, w->ctx) &&
	     BN_add(e, e, na);
	if (ok)
		BN_set_flags(e, BN_FLG_CONSTTIME);
	ok = ok && BN_mod_exp_mont_consttime(nt, nt, e, w->p, w->ctx, NULL) &&
	     BN_bn2binpad(nt, s, DH_LEN) == DH_LEN;
	BN_clear_free(nt);
	BN_clear_free(na);
	BN_clear_free(nu);
	BN_clear_free(nx);
	BN_clear_free(e);
	return ok ? ERR_OK : ERR_CRYPTO;
}

/* Wiped as one. */
struct client {
	uint8_t x[X_LEN], v[DH_LEN], t[DH_LEN], a[DH_LEN];
	uint8_t ga[DH_LEN], s[DH_LEN], u[SHA_256_LEN];
};

static enum err client_run(const struct work *w, const struct srp_algo *algo,
			   const uint8_t *b, const char *password,
			   struct client *c, struct err_info *ei)
{
	enum err rc;

	rc = dh_power(algo->g, c->a, algo->p, c->ga);
	if (rc)
		return rc;
	/* a random source that ends here is broken */
	rc = dh_check_public(algo->p, c->ga, "srp: our own A", ei);
	if (rc)
		return rc;
	rc = derive_x(algo, password, c->x);
	if (rc)
		return rc;
	rc = power_of_x(algo, c->x, c->v);
	if (rc)
		return rc;
	rc = mix(w, b, c->v, -1, c->t);
	if (rc)
		return rc;
	rc = dh_check_public(algo->p, c->t, "srp: B - k * v", ei);
	if (rc)
		return rc;
	hash_u(c->ga, b, c->u);
	return client_secret(w, c->t, c->a, c->u, c->x, c->s);
}

enum err srp_client_proof(const struct srp_algo *algo, struct srp_b srp_b,
			  const char *password, struct rnd *rnd,
			  struct srp_proof *ret, struct err_info *ei)
{
	struct client c;
	struct work w;
	uint8_t b[DH_LEN];
	enum err rc;

	rc = work_init(&w, algo, ei);
	if (!rc && srp_b.len > DH_LEN)
		rc = err_set(ei, ERR_PROTO, "srp: B of %zu bytes", srp_b.len);
	if (!rc)
		rc = dh_pad(srp_b.data, srp_b.len, b, ei);
	if (!rc)
		rc = dh_check_public(algo->p, b, "srp: B", ei);
	if (!rc) {
		rnd_fill(rnd, c.a, sizeof(c.a));
		rc = client_run(&w, algo, b, password, &c, ei);
	}
	if (!rc) {
		make_m1(&(struct m1_in){ algo, w.g, c.ga, b, c.s }, ret->m1);
		memcpy(ret->a, c.ga, DH_LEN);
	}
	secret_wipe(&c, sizeof(c));
	work_deinit(&w);
	return rc;
}

enum err srp_verifier(const struct srp_algo *algo, const char *password,
		      uint8_t ret_v[static DH_LEN], struct err_info *ei)
{
	uint8_t x[X_LEN];
	struct work w;
	enum err rc;

	rc = work_init(&w, algo, ei);
	if (!rc)
		rc = derive_x(algo, password, x);
	if (!rc)
		rc = power_of_x(algo, x, ret_v);
	secret_wipe(x, sizeof(x));
	work_deinit(&w);
	return rc;
}

static enum err server_b(const struct work *w, const struct srp_algo *algo,
			 const uint8_t *v, const uint8_t *b, uint8_t *ret_b)
{
	uint8_t gb[DH_LEN];
	enum err rc = dh_power(algo->g, b, algo->p, gb);

	return rc ? rc : mix(w, gb, v, 1, ret_b);
}

enum err srp_server_b(const struct srp_algo *algo,
		      const uint8_t v[static DH_LEN],
		      const uint8_t b[static DH_LEN],
		      uint8_t ret_b[static DH_LEN], struct err_info *ei)
{
	struct work w;
	enum err rc = work_init(&w, algo, ei);

	if (!rc)
		rc = server_b(&w, algo, v, b, ret_b);
	work_deinit(&w);
	return rc;
}

/* S = (A * v^u) ^ b mod p */
static enum err server_secret(const struct work *w, const uint8_t *v,
			      const uint8_t *b, const uint8_t *a,
			      const uint8_t *u, uint8_t s[static DH_LEN])
{
	BIGNUM *nv = load(v, DH_LEN), *nb = load(b, DH_LEN);
	BIGNUM *na = load(a, DH_LEN), *nu = load(u, SHA_256_LEN);
	bool ok;

	ok = nv && nb && na && nu &&
	     BN_mod_exp_mont_consttime(nv, nv, nu, w->p, w->ctx, NULL) &&
	     BN_mod_mul(na, na, nv, w->p, w->ctx) &&
	     BN_mod_exp_mont_consttime(na, na, nb, w->p, w->ctx, NULL) &&
	     BN_bn2binpad(na, s, DH_LEN) == DH_LEN;
	BN_clear_free(nv);
	BN_clear_free(nb);
	BN_clear_free(na);
	BN_clear_free(nu);
	return ok ? ERR_OK : ERR_CRYPTO;
}

enum err srp_server_check(const struct srp_algo *algo,
			  const uint8_t v[static DH_LEN],
			  const uint8_t b[static DH_LEN],
			  const struct srp_proof *proof, struct err_info *ei)
{
	uint8_t gb[DH_LEN], s[DH_LEN], u[SHA_256_LEN], m1[SRP_M1_LEN];
	struct work w;
	enum err rc = work_init(&w, algo, ei);

	if (!rc)
		rc = dh_check_public(algo->p, proof->a, "srp: A", ei);
	if (!rc)
		rc = server_b(&w, algo, v, b, gb);
	if (!rc) {
		hash_u(proof->a, gb, u);
		rc = server_secret(&w, v, b, proof->a, u, s);
	}
	if (!rc) {
		make_m1(&(struct m1_in){ algo, w.g, proof->a, gb, s }, m1);
		if (!secret_memeq(m1, proof->m1, sizeof(m1)))
			rc = err_set(ei, ERR_UNAUTHORIZED,
				     "srp: the proof does not match");
	}
	secret_wipe(s, sizeof(s));
	work_deinit(&w);
	return rc;
}
