/* SPDX-License-Identifier: MIT */
#include "crypto/dh.h"

#include <string.h>

#include <openssl/bn.h>

const uint8_t dh_known_prime[DH_LEN] = {
	0xc7, 0x1c, 0xae, 0xb9, 0xc6, 0xb1, 0xc9, 0x04, 0x8e, 0x6c, 0x52, 0x2f,
	0x70, 0xf1, 0x3f, 0x73, 0x98, 0x0d, 0x40, 0x23, 0x8e, 0x3e, 0x21, 0xc1,
	0x49, 0x34, 0xd0, 0x37, 0x56, 0x3d, 0x93, 0x0f, 0x48, 0x19, 0x8a, 0x0a,
	0xa7, 0xc1, 0x40, 0x58, 0x22, 0x94, 0x93, 0xd2, 0x25, 0x30, 0xf4, 0xdb,
	0xfa, 0x33, 0x6f, 0x6e, 0x0a, 0xc9, 0x25, 0x13, 0x95, 0x43, 0xae, 0xd4,
	0x4c, 0xce, 0x7c, 0x37, 0x20, 0xfd, 0x51, 0xf6, 0x94, 0x58, 0x70, 0x5a,
	0xc6, 0x8c, 0xd4, 0xfe, 0x6b, 0x6b, 0x13, 0xab, 0xdc, 0x97, 0x46, 0x51,
	0x29, 0x69, 0x32, 0x84, 0x54, 0xf1, 0x8f, 0xaf, 0x8c, 0x59, 0x5f, 0x64,
	0x24, 0x77, 0xfe, 0x96, 0xbb, 0x2a, 0x94, 0x1d, 0x5b, 0xcd, 0x1d, 0x4a,
	0xc8, 0xcc, 0x49, 0x88, 0x07, 0x08, 0xfa, 0x9b, 0x37, 0x8e, 0x3c, 0x4f,
	0x3a, 0x90, 0x60, 0xbe, 0xe6, 0x7c, 0xf9, 0xa4, 0xa4, 0xa6, 0x95, 0x81,
	0x10, 0x51, 0x90, 0x7e, 0x16, 0x27, 0x53, 0xb5, 0x6b, 0x0f, 0x6b, 0x41,
	0x0d, 0xba, 0x74, 0xd8, 0xa8, 0x4b, 0x2a, 0x14, 0xb3, 0x14, 0x4e, 0x0e,
	0xf1, 0x28, 0x47, 0x54, 0xfd, 0x17, 0xed, 0x95, 0x0d, 0x59, 0x65, 0xb4,
	0xb9, 0xdd, 0x46, 0x58, 0x2d, 0xb1, 0x17, 0x8d, 0x16, 0x9c, 0x6b, 0xc4,
	0x65, 0xb0, 0xd6, 0xff, 0x9c, 0xa3, 0x92, 0x8f, 0xef, 0x5b, 0x9a, 0xe4,
	0xe4, 0x18, 0xfc, 0x15, 0xe8, 0x3e, 0xbe, 0xa0, 0xf8, 0x7f, 0xa9, 0xff,
	0x5e, 0xed, 0x70, 0x05, 0x0d, 0xed, 0x28, 0x49, 0xf4, 0x7b, 0xf9, 0x59,
	0xd9, 0x56, 0x85, 0x0c, 0xe9, 0x29, 0x85, 0x1f, 0x0d, 0x81, 0x15, 0xf6,
	0x35, 0xb1, 0x05, 0xee, 0x2e, 0x4e, 0x15, 0xd0, 0x4b, 0x24, 0x54, 0xbf,
	0x6f, 0x4f, 0xad, 0xf0, 0x34, 0xb1, 0x04, 0x03, 0x11, 0x9c, 0xd8, 0xe3,
	0xb9, 0x2f, 0xcc, 0x5b,
};

/* The distance g_a keeps from 0 and from p, core.telegram.org/mtproto/auth_key */
#define MARGIN_BITS (2048 - 64)

enum err dh_pad(const void *data, size_t len, uint8_t out[static DH_LEN],
		struct err_info *ei)
{
	const uint8_t *p = data;

	while (len > DH_LEN && *p == 0) {
		p++;
		len--;
	}
	if (len > DH_LEN)
		return err_set(ei, ERR_PROTO, "number of more than 2048 bits");
	memset(out, 0, DH_LEN - len);
	if (len)
		memcpy(out + DH_LEN - len, p, len);
	return ERR_OK;
}

bool dh_prime_known(const uint8_t p[static DH_LEN])
{
	return memcmp(p, dh_known_prime, DH_LEN) == 0;
}

/* core.telegram.org/mtproto/auth_key: g generates the subgroup of (p - 1) / 2. */
static bool g_fits(const BIGNUM *p, int32_t g)
{
	switch (g) {
	case 2:
		return BN_mod_word(p, 8) == 7;
	case 3:
		return BN_mod_word(p, 3) == 2;
	case 4:
		return true;
	case 5:
		return BN_mod_word(p, 5) == 1 || BN_mod_word(p, 5) == 4;
	case 6:
		return BN_mod_word(p, 24) == 19 || BN_mod_word(p, 24) == 23;
	case 7:
		return BN_mod_word(p, 7) == 3 || BN_mod_word(p, 7) == 5 ||
		       BN_mod_word(p, 7) == 6;
	default:
		return false;
	}
}

