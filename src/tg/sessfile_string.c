/* SPDX-License-Identifier: MIT */
/*
 * String sessions: base64 of a packed record.
 *
 *	Telethon   '1' + dc(1) ip(4|16) port(2) key(256)
 *	GramJS     '1' + dc(1) len(2) address port(2) key(256)
 *	Pyrogram   dc(1) api_id(4) test(1) key(256) user(8) bot(1), or without
 *	           api_id, or also with a user id of 4 bytes
 *	mtcute     3, flags(4), TL bytes {2, dc, flags, TL address, port(4)},
 *	           [media dc], [user(8) Bool], TL bytes key; test servers are
 *	           in the flags of the data centre, once in the string's
 *	MTKruto    zero runs packed as 00 n; TL string dc, TL bytes key
 *
 * Numbers are big endian except in the TL parts.
 */
#include <string.h>

#include "base/text.h"
#include "tg/sessfile_int.h"
#include "tl/cursor.h"

#define KEY SESSFILE_KEY_BYTES
#define BYTES_MAX 1536U

struct raw {
	uint8_t bytes[BYTES_MAX];
	size_t len;
};

static uint64_t be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

/* Both alphabets, padding or none: programs differ, the bytes do not. */
static bool decode(const char *text, size_t len, struct raw *ret)
{
	char url[BYTES_MAX * 4 / 3];
	bool ok;

	for (int pad = 0; pad < 2 && len > 0 && text[len - 1] == '='; pad++)
		len--;
	if (len == 0 || len > sizeof(url))
		return false;
	for (size_t i = 0; i < len; i++)
		url[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
	ok = text_unb64(ret->bytes, sizeof(ret->bytes), &ret->len, url, len,
			TEXT_B64_URL) == ERR_OK;
	secret_wipe(url, sizeof(url));
	return ok;
}

static bool is_address(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!p[i] || !strchr("0123456789abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ.:-",
				     p[i]))
			return false;
	return len > 0;
}

/* An address Telegram could be at: global, unique local, or this machine. */
static bool is_ipv6(const uint8_t *p)
{
	static const uint8_t loopback[16] = { [15] = 1 };

	return (p[0] & 0xe0) == 0x20 || (p[0] & 0xfe) == 0xfc ||
	       memcmp(p, loopback, sizeof(loopback)) == 0;
}

static enum err read_gramjs(const struct raw *r, size_t addr_len,
			    struct sessfile *s, struct err_info *ei)
{
	const uint8_t *p = r->bytes;
	char address[256] = { 0 };
	enum err rc;

	memcpy(address, p + 3, addr_len);
	sessfile_init(s, SESSFILE_GRAMJS_STRING);
	rc = sessfile_set_dc(s, p[0], ei);
	if (!rc)
		rc = sessfile_set_address(s, address,
					  (int64_t)be(p + 3 + addr_len, 2), ei);
	if (!rc)
		rc = sessfile_set_key(s, p + 5 + addr_len, KEY, ei);
	return rc;
}

static enum err read_telethon(const struct raw *r, size_t ip_len,
			      struct sessfile *s, struct err_info *ei)
{
	const uint8_t *p = r->bytes;
	enum err rc;

	sessfile_init(s, SESSFILE_TELETHON_STRING);
	rc = sessfile_set_dc(s, p[0], ei);
	if (!rc)
		rc = sessfile_set_ip(s, p + 1, ip_len,
				     (int64_t)be(p + 1 + ip_len, 2), ei);
	if (!rc)
		rc = sessfile_set_key(s, p + 3 + ip_len, KEY, ei);
	return rc;
}

/* After the '1'.  Telethon's IPv6 form is as long as a GramJS one may be. */
static enum err read_one(const struct raw *r, struct sessfile *s,
			 struct err_info *ei)
{
	size_t addr_len = r->len >= 3 ? be(r->bytes + 1, 2) : 0;

	if (addr_len > 0 && addr_len <= 255 && r->len == 5 + addr_len + KEY &&
	    is_address(r->bytes + 3, addr_len))
		return read_gramjs(r, addr_len, s, ei);
	if (r->len == 1 + 4 + 2 + KEY)
		return read_telethon(r, 4, s, ei);
	if (r->len == 1 + 16 + 2 + KEY && is_ipv6(r->bytes + 1))
		return read_telethon(r, 16, s, ei);
	return err_set(ei, ERR_INVALID,
		       "a session string of version 1 with %zu bytes: cut, or "
		       "with something added",
		       r->len);
}

static enum err read_pyrogram(const struct raw *r, size_t api_len,
			      size_t user_len, struct sessfile *s,
			      struct err_info *ei)
{
	const uint8_t *p = r->bytes;
	const uint8_t *user = p + 1 + api_len + 1 + KEY;
	uint64_t id = be(user, user_len);
	enum err rc;

	sessfile_init(s, SESSFILE_PYROGRAM_STRING);
	rc = sessfile_set_dc(s, p[0], ei);
	if (rc)
		return rc;
	if (id > INT64_MAX || be(p + 1, api_len) > INT32_MAX)
		return err_set(ei, ERR_INVALID,
			       "a Pyrogram string with an impossible user or "
			       "api id");
	s->api_id = (int64_t)be(p + 1, api_len);
	s->test_mode = p[1 + api_len];
	s->user_id = (int64_t)id;
	s->is_bot = user[user_len];
	return sessfile_set_key(s, p + 2 + api_len, KEY, ei);
}

