/* SPDX-License-Identifier: MIT */
/*
 * Telegram Desktop's folder.  The first byte says how far the input is wrapped as
 * Telegram Desktop would do it: not at all, with a right checksum, sealed with
 * the folder's key, as the authorisation record.  What opens has a whole key of a
 * data centre there is.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "crypto/aes_ige.h"
#include "crypto/md5.h"
#include "crypto/mtkdf.h"
#include "crypto/sha.h"
#include "tg/sessfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define BYTES_MAX 65536U
#define SALT_LEN 32U

static uint8_t local_key[SESSFILE_KEY_BYTES];
static struct buf key_file; /* a good one, without a passcode */

static void put(struct buf *b, const void *data, size_t len)
{
	if (buf_append(b, data, len))
		abort();
}

static void put_be32(struct buf *b, size_t v)
{
	const uint8_t be[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16),
				(uint8_t)(v >> 8), (uint8_t)v };

	put(b, be, 4);
}

/* TDF$ version content md5, over content. */
static void put_tdf(struct buf *b, const void *data, size_t len)
{
	static const uint8_t head[8] = "TDF$\x01\0\0";
	const uint8_t le[4] = { (uint8_t)len, (uint8_t)(len >> 8),
				(uint8_t)(len >> 16), 0 };
	const struct sha_part parts[] = {
		{ data, len }, { le, 4 }, { head + 4, 4 }, { head, 4 }
	};
	uint8_t sum[MD5_LEN];

	md5_parts(parts, 4, sum);
	put(b, head, sizeof(head));
	put(b, data, len);
	put(b, sum, sizeof(sum));
}

/* As bytes: length, msg_key, AES-IGE over length(LE) data padding. */
static void put_sealed(struct buf *b, const uint8_t key[SESSFILE_KEY_BYTES],
		       const void *data, size_t len)
{
	size_t whole = (len + 4 + 15) & ~(size_t)15;
	uint8_t *plain = calloc(2, whole), sum[SHA_1_LEN];
	struct mtkdf_aes aes;

	if (!plain)
		abort();
	for (int i = 0; i < 4; i++)
		plain[i] = (uint8_t)((len + 4) >> 8 * i);
	if (len)
		memcpy(plain + 4, data, len);
	sha_1(plain, whole, sum);
	mtkdf_v1_aes(key, MTKDF_FROM_SERVER, sum, &aes);
	if (aes_ige_encrypt(aes.key, aes.iv, plain, plain + whole, whole))
		abort();
	put_be32(b, whole + 16);
	put(b, sum, 16);
	put(b, plain + whole, whole);
	free(plain);
}

static void make_key_file(void)
{
	static const uint8_t salt[SALT_LEN] = { 1, 2, 3 };
	uint8_t hash[SHA_512_LEN], pass[SESSFILE_KEY_BYTES];
	const struct sha_part parts[] = { { salt, SALT_LEN },
					  { salt, SALT_LEN } };
	const struct sha_pbkdf2 kdf = { .password = hash,
					.password_len = sizeof(hash),
					.salt = salt,
					.salt_len = SALT_LEN,
					.iterations = 1 };
	struct buf b;

	for (size_t i = 0; i < sizeof(local_key); i++)
		local_key[i] = (uint8_t)(7 * i + 1);
	sha_512_parts(parts, 2, hash);
	if (sha_512_pbkdf2(&kdf, pass, sizeof(pass)))
		abort();
	buf_init(&b, BYTES_MAX);
	put_be32(&b, SALT_LEN);
	put(&b, salt, SALT_LEN);
	put_sealed(&b, pass, local_key, sizeof(local_key));
	put_be32(&b, 0);
	buf_init(&key_file, BYTES_MAX);
	put_tdf(&key_file, buf_head(&b), buf_len(&b));
	buf_deinit(&b);
}

static void read_it(const void *keys, size_t keys_len, const void *account,
		    size_t account_len, bool good)
{
	const struct sessfile_blob files[] = {
		{ SESSFILE_TDATA_KEY, keys, keys_len },
		{ SESSFILE_TDATA_ACCOUNT, account, account_len },
	};
	struct err_info ei = { 0 };
	struct sessfile s;

	if (sessfile_read_tdata(files, 2, "", &s, &ei)) {
		if (!ei.msg[0])
			abort();
		return;
	}
	if (!good || s.auth_key.len != SESSFILE_KEY_BYTES || s.dc_id < 1 ||
	    s.dc_id > 5 || s.user_id < 0)
		abort();
	sessfile_deinit(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf inner, sealed, file;
	uint8_t how;

	if (len < 1 || len > BYTES_MAX / 4)
		return 0;
	if (!key_file.max)
		make_key_file();
	how = data[0] % 6;
	data++;
	len--;
	buf_init(&inner, BYTES_MAX);
	buf_init(&sealed, BYTES_MAX);
	buf_init(&file, BYTES_MAX);
	if (how == 5) { /* block 75: the record */
		put_be32(&inner, 75);
		put_be32(&inner, len);
	}
	put(&inner, data, len);
	put_sealed(&sealed, local_key, buf_head(&inner), buf_len(&inner));
	if (how >= 4)
		put_tdf(&file, buf_head(&sealed), buf_len(&sealed));
	else if (how >= 2)
		put_tdf(&file, data, len);
	else
		put(&file, data, len);
	if (how % 2 && how < 4)
		read_it(buf_head(&file), buf_len(&file), buf_head(&file),
			buf_len(&file), false);
	else
		read_it(buf_head(&key_file), buf_len(&key_file),
			buf_head(&file), buf_len(&file), true);
	buf_deinit(&inner);
	buf_deinit(&sealed);
	buf_deinit(&file);
	return 0;
}
