/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

/* All ones if lo <= c <= hi, else 0; no branch on c. */
static unsigned int in_range(unsigned int c, unsigned int lo, unsigned int hi)
{
	return 0U - (((lo - 1 - c) & (c - hi - 1)) >> 31);
}

static char hex_digit(unsigned int v)
{
	return (char)(v + '0' + (in_range(v, 10, 15) & ('a' - '0' - 10)));
}

void text_hex(char *dst, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		*dst++ = hex_digit(p[i] >> 4);
		*dst++ = hex_digit(p[i] & 15);
	}
	*dst = '\0';
}

/* 0..15, or a number above 15 for no digit. */
static unsigned int hex_value(unsigned char c)
{
	unsigned int ret = 256;

	ret ^= in_range(c, '0', '9') & (256U ^ (c - '0'));
	ret ^= in_range(c, 'a', 'f') & (256U ^ (c - 'a' + 10U));
	ret ^= in_range(c, 'A', 'F') & (256U ^ (c - 'A' + 10U));
	return ret;
}

enum err text_unhex(void *dst, size_t len, const char *text, size_t text_len)
{
	uint8_t *p = dst;
	unsigned int bad = 0;

	if (text_len != len * 2)
		return ERR_SYNTAX;
	for (size_t i = 0; i < len; i++) {
		unsigned int hi = hex_value((unsigned char)text[2 * i]);
		unsigned int lo = hex_value((unsigned char)text[2 * i + 1]);

		bad |= (hi | lo) & ~15U;
		p[i] = (uint8_t)(hi << 4 | lo);
	}
	return bad ? ERR_SYNTAX : ERR_OK;
}

static char b64_char(unsigned int v, bool url)
{
	unsigned int c = 0;

	c |= in_range(v, 0, 25) & (v + 'A');
	c |= in_range(v, 26, 51) & (v - 26 + 'a');
	c |= in_range(v, 52, 61) & (v - 52 + '0');
	c |= in_range(v, 62, 62) & (unsigned int)(url ? '-' : '+');
	c |= in_range(v, 63, 63) & (unsigned int)(url ? '_' : '/');
	return (char)c;
}

size_t text_b64(char *dst, const void *data, size_t len, enum text_b64 kind)
{
	const uint8_t *p = data;
	bool url = kind != TEXT_B64_STD;
	char *out = dst;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		unsigned int v = (unsigned int)p[i] << 16;

		v |= n > 1 ? (unsigned int)p[i + 1] << 8 : 0;
		v |= n > 2 ? p[i + 2] : 0;
		*out++ = b64_char(v >> 18, url);
		*out++ = b64_char(v >> 12 & 63, url);
		if (n > 1)
			*out++ = b64_char(v >> 6 & 63, url);
		else if (kind != TEXT_B64_URL)
			*out++ = '=';
		if (n > 2)
			*out++ = b64_char(v & 63, url);
		else if (kind != TEXT_B64_URL)
			*out++ = '=';
	}
	*out = '\0';
	return (size_t)(out - dst);
}

static unsigned int b64_value(unsigned char c, bool url)
{
	unsigned int ret = 256;
	unsigned int c62 = url ? '-' : '+', c63 = url ? '_' : '/';

	ret ^= in_range(c, 'A', 'Z') & (256U ^ (c - 'A'));
	ret ^= in_range(c, 'a', 'z') & (256U ^ (c - 'a' + 26U));
	ret ^= in_range(c, '0', '9') & (256U ^ (c - '0' + 52U));
	ret ^= in_range(c, c62, c62) & (256U ^ 62U);
	ret ^= in_range(c, c63, c63) & (256U ^ 63U);
	return ret;
}

enum err text_unb64(void *dst, size_t dst_size, size_t *ret_len,
		    const char *text, size_t text_len, enum text_b64 kind)
{
	bool url = kind != TEXT_B64_STD;
	unsigned int bad = 0, acc = 0, bits = 0;
	uint8_t *p = dst;
	size_t n = 0;

	if (kind != TEXT_B64_URL) {
		size_t pad = 0;

		if (text_len % 4 != 0)
			return ERR_SYNTAX;
		while (pad < 2 && text_len > 0 && text[text_len - 1] == '=') {
			text_len--;
			pad++;
		}
	}
	if (text_len % 4 == 1)
		return ERR_SYNTAX;
	if (text_len / 4 * 3 + (text_len % 4 ? text_len % 4 - 1 : 0) > dst_size)
		return ERR_TOOBIG;
	for (size_t i = 0; i < text_len; i++) {
		unsigned int v = b64_value((unsigned char)text[i], url);

		bad |= v & ~63U;
		acc = acc << 6 | (v & 63);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			p[n++] = (uint8_t)(acc >> bits);
		}
	}
	bad |= acc & ((1U << bits) - 1); /* stray bits at the end */
	if (bad)
		return ERR_SYNTAX;
	*ret_len = n;
	return ERR_OK;
}

