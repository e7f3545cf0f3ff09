/* SPDX-License-Identifier: MIT */
/*
 * Sessions at rest.
 *
 * Each record has its own random data key; the content is sealed with it
 * (XChaCha20-Poly1305), and the data key is wrapped with the master key.  Both are
 * bound to account id and version: a record copied to another row, or an old one
 * put back in place of a new one, does not open.  Changing the master key rewraps
 * data keys only; deleting a wrapped key shreds its record.
 *
 * The master key is never in the database: it comes from the environment
 * (TGFLEET_VAULT_KEY, 64 hex digits) or from a file that only its owner can read.
 *
 *   owner     the control plane embeds one
 *   memory    the master key in locked memory; records in the caller's arena
 *   threads   sealing and opening may run anywhere; the struct is read-only then
 *   failure   ERR_CORRUPT: does not open (other key, other account, damaged)
 */
#ifndef CONTROL_VAULT_H
#define CONTROL_VAULT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rnd.h"
#include "base/secret.h"

#define VAULT_KEY_LEN 32
#define VAULT_ENV "TGFLEET_VAULT_KEY"

struct vault {
	struct secret master;
	struct rnd *rnd;
};

struct vault_record {
	const char *account_id;
	int64_t version;
	const void *sealed;
	size_t sealed_len;
	const void *wrapped_key;
	size_t wrapped_key_len;
};

enum vault_source {
	VAULT_FROM_ENV,
	VAULT_FROM_FILE,
	VAULT_CREATED, /* the file did not exist and was written, mode 0600 */
};

/* From a key at hand (tests, rotation). */
enum err vault_init(struct vault *v, const void *key, size_t len,
		    struct rnd *rnd);
/*
 * From the environment, else from the file.  `create` makes a new key when there
 * is no file.  ERR_FORBIDDEN: others may read the file; ERR_NOTFOUND: no file;
 * ERR_INVALID: not a key.
 */
enum err vault_load(struct vault *v, const char *path, bool create,
		    struct rnd *rnd, enum vault_source *ret_source,
		    struct err_info *ei);
/* Writes a new random key to a file that must not exist. */
enum err vault_create_key_file(const char *path, struct rnd *rnd,
			       struct err_info *ei);
void vault_deinit(struct vault *v);

/* *ret has account_id and version set; fills in the rest. */
enum err vault_seal(const struct vault *v, const void *data, size_t len,
		    struct arena *a, struct vault_record *ret,
		    struct err_info *ei);
/* Appends the content to `out`, which the caller must buf_wipe(). */
enum err vault_open(const struct vault *v, const struct vault_record *r,
		    struct buf *out, struct err_info *ei);
/* The record's data key, from one master key to the other. */
enum err vault_rewrap(const struct vault *from, const struct vault *to,
		      const struct vault_record *r, struct arena *a,
		      struct vault_record *ret, struct err_info *ei);

#endif /* CONTROL_VAULT_H */
