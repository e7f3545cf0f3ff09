/* SPDX-License-Identifier: MIT */
#include "http/urlcode.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum err urlcode_decode(char *dst, size_t *ret_len, const char *src, size_t len,
			bool form)
{
	size_t i, n = 0;
	int hi, lo;

	for (i = 0; i < len; i++) {
		if (src[i] == '%') {
			if (len - i < 3)
				return ERR_SYNTAX;
			hi = hex(src[i + 1]);
			lo = hex(src[i + 2]);
			if (hi < 0 || lo < 0)
				return ERR_SYNTAX;
			dst[n] = (char)(uint8_t)(hi << 4 | lo);
			i += 2;
		} else {
			dst[n] = form && src[i] == '+' ? ' ' : src[i];
		}
		if (!dst[n++])
			return ERR_SYNTAX;
	}
	dst[n] = 0;
	if (!text_utf8_valid(dst, n))
		return ERR_SYNTAX;
	*ret_len = n;
	return ERR_OK;
}

static bool unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

enum err urlcode_encode(struct buf *out, const char *src, size_t len)
{
	enum err rc = ERR_OK;
	size_t i;

	for (i = 0; i < len && !rc; i++)
		rc = unreserved(src[i])
			     ? buf_append(out, src + i, 1)
			     : buf_printf(out, "%%%02X", (uint8_t)src[i]);
	return rc;
}

bool urlcode_next(const char *text, size_t len, size_t *pos,
		  struct urlcode_pair *ret)
{
	const char *p, *end, *eq;
	size_t n;

	while (*pos < len && text[*pos] == '&')
		++*pos;
	if (*pos >= len)
		return false;
	p = text + *pos;
	end = memchr(p, '&', len - *pos);
	n = end ? (size_t)(end - p) : len - *pos;
	eq = memchr(p, '=', n);
	ret->name = p;
	ret->name_len = eq ? (size_t)(eq - p) : n;
	ret->value = eq ? eq + 1 : p + n;
	ret->value_len = eq ? n - ret->name_len - 1 : 0;
	*pos += n;
	return true;
}

enum err urlcode_basic(const char *header, char *buf, size_t buf_size,
		       const char **ret_user, const char **ret_password)
{
	size_t n;
	char *colon;
	enum err rc;

	if (strncasecmp(header, "Basic ", 6) != 0 || !buf_size)
		return ERR_SYNTAX;
	header += 6;
	while (*header == ' ')
		header++;
	rc = text_unb64(buf, buf_size - 1, &n, header, strlen(header),
			TEXT_B64_STD);
	if (rc)
		return ERR_SYNTAX;
	buf[n] = 0;
	colon = memchr(buf, ':', n);
	if (!colon || strlen(buf) != n)
		return ERR_SYNTAX;
	*colon = 0;
	*ret_user = buf;
	*ret_password = colon + 1;
	return ERR_OK;
}

const char *urlcode_bearer(const char *header)
{
	if (strncasecmp(header, "Bearer ", 7) != 0)
		return NULL;
	header += 7;
	while (*header == ' ')
		header++;
	return *header ? header : NULL;
}
