/* SPDX-License-Identifier: MIT */
#include "control/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/text.h"
#include "crypto/aead.h"

#define VAULT_HEX_LEN ((size_t)2 * VAULT_KEY_LEN)
#define VAULT_AD_MAX 512
#define VAULT_WRAPPED_LEN (VAULT_KEY_LEN + AEAD_OVERHEAD)

_Static_assert(VAULT_KEY_LEN == AEAD_KEY_LEN, "one cipher");

enum err vault_init(struct vault *v, const void *key, size_t len,
		    struct rnd *rnd)
{
	*v = (struct vault){ .rnd = rnd };
	if (len != VAULT_KEY_LEN)
		return ERR_INVALID;
	return secret_init(&v->master, key, len);
}

void vault_deinit(struct vault *v)
{
	secret_deinit(&v->master);
	v->rnd = NULL;
}

/* --- where the key comes from --- */

/* 64 hex digits, white space after them; text is wiped. */
static enum err vault_init_hex(struct vault *v, char *text, const char *from,
			       struct rnd *rnd, struct err_info *ei)
{
	uint8_t key[VAULT_KEY_LEN];
	size_t len = strlen(text);
	enum err rc;

	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	rc = text_unhex(key, sizeof(key), text, len);
	secret_wipe(text, strlen(text));
	if (rc == ERR_OK)
		rc = vault_init(v, key, sizeof(key), rnd);
	else
		rc = err_set(ei, ERR_INVALID,
			     "vault key in %s: want exactly %zu hex digits",
			     from, VAULT_HEX_LEN);
	secret_wipe(key, sizeof(key));
	return rc;
}

/* Only its owner (or root) may have been able to read it. */
static enum err vault_check_file(int fd, const char *path, struct err_info *ei)
{
	struct stat sb;

	if (fstat(fd, &sb) < 0)
		return err_set(ei, ERR_IO, "vault key file %s: %s", path,
			       strerror(errno));
	if (!S_ISREG(sb.st_mode))
		return err_set(ei, ERR_INVALID,
			       "vault key file %s: not a regular file", path);
	if (sb.st_mode & 077)
		return err_set(ei, ERR_FORBIDDEN,
			       "vault key file %s has mode %04o, others may "
			       "use it: chmod 600 it, and rotate the key if "
			       "they did",
			       path, sb.st_mode & 07777U);
	if (sb.st_uid != geteuid() && sb.st_uid != 0)
		return err_set(ei, ERR_FORBIDDEN,
			       "vault key file %s belongs to another user",
			       path);
	return ERR_OK;
}

static enum err vault_load_fd(struct vault *v, int fd, const char *path,
			      struct rnd *rnd, struct err_info *ei)
{
	char text[VAULT_HEX_LEN + 16] = "";
	enum err rc = vault_check_file(fd, path, ei);
	ssize_t n;

	if (rc)
		return rc;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return err_set(ei, ERR_IO, "vault key file %s: %s", path,
			       strerror(errno));
	return vault_init_hex(v, text, path, rnd, ei);
}

static enum err vault_load_file(struct vault *v, const char *path,
				struct rnd *rnd, struct err_info *ei)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	enum err rc;

	if (fd < 0 && errno == ENOENT)
		return err_set(ei, ERR_NOTFOUND, "no vault key file %s", path);
	if (fd < 0)
		return err_set(ei, ERR_FORBIDDEN, "vault key file %s: %s", path,
			       strerror(errno));
	rc = vault_load_fd(v, fd, path, rnd, ei);
	close(fd);
	return rc;
}

enum err vault_create_key_file(const char *path, struct rnd *rnd,
			       struct err_info *ei)
{
	char text[VAULT_HEX_LEN + 2];
	uint8_t key[VAULT_KEY_LEN];
	enum err rc;

