/* SPDX-License-Identifier: MIT */
/*
 * Telegram Desktop's folder, import only.
 *
 *	file         "TDF$" version(4, LE) content md5(16)
 *	key_datas    bytes salt, bytes local key (sealed with the passcode),
 *	             bytes info (sealed with the local key)
 *	account      bytes, sealed with the local key: block 75 holds the MTProto
 *	             authorisation: user, main DC, keys
 *
 * "bytes" is a big endian length and that many bytes.  Sealed: msg_key(16), then
 * AES-IGE with MTProto 1.0's key derivation (x = 8) over length(4, LE) and data;
 * msg_key is the start of the SHA-1 of what comes out.
 */
#include <string.h>

#include "crypto/aes_ige.h"
#include "crypto/md5.h"
#include "crypto/mtkdf.h"
#include "crypto/sha.h"
#include "tg/sessfile_int.h"

#define HEAD 8U
#define SALT_LEN 32U
#define ITERATIONS_PASSCODE 100000U
#define BLOCK_MTP 75U
#define KEYS_MAX 10U

struct bytes {
	const uint8_t *at;
	size_t len;
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[1] << 8 | p[0];
}

static bool take(struct bytes *in, size_t n, const uint8_t **ret)
{
	if (n > in->len)
		return false;
	*ret = in->at;
	in->at += n;
	in->len -= n;
	return true;
}

static bool take_u32(struct bytes *in, uint32_t *ret)
{
	const uint8_t *p;

	if (!take(in, 4, &p))
		return false;
	*ret = be32(p);
	return true;
}

static bool take_bytes(struct bytes *in, struct bytes *ret)
{
	uint32_t len;

	if (!take_u32(in, &len) || len > in->len)
		return false;
	ret->len = len;
	return take(in, len, &ret->at);
}

static const struct sessfile_blob *find(const struct sessfile_blob *files,
					size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(files[i].name, name) == 0)
			return &files[i];
	return NULL;
}

static enum err open_tdf(const struct sessfile_blob *files, size_t n,
			 const char *name, struct bytes *ret,
			 struct err_info *ei)
{
	const struct sessfile_blob *f = find(files, n, name);
	uint8_t sum[MD5_LEN], len_le[4];
	size_t len;

	if (!f)
		return err_set(ei, ERR_INVALID, "tdata: %s is missing", name);
	if (f->len < HEAD + MD5_LEN || memcmp(f->data, "TDF$", 4) != 0)
		return err_set(ei, ERR_INVALID, "tdata: %s is no TDF$ file",
			       name);
	len = f->len - HEAD - MD5_LEN;
	for (int i = 0; i < 4; i++)
		len_le[i] = (uint8_t)(len >> (8 * i));
	md5_parts(
		(const struct sha_part[]){
			{ f->data + HEAD, len },
			{ len_le, sizeof(len_le) },
			{ f->data + 4, 4 },
			{ f->data, 4 },
		},
		4, sum);
	if (memcmp(sum, f->data + f->len - MD5_LEN, MD5_LEN) != 0)
		return err_set(ei, ERR_INVALID,
			       "tdata: %s is damaged, its checksum differs",
			       name);
	*ret = (struct bytes){ f->data + HEAD, len };
	return ERR_OK;
}

/* out has in.len bytes; *ret points into it. */
static enum err unseal(const uint8_t key[static SESSFILE_KEY_BYTES],
		       struct bytes in, uint8_t *out, struct bytes *ret)
{
	struct mtkdf_aes aes;
	uint8_t sum[SHA_1_LEN];
	size_t len = in.len - 16;
	uint32_t inner;
	enum err rc;

	if (in.len < 32 || len % AES_IGE_BLOCK != 0)
		return ERR_INVALID;
	mtkdf_v1_aes(key, MTKDF_FROM_SERVER, in.at, &aes);
	rc = aes_ige_decrypt(aes.key, aes.iv, in.at + 16, out, len);
	secret_wipe(&aes, sizeof(aes));
	if (rc)
		return rc;
	sha_1(out, len, sum);
	if (!secret_memeq(sum, in.at, 16))
		return ERR_INVALID;
	inner = le32(out);
	if (inner < 4 || inner > len)
		return ERR_INVALID;
	*ret = (struct bytes){ out + 4, inner - 4 };
	return ERR_OK;
}

static enum err passcode_key(struct bytes salt, const char *passcode,
			     uint8_t key[static SESSFILE_KEY_BYTES])
{
	uint8_t hash[SHA_512_LEN];
	struct sha_pbkdf2 kdf = {
		.password = hash,
		.password_len = sizeof(hash),
		.salt = salt.at,
		.salt_len = salt.len,
		.iterations = *passcode ? ITERATIONS_PASSCODE : 1,
	};
	enum err rc;

	sha_512_parts(
		(const struct sha_part[]){
			{ salt.at, salt.len },
			{ passcode, strlen(passcode) },
			{ salt.at, salt.len },
		},
		3, hash);
	rc = sha_512_pbkdf2(&kdf, key, SESSFILE_KEY_BYTES);
	secret_wipe(hash, sizeof(hash));
	return rc;
}

