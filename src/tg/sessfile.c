/* SPDX-License-Identifier: MIT */
#include "tg/sessfile.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"
#include "crypto/mtkdf.h"
#include "crypto/sha.h"
#include "tg/sessfile_int.h"

/* Bookkeeping of the peers, not the file: it may take more than the file did. */
#define ARENA_MAX (256U << 20)
/* No string form is longer; what is, is no string session. */
#define STRING_MAX 2048U

static const char *const flavours[] = {
	[SESSFILE_TELETHON_SQLITE] = "telethon-sqlite",
	[SESSFILE_PYROGRAM_SQLITE] = "pyrogram-sqlite",
	[SESSFILE_TELETHON_STRING] = "telethon-string",
	[SESSFILE_GRAMJS_STRING] = "gramjs-string",
	[SESSFILE_PYROGRAM_STRING] = "pyrogram-string",
	[SESSFILE_MTCUTE_STRING] = "mtcute-string",
	[SESSFILE_MTKRUTO_STRING] = "mtkruto-string",
	[SESSFILE_TDATA] = "tdata",
};

static const char *const peer_types[] = {
	[SESSFILE_USER] = "user",
	[SESSFILE_BOT] = "bot",
	[SESSFILE_GROUP] = "group",
	[SESSFILE_CHANNEL] = "channel",
	[SESSFILE_SUPERGROUP] = "supergroup",
};

const char *sessfile_flavour_name(enum sessfile_flavour flavour)
{
	return flavours[flavour];
}

const char *sessfile_peer_type_name(enum sessfile_peer_type type)
{
	return peer_types[type];
}

int64_t sessfile_mark(const struct sessfile_peer *p)
{
	switch (p->type) {
	case SESSFILE_GROUP:
		return -p->id;
	case SESSFILE_CHANNEL:
	case SESSFILE_SUPERGROUP:
		return -SESSFILE_CHANNEL_MARK - p->id;
	case SESSFILE_USER:
	case SESSFILE_BOT:
		break;
	}
	return p->id;
}

const char *sessfile_known_address(int dc_id, bool test_mode)
{
	/* what clients come with; the config they then fetch says more */
	static const char *const production[] = {
		[1] = "149.154.175.50",	 [2] = "149.154.167.51",
		[3] = "149.154.175.100", [4] = "149.154.167.91",
		[5] = "149.154.171.5",
	};
	static const char *const test[] = {
		[1] = "149.154.175.10",
		[2] = "149.154.167.40",
		[3] = "149.154.175.117",
	};
	size_t dc = (size_t)dc_id;

	if (test_mode)
		return dc < ARRAY_LEN(test) ? test[dc] : NULL;
	return dc < ARRAY_LEN(production) ? production[dc] : NULL;
}

void sessfile_init(struct sessfile *s, enum sessfile_flavour flavour)
{
	*s = (struct sessfile){ .flavour = flavour };
	arena_init(&s->arena, ARENA_MAX);
}

void sessfile_deinit(struct sessfile *s)
{
	secret_deinit(&s->auth_key);
	arena_deinit(&s->arena);
	*s = (struct sessfile){ 0 };
}

enum err sessfile_set_key(struct sessfile *s, const void *key, size_t len,
			  struct err_info *ei)
{
	static const uint8_t zero[SESSFILE_KEY_BYTES];

	if (len == 0)
		return err_set(ei, ERR_INVALID,
			       "there is no auth key in it: it was never "
			       "signed in; sign in first");
	if (len != SESSFILE_KEY_BYTES)
		return err_set(ei, ERR_INVALID,
			       "its auth key has %zu bytes, 256 are needed",
			       len);
	if (secret_memeq(key, zero, len))
		return err_set(ei, ERR_INVALID,
			       "its auth key is all zero: the file was wiped");
	return secret_init(&s->auth_key, key, len);
}

enum err sessfile_set_dc(struct sessfile *s, int64_t dc, struct err_info *ei)
{
	if (dc < 1 || dc > 5)
		return err_set(ei, ERR_INVALID,
			       "data centre %lld does not exist, there are 1 "
			       "to 5",
			       (long long)dc);
	s->dc_id = (int)dc;
	return ERR_OK;
}

enum err sessfile_set_address(struct sessfile *s, const char *address,
			      int64_t port, struct err_info *ei)
{
	if (port < 1 || port > 65535)
		return err_set(ei, ERR_INVALID, "port %lld does not exist",
			       (long long)port);
	if (!text_utf8_valid(address, strlen(address)) || strlen(address) > 255)
		return err_set(ei, ERR_INVALID,
			       "the server address is no text");
	s->server_address = arena_str(&s->arena, address, strlen(address));
	if (!s->server_address)
		return ERR_NOMEM;
	s->port = (int)port;
	return ERR_OK;
}

enum err sessfile_set_ip(struct sessfile *s, const uint8_t *ip, size_t len,
			 int64_t port, struct err_info *ei)
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(len == 4 ? AF_INET : AF_INET6, ip, text, sizeof(text)))
		return err_set(ei, ERR_INVALID, "the server address is none");
	return sessfile_set_address(s, text, port, ei);
}

