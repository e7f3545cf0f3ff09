/* SPDX-License-Identifier: MIT */
/* The strings; see sessfile_string.c for their layouts. */
#include "tg/sessfile_write.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"
#include "tg/sessfile_int.h"
#include "tg/sessfile_write_int.h"
#include "tl/cursor.h"

#define RECORD_MAX 1536U
#define PORT_DEFAULT 443

bool sessfile_write_is_text(const struct sessfile_target *to)
{
	return to->layout == SESSFILE_TEXT;
}

const char *sessfile_write_address(const struct sessfile *s)
{
	if (s->server_address && s->server_address[0])
		return s->server_address;
	return sessfile_known_address(s->dc_id, s->test_mode);
}

int sessfile_write_port(const struct sessfile *s)
{
	return s->port ? s->port : PORT_DEFAULT;
}

static void put_be(struct tl_writer *w, uint64_t v, size_t n)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(v >> 8 * (n - 1 - i));
	cursor_put_raw(w, bytes, n);
}

static void put_byte(struct tl_writer *w, int v)
{
	put_be(w, (uint64_t)v, 1);
}

static void put_key(struct tl_writer *w, const struct sessfile *s)
{
	cursor_put_raw(w, s->auth_key.bytes, s->auth_key.len);
}

enum err sessfile_write_no_address(const struct sessfile *s,
				   struct err_info *ei)
{
	return err_set(ei, ERR_INVALID,
		       "no address is known for data centre %d", s->dc_id);
}

static enum err put_telethon(struct tl_writer *w, const struct sessfile *s,
			     struct err_info *ei)
{
	const char *address = sessfile_write_address(s);
	uint8_t ip[16];
	size_t len = 0;

	if (address && inet_pton(AF_INET, address, ip) == 1)
		len = 4;
	else if (address && inet_pton(AF_INET6, address, ip) == 1)
		len = 16;
	if (!address)
		return sessfile_write_no_address(s, ei);
	if (!len)
		return err_set(ei, ERR_INVALID,
			       "Telethon's string holds an IP address, not "
			       "the name \"%s\"",
			       address);
	put_byte(w, s->dc_id);
	cursor_put_raw(w, ip, len);
	put_be(w, (uint64_t)sessfile_write_port(s), 2);
	put_key(w, s);
	return ERR_OK;
}

static enum err put_gramjs(struct tl_writer *w, const struct sessfile *s,
			   struct err_info *ei)
{
	const char *address = sessfile_write_address(s);

	if (!address)
		return sessfile_write_no_address(s, ei);
	put_byte(w, s->dc_id);
	put_be(w, strlen(address), 2);
	cursor_put_raw(w, address, strlen(address));
	put_be(w, (uint64_t)sessfile_write_port(s), 2);
	put_key(w, s);
	return ERR_OK;
}

/* The older forms have no api_id; the oldest has short user ids. */
static enum err put_pyrogram(struct tl_writer *w, const struct sessfile *s,
			     int chars, struct err_info *ei)
{
	bool short_id = s->user_id <= UINT32_MAX;
	enum err rc = sessfile_write_need_user(s, ei);

	if (rc)
		return rc;
	if (!chars)
		chars = s->api_id ? 362 : short_id ? 351 : 356;
	if (chars == 351 && !short_id)
		return err_set(ei, ERR_INVALID,
			       "user id %lld does not fit into Pyrogram's "
			       "oldest string; take pyrogram-string-356",
			       (long long)s->user_id);
	put_byte(w, s->dc_id);
	if (chars == 362)
		put_be(w, (uint64_t)s->api_id, 4);
	put_byte(w, s->test_mode);
	put_key(w, s);
	put_be(w, (uint64_t)s->user_id, chars == 351 ? 4 : 8);
	put_byte(w, s->is_bot);
	return ERR_OK;
}

static enum err put_mtcute(struct tl_writer *w, const struct sessfile *s,
			   struct err_info *ei)
{
	enum { SELF = 1, IPV6 = 1, TEST = 4 };
	const char *address = sessfile_write_address(s);
	struct tl_writer dc_w;
	struct buf dc;

	if (!address)
		return sessfile_write_no_address(s, ei);
	buf_init(&dc, RECORD_MAX);
	cursor_write(&dc_w, &dc);
	put_byte(&dc_w, 2); /* version of the record */
	put_byte(&dc_w, s->dc_id);
	put_byte(&dc_w,
		 (strchr(address, ':') ? IPV6 : 0) | (s->test_mode ? TEST : 0));
	cursor_put_string(&dc_w, address);
	cursor_put_i32(&dc_w, sessfile_write_port(s));
	put_byte(w, 3); /* version of the string */
	cursor_put_i32(w, s->user_id ? SELF : 0);
	cursor_put_bytes(w, buf_head(&dc), buf_len(&dc));
	if (s->user_id) {
		cursor_put_i64(w, s->user_id);
		cursor_put_bool(w, s->is_bot);
	}
	cursor_put_bytes(w, s->auth_key.bytes, s->auth_key.len);
	buf_deinit(&dc);
	return dc_w.rc;
}

