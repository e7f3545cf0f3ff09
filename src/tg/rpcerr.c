/* SPDX-License-Identifier: MIT */
#include "tg/rpcerr.h"

#include <string.h>

#define RPCERR_ARG_MAX INT64_C(31536000) /* a year of seconds */

static const struct rpcerr_row rows[] = {
#define RPCERR(pattern, scope, retry, state, err, advice)                      \
	{ pattern,	     RPCERR_SCOPE_##scope,                             \
	  ERR_RETRY_##retry, RPCERR_STATE_##state,                             \
	  ERR_##err,	     advice },
#include "tg/rpcerr.def"
#undef RPCERR
};

/* For names the table does not have: by the number's family only. */
static const struct rpcerr_row unknown_row = {
	"*",
	RPCERR_SCOPE_METHOD,
	ERR_RETRY_NEVER,
	RPCERR_STATE_KEEP,
	ERR_RPC,
	"Telegram refused the request; see its error name"
};
static const struct rpcerr_row server_row = {
	"5xx",		 RPCERR_SCOPE_METHOD,
	ERR_RETRY_SOON,	 RPCERR_STATE_KEEP,
	ERR_UNAVAILABLE, "Telegram has internal trouble; it is tried again"
};
static const struct rpcerr_row unauthorized_row = {
	"401",
	RPCERR_SCOPE_ACCOUNT,
	ERR_RETRY_NEVER,
	RPCERR_STATE_REVOKED,
	ERR_AUTH_GONE,
	"Telegram no longer accepts this session; sign in again"
};

static bool match_number(const char *s, size_t len, size_t *pos, int64_t *ret)
{
	size_t at = *pos;
	int64_t v = 0;

	while (at < len && s[at] >= '0' && s[at] <= '9') {
		if (v < RPCERR_ARG_MAX)
			v = v * 10 + (s[at] - '0');
		at++;
	}
	if (at == *pos)
		return false;
	*ret = v < RPCERR_ARG_MAX ? v : RPCERR_ARG_MAX;
	*pos = at;
	return true;
}

static bool match(const char *pattern, const char *s, size_t len, int64_t *arg)
{
	size_t at = 0;
	int64_t value = 0;

	for (const char *p = pattern; *p; p++) {
		if (p[0] == '%' && p[1] == 'd') {
			if (!match_number(s, len, &at, &value))
				return false;
			p++;
		} else if (at >= len || s[at++] != *p) {
			return false;
		}
	}
	if (at != len)
		return false;
	*arg = value;
	return true;
}

static const struct rpcerr_row *row_for_code(int32_t code)
{
	/* -503 is what a gateway in front of the server says for a time-out */
	if ((code >= 500 && code < 600) || code == -503)
		return &server_row;
	if (code == 401)
		return &unauthorized_row;
	return &unknown_row;
}

static void copy_printable(char *dst, const char *s, size_t len)
{
	size_t n = len < RPCERR_NAME_MAX - 1 ? len : RPCERR_NAME_MAX - 1;

	for (size_t i = 0; i < n; i++)
		dst[i] = s[i] > ' ' && s[i] < 0x7f ? s[i] : '?';
	dst[n] = 0;
}

void rpcerr_classify(struct rpcerr *e, int32_t code, const void *name,
		     size_t len)
{
	*e = (struct rpcerr){ .row = row_for_code(code), .code = code };
	copy_printable(e->name, name, len);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (match(rows[i].pattern, name, len, &e->arg)) {
			e->row = &rows[i];
			return;
		}
	}
}

bool rpcerr_is_final(const struct rpcerr *e)
{
	switch (e->row->state) {
	case RPCERR_STATE_REVOKED:
	case RPCERR_STATE_BANNED:
	case RPCERR_STATE_FROZEN:
	case RPCERR_STATE_DUPLICATED:
		return true;
	case RPCERR_STATE_KEEP:
	case RPCERR_STATE_LIMITED:
		return false;
	}
	return false;
}

enum err rpcerr_to_err(const struct rpcerr *e, struct err_info *ei)
{
	enum err rc = err_set(ei, e->row->err, "%s (%d): %s", e->name, e->code,
			      e->row->advice);

	if (ei)
		ei->arg = e->arg;
	return rc;
}

const struct rpcerr_row *rpcerr_rows(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(rows);
	return rows;
}
