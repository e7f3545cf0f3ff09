/* SPDX-License-Identifier: MIT */
#include "mtproto/proxy_secret.h"

#include <string.h>

#include "base/secret.h"
#include "base/text.h"

#define BYTES_MAX (1 + PROXY_SECRET_KEY_LEN + PROXY_SECRET_DOMAIN_MAX)
#define TEXT_MAX (2 * (1 + 16 + 182))
#define TAG_PADDED 0xdd
#define TAG_TLS 0xee

_Static_assert(TEXT_MAX == 2 * BYTES_MAX, "hex is the longest form");

static bool domain_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

static bool take_domain(struct proxy_secret *s, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!domain_char((char)data[i]))
			return false;
		s->domain[i] = (char)data[i];
	}
	return len > 0 && s->domain[0] != '.' && s->domain[0] != '-';
}

static bool take(struct proxy_secret *s, const uint8_t *b, size_t len)
{
	*s = (struct proxy_secret){ .kind = PROXY_SECRET_PLAIN };
	if (len == PROXY_SECRET_KEY_LEN) {
		memcpy(s->key, b, len);
		return true;
	}
	if (len <= PROXY_SECRET_KEY_LEN || len > BYTES_MAX)
		return false;
	memcpy(s->key, b + 1, PROXY_SECRET_KEY_LEN);
	if (b[0] == TAG_PADDED && len == 1 + PROXY_SECRET_KEY_LEN) {
		s->kind = PROXY_SECRET_PADDED;
		return true;
	}
	s->kind = PROXY_SECRET_TLS;
	return b[0] == TAG_TLS && take_domain(s, b + 1 + PROXY_SECRET_KEY_LEN,
					      len - 1 - PROXY_SECRET_KEY_LEN);
}

static bool from_hex(struct proxy_secret *s, const char *text, size_t len)
{
	uint8_t b[BYTES_MAX];
	bool ok;

	if (len % 2 || len > 2 * BYTES_MAX || text_unhex(b, len / 2, text, len))
		return false;
	ok = take(s, b, len / 2);
	secret_wipe(b, sizeof(b));
	return ok;
}

/* Both alphabets are met, padded or not. */
static bool from_base64(struct proxy_secret *s, const char *text, size_t len)
{
	uint8_t b[BYTES_MAX];
	char url[TEXT_MAX];
	size_t n = 0;
	bool ok;

	for (int i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++)
		len--;
	for (size_t i = 0; i < len; i++)
		url[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
	ok = !text_unb64(b, sizeof(b), &n, url, len, TEXT_B64_URL) &&
	     take(s, b, n);
	secret_wipe(b, sizeof(b));
	secret_wipe(url, sizeof(url));
	return ok;
}

enum err proxy_secret_parse(const char *text, size_t len,
			    struct proxy_secret *ret, struct err_info *ei)
{
	struct proxy_secret s;
	enum err rc = ERR_OK;

	/* Every secret in hex has more digits than its base64 could: try it
	 * first, 32 digits are also well-formed base64. */
	if (len > TEXT_MAX ||
	    (!from_hex(&s, text, len) && !from_base64(&s, text, len)))
		rc = err_set(ei, ERR_INVALID,
			     "not the secret of an MTProxy: want 32 hex "
			     "digits, dd and 32, or ee, 32 and the domain "
			     "(or the same in base64)");
	else
		*ret = s;
	secret_wipe(&s, sizeof(s));
	return rc;
}

void proxy_secret_wipe(struct proxy_secret *s)
{
	secret_wipe(s, sizeof(*s));
}