static enum err read_mtcute_dc(struct sessfile *s, struct tl_bytes dc,
			       struct err_info *ei)
{
	enum { VERSION = 2, TEST = 4 };
	struct tl_reader r;
	struct tl_bytes address;
	const uint8_t *head;
	char text[256] = { 0 };
	int32_t port;
	enum err rc;

	cursor_read(&r, dc.data, dc.len);
	head = cursor_get_raw(&r, 3); /* version, id, flags */
	/* the string's own alignment starts after its length byte here */
	address = cursor_get_bytes(&r);
	port = cursor_get_i32(&r);
	if (cursor_finish(&r) || !head || address.len >= sizeof(text))
		return err_set(ei, ERR_INVALID,
			       "mtcute string: bad data "
			       "centre record");
	if (head[0] == VERSION && (head[2] & TEST))
		s->test_mode = true;
	memcpy(text, address.data, address.len);
	rc = sessfile_set_dc(s, head[1], ei);
	return rc ? rc : sessfile_set_address(s, text, port, ei);
}

static enum err read_mtcute(const struct raw *raw, struct sessfile *s,
			    struct err_info *ei)
{
	enum { SELF = 1, TEST = 2, MEDIA = 4 };
	struct tl_bytes dc, key;
	struct tl_reader r;
	uint32_t flags;
	enum err rc;

	sessfile_init(s, SESSFILE_MTCUTE_STRING);
	s->version = 3;
	cursor_read(&r, raw->bytes + 1, raw->len - 1);
	flags = cursor_get_u32(&r);
	dc = cursor_get_bytes(&r);
	if (flags & MEDIA)
		(void)cursor_get_bytes(&r);
	if (flags & SELF) {
		s->user_id = cursor_get_i64(&r);
		s->is_bot = cursor_get_bool(&r);
	}
	key = cursor_get_bytes(&r);
	if (cursor_finish(&r) || flags > 7 || s->user_id < 0)
		return err_set(ei, ERR_INVALID,
			       "an mtcute string that is cut or has something "
			       "added");
	s->test_mode = flags & TEST;
	rc = read_mtcute_dc(s, dc, ei);
	return rc ? rc : sessfile_set_key(s, key.data, key.len, ei);
}

/* 00 n stands for n zero bytes. */
static bool unpack_zeroes(const struct raw *in, struct raw *ret)
{
	ret->len = 0;
	for (size_t i = 0; i < in->len; i++) {
		uint8_t byte = in->bytes[i];
		size_t n = 1;

		if (byte == 0) {
			if (++i == in->len || in->bytes[i] == 0)
				return false;
			n = in->bytes[i];
		}
		if (n > sizeof(ret->bytes) - ret->len)
			return false;
		memset(ret->bytes + ret->len, byte, n);
		ret->len += n;
	}
	return true;
}

static enum err read_mtkruto(const struct raw *packed, struct sessfile *s,
			     struct err_info *ei)
{
	struct tl_bytes dc, key;
	struct tl_reader r;
	struct raw raw;
	enum err rc;

	sessfile_init(s, SESSFILE_MTKRUTO_STRING);
	if (!unpack_zeroes(packed, &raw))
		return err_set(ei, ERR_INVALID,
			       "neither an SQLite database nor a "
			       "session string known here");
	cursor_read(&r, raw.bytes, raw.len);
	dc = cursor_get_bytes(&r);
	key = cursor_get_bytes(&r);
	s->test_mode = dc.len == 6 && memcmp(dc.data + 1, "-test", 5) == 0;
	if (cursor_finish(&r) || (dc.len != 1 && !s->test_mode)) {
		secret_wipe(&raw, sizeof(raw));
		return err_set(ei, ERR_INVALID,
			       "neither an SQLite database nor a "
			       "session string known here");
	}
	rc = sessfile_set_dc(s, dc.data[0] - '0', ei);
	if (!rc)
		rc = sessfile_set_key(s, key.data, key.len, ei);
	secret_wipe(&raw, sizeof(raw));
	return rc;
}

/* The packed forms have any length, so length alone does not tell. */
static bool is_pyrogram(const struct raw *r, size_t api_len, size_t user_len)
{
	return r->len == 1 + api_len + 1 + KEY + user_len + 1 &&
	       r->bytes[1 + api_len] <= 1 && r->bytes[r->len - 1] <= 1;
}

static enum err read_raw(const struct raw *r, struct sessfile *s,
			 struct err_info *ei)
{
	if (is_pyrogram(r, 4, 8))
		return read_pyrogram(r, 4, 8, s, ei);
	if (is_pyrogram(r, 0, 8))
		return read_pyrogram(r, 0, 8, s, ei);
	if (is_pyrogram(r, 0, 4))
		return read_pyrogram(r, 0, 4, s, ei);
	if (r->len > KEY && r->bytes[0] == 3)
		return read_mtcute(r, s, ei);
	return read_mtkruto(r, s, ei);
}

enum err sessfile_read_string(const char *text, size_t len,
			      struct sessfile *ret, struct err_info *ei)
{
	struct raw raw;
	enum err rc;

	while (len > 0 && strchr(" \t\r\n", text[len - 1]) && text[len - 1])
		len--;
	while (len > 0 && strchr(" \t\r\n", text[0]) && text[0]) {
		text++;
		len--;
	}
	if (len > 1 && text[0] == '1' && decode(text + 1, len - 1, &raw))
		rc = read_one(&raw, ret, ei);
	else if (len > 1 && text[0] != '1' && decode(text, len, &raw))
		rc = read_raw(&raw, ret, ei);
	else
		return err_set(ei, ERR_INVALID,
			       "neither an SQLite database nor a session "
			       "string (it is not base64)");
	secret_wipe(&raw, sizeof(raw));
	return rc;
}