/* Length of the sequence at s, or 0: overlong, surrogate, > U+10FFFF, cut. */
static size_t utf8_step(const uint8_t *s, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t cp;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n > left)
		return 0;
	cp = s[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s[i] & 0x3f);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	return n;
}

bool text_utf8_valid(const void *data, size_t len)
{
	const uint8_t *s = data;

	for (size_t i = 0; i < len;) {
		size_t n = utf8_step(s + i, len - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

bool text_copy(char *dst, size_t dst_size, const char *src)
{
	size_t len = strnlen(src, dst_size);

	BUG_ON(dst_size == 0);
	if (len < dst_size) {
		memcpy(dst, src, len + 1);
		return true;
	}
	memcpy(dst, src, dst_size - 1);
	dst[dst_size - 1] = '\0';
	return false;
}

enum err text_u64(const char *text, uint64_t *ret)
{
	char *end;
	unsigned long long v;

	if (*text < '0' || *text > '9')
		return ERR_SYNTAX;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end)
		return ERR_SYNTAX;
	*ret = v;
	return ERR_OK;
}

enum err text_i64(const char *text, int64_t *ret)
{
	const char *digits = *text == '-' ? text + 1 : text;
	char *end;
	long long v;

	if (*digits < '0' || *digits > '9')
		return ERR_SYNTAX;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno || *end)
		return ERR_SYNTAX;
	*ret = v;
	return ERR_OK;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static enum err with_unit(const char *text, const struct unit *units,
			  size_t nunits, uint64_t max, uint64_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	char number[24];
	uint64_t v;
	enum err rc;

	if (digits == 0 || digits >= sizeof(number))
		return ERR_SYNTAX;
	memcpy(number, text, digits);
	number[digits] = '\0';
	rc = text_u64(number, &v);
	if (rc)
		return rc;
	for (size_t i = 0; i < nunits; i++) {
		if (strcmp(text + digits, units[i].name) != 0)
			continue;
		if (v > max / units[i].factor)
			return ERR_TOOBIG;
		*ret = v * units[i].factor;
		return ERR_OK;
	}
	return ERR_SYNTAX;
}

enum err text_duration_us(const char *text, int64_t *ret_us)
{
	static const struct unit units[] = {
		{ "", 1000000 },   { "ms", 1000 },	{ "s", 1000000 },
		{ "m", 60000000 }, { "h", 3600000000 }, { "d", 86400000000 },
	};
	uint64_t v;
	enum err rc;

	rc = with_unit(text, units, ARRAY_LEN(units), INT64_MAX, &v);
	if (rc)
		return rc;
	*ret_us = (int64_t)v;
	return ERR_OK;
}

enum err text_size(const char *text, uint64_t *ret)
{
	static const struct unit units[] = {
		{ "", 1 },	  { "k", 1 << 10 }, { "K", 1 << 10 },
		{ "m", 1 << 20 }, { "M", 1 << 20 }, { "g", 1 << 30 },
		{ "G", 1 << 30 },
	};

	return with_unit(text, units, ARRAY_LEN(units), UINT64_MAX, ret);
}

static bool in_account_id(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-';
}

enum err text_account_id(const char *text, char *dst, size_t size)
{
	bool number = !text[strspn(text, "0123456789+ -()[]")];
	size_t n = 0;

	for (const char *p = text; *p; p++) {
		if (number && strchr("+ -()[]", *p))
			continue;
		if (!in_account_id((unsigned char)*p) &&
		    !(p == text && *p == '@'))
			return ERR_INVALID;
		if (n + 1 >= size)
			return ERR_TOOBIG;
		dst[n++] = *p;
	}
	dst[n] = '\0';
	if (n == 0 || strchr(".-", dst[0]) || strcmp(dst, "@") == 0)
		return ERR_INVALID;
	return ERR_OK;
}

void text_mask_phone(const char *phone, char *dst, size_t size)
{
	size_t n = strlen(phone), keep = n > 6 ? 5 : 0;

	if (n + 1 > size)
		n = size - 1;
	for (size_t i = 0; i < n; i++)
		dst[i] = i < keep ? phone[i] : '*';
	dst[n] = '\0';
}
