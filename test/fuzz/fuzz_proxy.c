/* SPDX-License-Identifier: MIT */
/*
 * A proxy that answers anything, in pieces as the network cuts them: what is used
 * was there, success only after a whole answer, and nothing said after the end.
 */
#include <stdlib.h>
#include <string.h>

#include "net/link_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* As link.c does: what is not used is shown again with what follows. */
static enum err run(const struct link_filter_ops *ops, bool with_user,
		    const uint8_t *data, size_t len, size_t step,
		    bool *ret_done, size_t *ret_left)
{
	struct link_filter f = { .ops = ops, .to = { "dc.example", 443 } };
	struct buf early, out;
	enum err rc;

	if (with_user) {
		memset(f.user, 'u', LINK_CREDENTIAL_MAX);
		memset(f.password, 'p', LINK_CREDENTIAL_MAX);
	}
	buf_init(&early, 1U << 20);
	buf_init(&out, 1U << 20);
	*ret_done = false;
	rc = ops->begin(&f, &out, NULL);
	for (size_t at = 0; at < len && !rc && !*ret_done; at += step) {
		size_t n = len - at < step ? len - at : step, used = 0;
		uint8_t *exact;

		if (buf_append(&early, data + at, n))
			abort();
		exact = malloc(buf_len(&early));
		if (!exact)
			abort();
		memcpy(exact, buf_head(&early), buf_len(&early));
		rc = ops->feed(&f, exact, buf_len(&early), &used, ret_done,
			       &out, NULL);
		free(exact);
		if (used > buf_len(&early) || (*ret_done && !used && !rc))
			abort();
		if (!rc)
			buf_consume(&early, used);
		if (*ret_done)
			*ret_left = buf_len(&early) + len - at - n;
	}
	if (rc)
		*ret_done = false;
	buf_deinit(&early);
	buf_deinit(&out);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct link_filter_ops *ops;
	bool slow_done, done;
	size_t slow_left = 0, left = 0;

	if (len < 2 || len > 65536)
		return 0;
	ops = data[0] & 1 ? &link_proxy_socks5 : &link_proxy_connect;
	(void)run(ops, data[0] & 2, data + 2, len - 2, 1, &slow_done,
		  &slow_left);
	(void)run(ops, data[0] & 2, data + 2, len - 2, 1U + data[1], &done,
		  &left);
	/* SOCKS may be refused for saying two things at once; what passes in
	 * larger pieces passes in small ones and leaves the same to the peer */
	if (done && (!slow_done || left != slow_left))
		abort();
	return 0;
}
