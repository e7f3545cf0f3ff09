/* SPDX-License-Identifier: MIT */
/*
 * Session files of other programs, read into one form.
 *
 * What a file is is told by its content, never by its name.  Only bytes come in:
 * SQLite files are opened from a private copy in memory, with triggers, views,
 * extensions and untrusted functions switched off and only the expected columns
 * of plain tables read, so neither a journal beside the file, nor a lock of its
 * program, nor a hostile schema matters.
 *
 * Checked before anything is believed: a key of exactly 256 bytes that is not
 * all zero, a data centre from 1 to 5, a port that is one, one session only.
 *
 *   owner     the caller, by value; sessfile_deinit() wipes the key
 *   memory    strings, peers and channel states in the embedded arena
 *   threads   none; needs no network
 *   failure   ERR_INVALID with what is wrong and where; ERR_TOOBIG
 *   source    shared formats of Telethon, Pyrogram and forks, GramJS, mtcute,
 *             MTKruto and Telegram Desktop, checked against files they wrote
 */
#ifndef TG_SESSFILE_H
#define TG_SESSFILE_H

#include "base/arena.h"
#include "base/json.h"
#include "base/secret.h"

#define SESSFILE_MAX_BYTES (64U << 20)
#define SESSFILE_KEY_BYTES 256
#define SESSFILE_PEERS_MAX 100000
#define SESSFILE_STATES_MAX 10000

enum sessfile_flavour {
	SESSFILE_TELETHON_SQLITE,
	SESSFILE_PYROGRAM_SQLITE,
	SESSFILE_TELETHON_STRING,
	SESSFILE_GRAMJS_STRING,
	SESSFILE_PYROGRAM_STRING,
	SESSFILE_MTCUTE_STRING,
	SESSFILE_MTKRUTO_STRING,
	SESSFILE_TDATA,
};

enum sessfile_peer_type {
	SESSFILE_USER,
	SESSFILE_BOT,
	SESSFILE_GROUP,
	SESSFILE_CHANNEL,
	SESSFILE_SUPERGROUP,
};

struct sessfile_peer {
	int64_t id; /* positive; the type says of what */
	int64_t access_hash;
	enum sessfile_peer_type type;
	const char *username, *phone, *name; /* or NULL */
};

/* A further username of a peer; the first one is with the peer. */
struct sessfile_username {
	size_t peer; /* its index */
	const char *name;
};

/* Update state of one channel. */
struct sessfile_channel {
	int64_t id; /* positive */
	int64_t pts;
};

struct sessfile {
	enum sessfile_flavour flavour;
	int version; /* of the format; 0 = it has none */
	int dc_id;
	const char *server_address; /* or NULL */
	int port;		    /* 0 = not said */
	struct secret auth_key;
	int64_t user_id; /* 0 = the format or the file does not say */
	bool is_bot, test_mode;
	int64_t api_id; /* 0 = not said */
	bool has_update_state;
	int64_t pts, qts, date, seq;
	const struct sessfile_channel *channels;
	size_t nchannels;
	const struct sessfile_peer *peers;
	size_t npeers;
	const struct sessfile_username *usernames;
	size_t nusernames;
	size_t nstates; /* rows of update state in the file, channels included */
	struct arena arena;
};

/* `name` is only for error texts. */
enum err sessfile_read(const void *data, size_t len, const char *name,
		       struct sessfile *ret, struct err_info *ei);

/* One file of a tdata folder: "key_datas", "D877F783D5D3EF8Cs". */
struct sessfile_blob {
	const char *name;
	const uint8_t *data;
	size_t len;
};

/* passcode "" when there is none. */
enum err sessfile_read_tdata(const struct sessfile_blob *files, size_t n,
			     const char *passcode, struct sessfile *ret,
			     struct err_info *ei);
/* The names a folder has to be searched for. */
#define SESSFILE_TDATA_KEY "key_datas"
#define SESSFILE_TDATA_ACCOUNT "D877F783D5D3EF8Cs"

/* A session that was just made.  The key is copied; address may be NULL. */
struct sessfile_new {
	int dc_id, port;
	const char *address;
	const uint8_t *key; /* SESSFILE_KEY_BYTES */
	int64_t user_id, api_id;
	bool is_bot, test_mode;
};
enum err sessfile_make(const struct sessfile_new *n, struct sessfile *ret,
		       struct err_info *ei);

void sessfile_deinit(struct sessfile *s);

const char *sessfile_flavour_name(enum sessfile_flavour flavour);
const char *sessfile_peer_type_name(enum sessfile_peer_type type);

/* SHA-256 of the key: what tells the fleet that two files are one session. */
#define SESSFILE_FINGERPRINT_HEX 64
void sessfile_fingerprint(const struct sessfile *s,
			  char hex[static SESSFILE_FINGERPRINT_HEX + 1]);
/* Telegram's auth_key_id, hex as it travels. */
void sessfile_key_id(const struct sessfile *s, char hex[static 17]);

/*
 * Members of the session document (see wire/wire_session.h) into an open object:
 * the key is in it, so the buffer is secret.
 */
enum err sessfile_to_json(const struct sessfile *s, struct jsonw *w);

#endif /* TG_SESSFILE_H */
