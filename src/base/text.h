/* SPDX-License-Identifier: MIT */
/*
 * Text codecs.  Hex and base64 take constant time in the content, so they may be
 * used on keys.  Decoders are strict: no white space, no stray bits, no padding
 * where the alphabet has none.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"

enum text_b64 {
	TEXT_B64_STD,	  /* + / with padding */
	TEXT_B64_URL,	  /* - _ without padding */
	TEXT_B64_URL_PAD, /* - _ with padding */
};

#define TEXT_B64_LEN(n) (((n) + 2) / 3 * 4)

/* dst has 2 * len + 1 bytes; NUL-terminated, lower case. */
void text_hex(char *dst, const void *data, size_t len);
/* Exactly 2 * len digits expected in text[0, text_len). */
enum err text_unhex(void *dst, size_t len, const char *text, size_t text_len);

/* dst has TEXT_B64_LEN(len) + 1 bytes; NUL-terminated; returns the length. */
size_t text_b64(char *dst, const void *data, size_t len, enum text_b64 kind);
/* ERR_SYNTAX, or ERR_TOOBIG if more than dst_size bytes would come out. */
enum err text_unb64(void *dst, size_t dst_size, size_t *ret_len,
		    const char *text, size_t text_len, enum text_b64 kind);

/* All of src if it fits, else what fits; always ends in NUL.  Did it fit? */
bool text_copy(char *dst, size_t dst_size, const char *src);

bool text_utf8_valid(const void *data, size_t len);

/* Decimal, whole string, no sign for u64; ERR_SYNTAX otherwise. */
enum err text_u64(const char *text, uint64_t *ret);
enum err text_i64(const char *text, int64_t *ret);
/* "30s", "500ms", "2m", "1h", "1d", or plain seconds. */
enum err text_duration_us(const char *text, int64_t *ret_us);
/* "64k", "10m", "1g" (binary), or plain bytes. */
enum err text_size(const char *text, uint64_t *ret);

/*
 * The account id of a phone number, or of a name.  A number (digits, '+', spaces,
 * dashes, brackets and nothing else) loses all but its digits; anything else, as
 * "@name" or "alice-1", stays as it is and may have letters, digits, _ . and -,
 * the first no dot or dash.  dst has size bytes; ERR_TOOBIG / ERR_INVALID.
 */
enum err text_account_id(const char *text, char *dst, size_t size);
/* "99966******": what logs may show of a phone number. */
void text_mask_phone(const char *phone, char *dst, size_t size);

#endif /* BASE_TEXT_H */