	rnd_fill(rnd, key, sizeof(key));
	text_hex(text, key, sizeof(key));
	text[VAULT_HEX_LEN] = '\n';
	rc = files_create(path, text, VAULT_HEX_LEN + 1, ei);
	secret_wipe(key, sizeof(key));
	secret_wipe(text, sizeof(text));
	return rc;
}

static enum err vault_load_env(struct vault *v, const char *value,
			       struct rnd *rnd, struct err_info *ei)
{
	char *copy = strdup(value);
	enum err rc;

	if (!copy)
		return err_set(ei, ERR_NOMEM, "vault key");
	rc = vault_init_hex(v, copy, "the environment variable " VAULT_ENV, rnd,
			    ei);
	free(copy);
	return rc;
}

enum err vault_load(struct vault *v, const char *path, bool create,
		    struct rnd *rnd, enum vault_source *ret_source,
		    struct err_info *ei)
{
	const char *env = getenv(VAULT_ENV);
	enum vault_source source = VAULT_FROM_FILE;
	enum err rc;

	*v = (struct vault){ .rnd = rnd };
	if (env && *env) {
		rc = vault_load_env(v, env, rnd, ei);
		if (rc == ERR_OK)
			*ret_source = VAULT_FROM_ENV;
		return rc;
	}
	rc = vault_load_file(v, path, rnd, ei);
	if (rc == ERR_NOTFOUND && create) {
		source = VAULT_CREATED;
		rc = vault_create_key_file(path, rnd, ei);
		if (rc == ERR_OK)
			rc = vault_load_file(v, path, rnd, ei);
	}
	if (rc == ERR_OK)
		*ret_source = source;
	return rc;
}

/* --- records --- */

/*
 * What a seal is bound to: its purpose, the version, the account.  The id comes
 * last, so no two (version, id) pairs give the same bytes.
 */
static enum err vault_ad(const char *purpose, const struct vault_record *r,
			 char ad[static VAULT_AD_MAX], struct aead_ad *ret,
			 struct err_info *ei)
{
	int n = snprintf(ad, VAULT_AD_MAX, "tgfleet.%s.1 %lld %s", purpose,
			 (long long)r->version, r->account_id);

	if (n < 0 || n >= VAULT_AD_MAX || !*r->account_id || r->version < 1)
		return err_set(ei, ERR_INVALID,
			       "a sealed session needs an account id and a "
			       "version");
	*ret = (struct aead_ad){ ad, (size_t)n };
	return ERR_OK;
}

static enum err vault_wrap(const struct vault *v, const struct vault_record *r,
			   const uint8_t key[static VAULT_KEY_LEN],
			   struct arena *a, uint8_t **ret, struct err_info *ei)
{
	char ad_text[VAULT_AD_MAX];
	uint8_t *wrapped = arena_alloc(a, VAULT_WRAPPED_LEN);
	struct aead_ad ad = { 0 };
	enum err rc;

	if (!wrapped)
		return err_set(ei, ERR_NOMEM, "vault record");
	rc = vault_ad("datakey", r, ad_text, &ad, ei);
	if (rc)
		return rc;
	rc = aead_seal(v->master.bytes, ad, v->rnd, key, VAULT_KEY_LEN,
		       wrapped);
	if (rc)
		return err_set(ei, rc, "cannot wrap a vault key");
	*ret = wrapped;
	return ERR_OK;
}

static enum err vault_unwrap(const struct vault *v,
			     const struct vault_record *r,
			     uint8_t ret_key[static VAULT_KEY_LEN],
			     struct err_info *ei)
{
	char ad_text[VAULT_AD_MAX];
	struct aead_ad ad = { 0 };
	enum err rc = vault_ad("datakey", r, ad_text, &ad, ei);

