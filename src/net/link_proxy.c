/* SPDX-License-Identifier: MIT */
/*
 * Speaking to proxies: SOCKS5 (RFC 1928, RFC 1929) and HTTP CONNECT (RFC 9110
 * section 9.3.6).  Names are sent to the proxy, not resolved here.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "net/link_int.h"

enum {
	SOCKS_METHOD,
	SOCKS_AUTH,
	SOCKS_REPLY,
};

static enum err socks_begin(struct link_filter *f, struct buf *out,
			    struct err_info *ei)
{
	static const uint8_t plain[] = { 5, 1, 0 };
	static const uint8_t with_auth[] = { 5, 2, 0, 2 };

	f->step = SOCKS_METHOD;
	if (f->user[0])
		return buf_append(out, with_auth, sizeof(with_auth));
	return buf_append(out, plain, sizeof(plain));
}

static enum err socks_credentials(const struct link_filter *f, struct buf *out)
{
	size_t ulen = strlen(f->user), plen = strlen(f->password);
	enum err rc;

	rc = buf_append_byte(out, 1);
	if (!rc)
		rc = buf_append_byte(out, (uint8_t)ulen);
	if (!rc)
		rc = buf_append(out, f->user, ulen);
	if (!rc)
		rc = buf_append_byte(out, (uint8_t)plen);
	if (!rc)
		rc = buf_append(out, f->password, plen);
	return rc;
}

static enum err socks_connect(const struct link_filter *f, struct buf *out)
{
	uint8_t req[4 + 1 + ADDR_HOST_MAX + 2] = { 5, 1, 0 };
	size_t n = strlen(f->to.host), len;
	struct addr a;

	if (addr_from_ip(f->to.host, f->to.port, &a)) {
		req[3] = 3;
		req[4] = (uint8_t)n;
		memcpy(req + 5, f->to.host, n);
		len = 5 + n;
	} else {
		n = a.family == ADDR_V6 ? 16 : 4;
		req[3] = a.family == ADDR_V6 ? 4 : 1;
		memcpy(req + 4, a.ip, n);
		len = 4 + n;
	}
	req[len] = (uint8_t)(f->to.port >> 8);
	req[len + 1] = (uint8_t)f->to.port;
	return buf_append(out, req, len + 2);
}

static const char *socks_text(uint8_t code)
{
	static const char *const text[] = {
		"succeeded",
		"general failure",
		"not allowed",
		"network unreachable",
		"host unreachable",
		"connection refused",
		"time to live ended",
		"command not supported",
		"address type not supported",
	};

	return code < ARRAY_LEN(text) ? text[code] : "unknown answer";
}

static enum err socks_method(struct link_filter *f, const uint8_t *data,
			     struct buf *out, struct err_info *ei)
{
	if (data[0] != 5)
		return err_set(ei, ERR_PROTO, "version %u answered", data[0]);
	if (data[1] == 2 && f->user[0]) {
		f->step = SOCKS_AUTH;
		return socks_credentials(f, out);
	}
	if (data[1] != 0)
		return err_set(ei, ERR_FORBIDDEN,
			       "no way to sign in accepted (answer %u)",
			       data[1]);
	f->step = SOCKS_REPLY;
	return socks_connect(f, out);
}

/* Length of the reply at data, or 0: not known or complete yet. */
static size_t socks_reply_len(const uint8_t *data, size_t len)
{
	size_t need = 0;

	if (len < 5)
		return 0;
	if (data[3] == 1)
		need = 10;
	else if (data[3] == 4)
		need = 22;
	else
		need = 7U + data[4];
	return len < need ? 0 : need;
}

static enum err socks_reply(const uint8_t *data, size_t len, size_t *ret_used,
			    bool *ret_done, struct err_info *ei)
{
	if (len >= 1 && data[0] != 5)
		return err_set(ei, ERR_PROTO, "version %u answered", data[0]);
	if (len >= 2 && data[1])
		return err_set(ei, ERR_REFUSED, "%s", socks_text(data[1]));
	if (len >= 4 && data[3] != 1 && data[3] != 3 && data[3] != 4)
		return err_set(ei, ERR_PROTO, "address type %u", data[3]);
	*ret_used = socks_reply_len(data, len);
	*ret_done = *ret_used != 0;
	return ERR_OK;
}

static enum err socks_feed(struct link_filter *f, const uint8_t *data,
			   size_t len, size_t *ret_used, bool *ret_done,
			   struct buf *out, struct err_info *ei)
{
	*ret_used = 0;
	*ret_done = false;
	if (f->step == SOCKS_REPLY)
		return socks_reply(data, len, ret_used, ret_done, ei);
	if (len < 2)
		return ERR_OK;
	*ret_used = 2;
	if (len > 2) /* a proxy never speaks twice without an answer */
		return err_set(ei, ERR_PROTO, "%zu bytes too many", len - 2);
	if (f->step == SOCKS_METHOD)
		return socks_method(f, data, out, ei);
	if (data[1])
		return err_set(ei, ERR_UNAUTHORIZED, "user or password wrong");
	f->step = SOCKS_REPLY;
	return socks_connect(f, out);
}

const struct link_filter_ops link_proxy_socks5 = {
	.name = "socks5 proxy",
	.begin = socks_begin,
	.feed = socks_feed,
};

static enum err connect_auth(const struct link_filter *f, struct buf *out)
{
	char plain[2 * LINK_CREDENTIAL_MAX + 2];
	char coded[TEXT_B64_LEN(sizeof(plain)) + 1];
	enum err rc;
	int n;

	n = snprintf(plain, sizeof(plain), "%s:%s", f->user, f->password);
	text_b64(coded, plain, (size_t)n, TEXT_B64_STD);
	rc = buf_printf(out, "Proxy-Authorization: Basic %s\r\n", coded);
	explicit_bzero(plain, sizeof(plain));
	explicit_bzero(coded, sizeof(coded));
	return rc;
}

static enum err connect_begin(struct link_filter *f, struct buf *out,
			      struct err_info *ei)
{
	bool v6 = strchr(f->to.host, ':');
	char target[ADDR_HOST_MAX + 16];
	enum err rc;

	snprintf(target, sizeof(target), v6 ? "[%s]:%u" : "%s:%u", f->to.host,
		 f->to.port);
	rc = buf_printf(out, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", target,
			target);
	if (!rc && f->user[0])
		rc = connect_auth(f, out);
	if (!rc)
		rc = buf_append_str(out, "\r\n");
	return rc;
}

static enum err connect_feed(struct link_filter *f, const uint8_t *data,
			     size_t len, size_t *ret_used, bool *ret_done,
			     struct buf *out, struct err_info *ei)
{
	const uint8_t *end = memmem(data, len, "\r\n\r\n", 4);

	*ret_used = 0;
	*ret_done = false;
	if (!end && len > 8192)
		return err_set(ei, ERR_TOOBIG, "more than 8 KiB of headers");
	if (!end)
		return ERR_OK;
	if (len < 12 || memcmp(data, "HTTP/1.", 7) != 0 || data[8] != ' ')
		return err_set(ei, ERR_PROTO, "not an HTTP answer");
	if (data[9] != '2')
		return err_set(ei, ERR_REFUSED, "answered %.3s",
			       (const char *)data + 9);
	*ret_used = (size_t)(end - data) + 4;
	*ret_done = true;
	return ERR_OK;
}

const struct link_filter_ops link_proxy_connect = {
	.name = "http proxy",
	.begin = connect_begin,
	.feed = connect_feed,
};