static enum err check_prime(const BIGNUM *n, const char *name, BN_CTX *ctx,
			    struct err_info *ei)
{
	switch (BN_check_prime(n, ctx, NULL)) {
	case 1:
		return ERR_OK;
	case 0:
		return err_set(ei, ERR_PROTO, "dh_prime: %s is not prime",
			       name);
	default:
		return err_set(ei, ERR_CRYPTO, "dh_prime: no memory");
	}
}

static enum err check_safe_prime(const BIGNUM *p, BN_CTX *ctx,
				 struct err_info *ei)
{
	BIGNUM *half;
	enum err rc;

	if (BN_num_bits(p) != 2048)
		return err_set(ei, ERR_PROTO, "dh_prime: %d bits, not 2048",
			       BN_num_bits(p));
	half = BN_new();
	if (!half || !BN_rshift1(half, p)) {
		BN_free(half);
		return ERR_NOMEM;
	}
	rc = check_prime(p, "p", ctx, ei);
	if (!rc)
		rc = check_prime(half, "(p - 1) / 2", ctx, ei);
	BN_free(half);
	return rc;
}

enum err dh_check_group(const uint8_t p[static DH_LEN], int32_t g,
			struct err_info *ei)
{
	BIGNUM *n = BN_bin2bn(p, DH_LEN, NULL);
	BN_CTX *ctx = BN_CTX_new();
	enum err rc = ERR_OK;

	if (!n || !ctx)
		rc = ERR_NOMEM;
	else if (g < 2 || g > 7)
		rc = err_set(ei, ERR_PROTO, "g = %d is not 2..7", g);
	else if (!g_fits(n, g))
		rc = err_set(ei, ERR_PROTO, "g = %d is no generator here", g);
	else if (!dh_prime_known(p))
		rc = check_safe_prime(n, ctx, ei);
	BN_CTX_free(ctx);
	BN_free(n);
	return rc;
}

/* *ret_low: x < 2^1984; *ret_high: x > p - 2^1984. */
static bool range(const uint8_t *p, const uint8_t *x, bool *ret_low,
		  bool *ret_high)
{
	BIGNUM *bp = BN_bin2bn(p, DH_LEN, NULL);
	BIGNUM *bx = BN_bin2bn(x, DH_LEN, NULL);
	BIGNUM *margin = BN_new();
	bool ok = bp && bx && margin && BN_set_bit(margin, MARGIN_BITS);

	if (ok) {
		*ret_low = BN_cmp(bx, margin) < 0;
		ok = BN_sub(bp, bp, margin);
		*ret_high = BN_cmp(bx, bp) > 0;
	}
	BN_free(bp);
	BN_clear_free(bx);
	BN_free(margin);
	return ok;
}

enum err dh_check_public(const uint8_t p[static DH_LEN],
			 const uint8_t x[static DH_LEN], const char *what,
			 struct err_info *ei)
{
	bool low, high;

	if (!range(p, x, &low, &high))
		return ERR_NOMEM;
	if (low)
		return err_set(ei, ERR_PROTO, "%s is below 2^1984", what);
	if (high)
		return err_set(ei, ERR_PROTO, "%s is above dh_prime - 2^1984",
			       what);
	return ERR_OK;
}

static bool modexp(const BIGNUM *base, const BIGNUM *exp, const BIGNUM *p,
		   uint8_t *out)
{
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *r = BN_secure_new();
	bool ok;

	ok = ctx && r &&
	     BN_mod_exp_mont_consttime(r, base, exp, p, ctx, NULL) &&
	     BN_bn2binpad(r, out, DH_LEN) == DH_LEN;
	BN_clear_free(r);
	BN_CTX_free(ctx);
	return ok;
}

enum err dh_modexp(const uint8_t base[static DH_LEN],
		   const uint8_t exp[static DH_LEN],
		   const uint8_t p[static DH_LEN], uint8_t out[static DH_LEN])
{
	BIGNUM *b, *e, *n;
	bool ok;

	/* Montgomery's form exists for odd moduli only */
	if (!(p[DH_LEN - 1] & 1))
		return ERR_INVALID;
	b = BN_bin2bn(base, DH_LEN, NULL);
	e = BN_bin2bn(exp, DH_LEN, BN_secure_new());
	n = BN_bin2bn(p, DH_LEN, NULL);
	if (e)
		BN_set_flags(e, BN_FLG_CONSTTIME);
	ok = b && e && n && modexp(b, e, n, out);
	BN_free(b);
	BN_clear_free(e);
	BN_free(n);
	return ok ? ERR_OK : ERR_CRYPTO;
}

enum err dh_power(int32_t g, const uint8_t exp[static DH_LEN],
		  const uint8_t p[static DH_LEN], uint8_t out[static DH_LEN])
{
	uint8_t base[DH_LEN] = { 0 };

	if (g < 2 || g > 7)
		return ERR_INVALID;
	base[DH_LEN - 1] = (uint8_t)g;
	return dh_modexp(base, exp, p, out);
}