static enum err read_any(const void *data, size_t len, struct sessfile *s,
			 struct err_info *ei)
{
	if (len == 0)
		return err_set(ei, ERR_INVALID, "the file is empty");
	if (len > SESSFILE_MAX_BYTES)
		return err_set(ei, ERR_TOOBIG,
			       "%zu bytes; a session file has at most %u", len,
			       SESSFILE_MAX_BYTES);
	if (sessfile_sqlite_magic(data, len))
		return sessfile_read_sqlite(data, len, s, ei);
	if (len > STRING_MAX)
		return err_set(ei, ERR_INVALID,
			       "neither an SQLite database nor a session "
			       "string; Telethon and Pyrogram files and the "
			       "usual strings are read");
	return sessfile_read_string(data, len, s, ei);
}

enum err sessfile_read(const void *data, size_t len, const char *name,
		       struct sessfile *ret, struct err_info *ei)
{
	struct sessfile s = { 0 };
	enum err rc = read_any(data, len, &s, ei);

	if (rc) {
		sessfile_deinit(&s);
		return err_wrap(ei, rc, "%s", name);
	}
	*ret = s;
	return ERR_OK;
}

static enum err make(struct sessfile *s, const struct sessfile_new *n,
		     struct err_info *ei)
{
	enum err rc;

	sessfile_init(s, SESSFILE_TELETHON_STRING);
	rc = sessfile_set_dc(s, n->dc_id, ei);
	if (!rc && n->address)
		rc = sessfile_set_address(s, n->address, n->port, ei);
	if (!rc)
		rc = sessfile_set_key(s, n->key, SESSFILE_KEY_BYTES, ei);
	s->user_id = n->user_id;
	s->api_id = n->api_id;
	s->is_bot = n->is_bot;
	s->test_mode = n->test_mode;
	return rc;
}

enum err sessfile_make(const struct sessfile_new *n, struct sessfile *ret,
		       struct err_info *ei)
{
	struct sessfile s = { 0 };
	enum err rc = make(&s, n, ei);

	if (rc)
		sessfile_deinit(&s);
	else
		*ret = s;
	return rc;
}

void sessfile_fingerprint(const struct sessfile *s,
			  char hex[static SESSFILE_FINGERPRINT_HEX + 1])
{
	uint8_t hash[SHA_256_LEN];

	sha_256(s->auth_key.bytes, s->auth_key.len, hash);
	text_hex(hex, hash, sizeof(hash));
}

void sessfile_key_id(const struct sessfile *s, char hex[static 17])
{
	uint8_t hash[SHA_1_LEN];

	sha_1(s->auth_key.bytes, s->auth_key.len, hash);
	text_hex(hex, hash + SHA_1_LEN - 8, 8);
}

static void put_peers(const struct sessfile *s, struct jsonw *w)
{
	jsonw_array(w, "peers");
	for (size_t i = 0; i < s->npeers; i++) {
		const struct sessfile_peer *p = &s->peers[i];

		jsonw_object(w, NULL);
		jsonw_int(w, "id", p->id);
		jsonw_int(w, "access_hash", p->access_hash);
		jsonw_str(w, "type", sessfile_peer_type_name(p->type));
		if (p->username)
			jsonw_str(w, "username", p->username);
		if (p->phone)
			jsonw_str(w, "phone", p->phone);
		if (p->name)
			jsonw_str(w, "name", p->name);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static void put_channels(const struct sessfile *s, struct jsonw *w)
{
	jsonw_array(w, "channels");
	for (size_t i = 0; i < s->nchannels; i++) {
		jsonw_object(w, NULL);
		jsonw_int(w, "id", s->channels[i].id);
		jsonw_int(w, "pts", s->channels[i].pts);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

enum err sessfile_to_json(const struct sessfile *s, struct jsonw *w)
{
	char key[TEXT_B64_LEN(SESSFILE_KEY_BYTES) + 1];

	text_b64(key, s->auth_key.bytes, s->auth_key.len, TEXT_B64_STD);
	jsonw_int(w, "dc_id", s->dc_id);
	jsonw_str_or_null(w, "server_address", s->server_address);
	jsonw_int(w, "port", s->port);
	jsonw_str(w, "auth_key", key);
	secret_wipe(key, sizeof(key));
	jsonw_int(w, "user_id", s->user_id);
	jsonw_bool(w, "is_bot", s->is_bot);
	jsonw_int(w, "api_id", s->api_id);
	jsonw_bool(w, "test_mode", s->test_mode);
	if (s->has_update_state) {
		jsonw_object(w, "update_state");
		jsonw_int(w, "pts", s->pts);
		jsonw_int(w, "qts", s->qts);
		jsonw_int(w, "date", s->date);
		jsonw_int(w, "seq", s->seq);
		jsonw_object_end(w);
	} else {
		jsonw_null(w, "update_state");
	}
	put_channels(s, w);
	put_peers(s, w);
	return w->rc;
}