	if (rc)
		return rc;
	if (!r->wrapped_key || r->wrapped_key_len != VAULT_WRAPPED_LEN)
		return err_set(ei, ERR_CORRUPT,
			       "session %lld of account %s has no key: it was "
			       "shredded or is damaged",
			       (long long)r->version, r->account_id);
	rc = aead_open(v->master.bytes, ad, r->wrapped_key, r->wrapped_key_len,
		       ret_key);
	if (rc)
		return err_set(ei, rc,
			       "session %lld of account %s does not open: "
			       "another vault key, or the record is damaged",
			       (long long)r->version, r->account_id);
	return ERR_OK;
}

enum err vault_seal(const struct vault *v, const void *data, size_t len,
		    struct arena *a, struct vault_record *ret,
		    struct err_info *ei)
{
	uint8_t key[VAULT_KEY_LEN], *wrapped = NULL;
	uint8_t *sealed = arena_alloc(a, len + AEAD_OVERHEAD);
	char ad_text[VAULT_AD_MAX];
	struct aead_ad ad = { 0 };
	enum err rc;

	if (!sealed)
		return err_set(ei, ERR_NOMEM, "vault record");
	rc = vault_ad("session", ret, ad_text, &ad, ei);
	if (rc)
		return rc;
	rnd_fill(v->rnd, key, sizeof(key));
	rc = aead_seal(key, ad, v->rnd, data, len, sealed);
	if (rc)
		rc = err_set(ei, rc, "cannot seal a session");
	else
		rc = vault_wrap(v, ret, key, a, &wrapped, ei);
	secret_wipe(key, sizeof(key));
	if (rc)
		return rc;
	ret->sealed = sealed;
	ret->sealed_len = len + AEAD_OVERHEAD;
	ret->wrapped_key = wrapped;
	ret->wrapped_key_len = VAULT_WRAPPED_LEN;
	return ERR_OK;
}

static enum err vault_open_with(const uint8_t key[static VAULT_KEY_LEN],
				const struct vault_record *r, struct buf *out,
				struct err_info *ei)
{
	char ad_text[VAULT_AD_MAX];
	struct aead_ad ad = { 0 };
	uint8_t *to;
	enum err rc = vault_ad("session", r, ad_text, &ad, ei);

	if (rc)
		return rc;
	if (!r->sealed || r->sealed_len < AEAD_OVERHEAD)
		return err_set(ei, ERR_CORRUPT,
			       "session %lld of account %s is damaged",
			       (long long)r->version, r->account_id);
	rc = buf_reserve(out, r->sealed_len - AEAD_OVERHEAD, &to);
	if (rc)
		return err_set(ei, rc, "session of account %s: no room",
			       r->account_id);
	rc = aead_open(key, ad, r->sealed, r->sealed_len, to);
	if (rc)
		return err_set(ei, rc,
			       "session %lld of account %s does not open: the "
			       "record is damaged",
			       (long long)r->version, r->account_id);
	buf_commit(out, r->sealed_len - AEAD_OVERHEAD);
	return ERR_OK;
}

enum err vault_open(const struct vault *v, const struct vault_record *r,
		    struct buf *out, struct err_info *ei)
{
	uint8_t key[VAULT_KEY_LEN];
	enum err rc = vault_unwrap(v, r, key, ei);

	if (rc)
		return rc;
	rc = vault_open_with(key, r, out, ei);
	secret_wipe(key, sizeof(key));
	return rc;
}

enum err vault_rewrap(const struct vault *from, const struct vault *to,
		      const struct vault_record *r, struct arena *a,
		      struct vault_record *ret, struct err_info *ei)
{
	uint8_t key[VAULT_KEY_LEN], *wrapped = NULL;
	enum err rc = vault_unwrap(from, r, key, ei);

	if (rc)
		return rc;
	rc = vault_wrap(to, r, key, a, &wrapped, ei);
	secret_wipe(key, sizeof(key));
	if (rc)
		return rc;
	*ret = *r;
	ret->wrapped_key = wrapped;
	ret->wrapped_key_len = VAULT_WRAPPED_LEN;
	return ERR_OK;
}