static enum err local_key(struct bytes file, const char *passcode,
			  uint8_t key[static SESSFILE_KEY_BYTES],
			  struct err_info *ei)
{
	struct bytes salt, sealed, plain;
	uint8_t pass[SESSFILE_KEY_BYTES], out[1024];
	enum err rc;

	if (!take_bytes(&file, &salt) || !take_bytes(&file, &sealed) ||
	    salt.len != SALT_LEN || sealed.len > sizeof(out))
		return err_set(ei, ERR_INVALID, "tdata: key_datas is damaged");
	rc = passcode_key(salt, passcode, pass);
	if (rc)
		return rc;
	rc = unseal(pass, sealed, out, &plain);
	if (rc || plain.len < SESSFILE_KEY_BYTES)
		rc = err_set(ei, ERR_INVALID,
			     *passcode ? "tdata: the passcode is wrong"
				       : "tdata: it has a passcode; give it "
					 "along");
	else
		memcpy(key, plain.at, SESSFILE_KEY_BYTES);
	secret_wipe(pass, sizeof(pass));
	secret_wipe(out, sizeof(out));
	return rc;
}

/* user(4) dc(4), or -1 -1 user(8) dc(4); count(4), then dc(4) key(256) each. */
static enum err read_mtp(struct bytes in, struct sessfile *s,
			 struct err_info *ei)
{
	uint32_t user, dc, high, low, count;
	const uint8_t *key;
	enum err rc;

	if (!take_u32(&in, &user) || !take_u32(&in, &dc))
		goto damaged;
	s->user_id = user;
	if (user == UINT32_MAX && dc == UINT32_MAX) {
		if (!take_u32(&in, &high) || !take_u32(&in, &low) ||
		    !take_u32(&in, &dc) || high > INT32_MAX)
			goto damaged;
		s->user_id = (int64_t)((uint64_t)high << 32 | low);
	}
	rc = sessfile_set_dc(s, dc, ei);
	if (rc)
		return rc;
	if (!take_u32(&in, &count) || count > KEYS_MAX)
		goto damaged;
	while (count-- > 0) {
		if (!take_u32(&in, &dc) || !take(&in, SESSFILE_KEY_BYTES, &key))
			goto damaged;
		if (dc == (uint32_t)s->dc_id)
			return sessfile_set_key(s, key, SESSFILE_KEY_BYTES, ei);
	}
	return err_set(ei, ERR_INVALID,
		       "tdata: no key for the account's own data centre %d",
		       s->dc_id);
damaged:
	return err_set(ei, ERR_INVALID,
		       "tdata: the authorisation record is damaged");
}

static enum err read_account(struct bytes plain, struct sessfile *s,
			     struct err_info *ei)
{
	struct bytes mtp;
	uint32_t block;

	if (!take_u32(&plain, &block) || block != BLOCK_MTP ||
	    !take_bytes(&plain, &mtp))
		return err_set(ei, ERR_INVALID,
			       "tdata: no authorisation in the account file");
	return read_mtp(mtp, s, ei);
}

static enum err read_folder(const struct sessfile_blob *files, size_t n,
			    const char *passcode, struct sessfile *s,
			    struct err_info *ei)
{
	uint8_t key[SESSFILE_KEY_BYTES];
	struct bytes keys, file, sealed, plain;
	uint8_t *out;
	enum err rc;

	rc = open_tdf(files, n, SESSFILE_TDATA_KEY, &keys, ei);
	if (!rc)
		rc = open_tdf(files, n, SESSFILE_TDATA_ACCOUNT, &file, ei);
	if (!rc)
		rc = local_key(keys, passcode, key, ei);
	if (rc)
		return rc;
	out = arena_alloc(&s->arena, file.len);
	if (!out || !take_bytes(&file, &sealed))
		rc = err_set(ei, ERR_INVALID, "tdata: the account file is cut");
	else if (unseal(key, sealed, out, &plain))
		rc = err_set(ei, ERR_INVALID,
			     "tdata: the account file does not open with the "
			     "folder's key");
	else
		rc = read_account(plain, s, ei);
	secret_wipe(key, sizeof(key));
	if (out)
		secret_wipe(out, file.len);
	return rc;
}

enum err sessfile_read_tdata(const struct sessfile_blob *files, size_t n,
			     const char *passcode, struct sessfile *ret,
			     struct err_info *ei)
{
	struct sessfile s;
	enum err rc;

	sessfile_init(&s, SESSFILE_TDATA);
	rc = read_folder(files, n, passcode, &s, ei);
	if (rc) {
		sessfile_deinit(&s);
		return rc;
	}
	*ret = s;
	return ERR_OK;
}