/* n zero bytes in a row travel as 00 n. */
static void put_packed(struct tl_writer *w, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = 1;

		while (!p[i] && i + n < len && n < 255 && !p[i + n])
			n++;
		cursor_put_raw(w, p + i, 1);
		if (!p[i])
			put_byte(w, (int)n);
		i += n;
	}
}

static enum err put_mtkruto(struct tl_writer *w, const struct sessfile *s)
{
	char dc[] = { (char)('0' + s->dc_id), '-', 't', 'e', 's', 't', '\0' };
	struct tl_writer raw_w;
	struct buf raw;

	if (!s->test_mode)
		dc[1] = '\0';
	buf_init(&raw, RECORD_MAX);
	cursor_write(&raw_w, &raw);
	cursor_put_string(&raw_w, dc);
	cursor_put_bytes(&raw_w, s->auth_key.bytes, s->auth_key.len);
	if (!raw_w.rc)
		put_packed(w, buf_head(&raw), buf_len(&raw));
	buf_wipe(&raw);
	return raw_w.rc;
}

static enum err put_record(struct tl_writer *w, const struct sessfile *s,
			   const struct sessfile_target *to,
			   struct err_info *ei)
{
	switch (to->flavour) {
	case SESSFILE_TELETHON_STRING:
		return put_telethon(w, s, ei);
	case SESSFILE_GRAMJS_STRING:
		return put_gramjs(w, s, ei);
	case SESSFILE_PYROGRAM_STRING:
		return put_pyrogram(w, s, to->version, ei);
	case SESSFILE_MTCUTE_STRING:
		return put_mtcute(w, s, ei);
	case SESSFILE_MTKRUTO_STRING:
		return put_mtkruto(w, s);
	default:
		return err_set(ei, ERR_INVALID, "%s is not written here",
			       to->name);
	}
}

/* The alphabets are those of the programs; some are strict about them. */
static enum err put_text(const struct buf *record, enum sessfile_flavour to,
			 struct buf *out)
{
	char text[TEXT_B64_LEN(RECORD_MAX) + 1];
	bool versioned =
		to == SESSFILE_TELETHON_STRING || to == SESSFILE_GRAMJS_STRING;
	enum text_b64 kind = TEXT_B64_URL;
	enum err rc = ERR_OK;

	if (to == SESSFILE_TELETHON_STRING)
		kind = TEXT_B64_URL_PAD;
	else if (to == SESSFILE_GRAMJS_STRING)
		kind = TEXT_B64_STD;
	text_b64(text, buf_head(record), buf_len(record), kind);
	if (versioned)
		rc = buf_append_byte(out, '1');
	if (!rc)
		rc = buf_append_str(out, text);
	secret_wipe(text, sizeof(text));
	return rc;
}

enum err sessfile_write_need_user(const struct sessfile *s, struct err_info *ei)
{
	if (s->user_id > 0)
		return ERR_OK;
	return err_set(ei, ERR_INVALID,
		       "Pyrogram needs the user id, and the session does not "
		       "hold it; say it with --user-id");
}

/*
 * Some strings are told apart by their length and by what an address looks
 * like: one that would be taken for something else is not given out.
 */
static enum err check_text(const struct sessfile *s, enum sessfile_flavour to,
			   const struct buf *text, size_t at,
			   struct err_info *ei)
{
	const char *head = (const char *)buf_head(text) + at;
	struct sessfile again = { 0 };
	enum err rc;

	rc = sessfile_read_string(head, buf_len(text) - at, &again, NULL);
	if (!rc && (again.flavour != to || again.dc_id != s->dc_id ||
		    !secret_equal(&again.auth_key, s->auth_key.bytes,
				  s->auth_key.len)))
		rc = ERR_INVALID;
	sessfile_deinit(&again);
	if (rc && rc != ERR_NOMEM)
		return err_set(ei, ERR_INVALID,
			       "its server address does not fit into a %s",
			       sessfile_flavour_name(to));
	return rc;
}

static enum err write_text(const struct sessfile *s, const struct buf *record,
			   enum sessfile_flavour to, struct buf *out,
			   struct err_info *ei)
{
	size_t at = buf_len(out);
	enum err rc = put_text(record, to, out);

	if (!rc)
		rc = check_text(s, to, out, at, ei);
	if (rc)
		out->len = out->pos + at;
	return rc;
}

enum err sessfile_write(const struct sessfile *s,
			const struct sessfile_target *to, struct wall now,
			struct buf *out, struct err_info *ei)
{
	struct tl_writer w;
	struct buf record;
	enum err rc;

	if (!sessfile_write_is_text(to))
		return sessfile_write_sqlite(s, to, now, out, ei);
	buf_init(&record, RECORD_MAX);
	cursor_write(&w, &record);
	rc = put_record(&w, s, to, ei);
	if (!rc)
		rc = w.rc;
	if (!rc)
		rc = write_text(s, &record, to->flavour, out, ei);
	buf_wipe(&record);
	return rc;
}
