/* SPDX-License-Identifier: MIT */
#include "tg/rpcerr.h"

#include <string.h>

#include "tg/rpcerr_int.h"

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
static const struct rpcerr_row forbidden_row = {
	"403",		 RPCERR_SCOPE_METHOD,
	ERR_RETRY_NEVER, RPCERR_STATE_KEEP,
	ERR_FORBIDDEN,	 "Telegram does not allow this; see its error name"
};
static const struct rpcerr_row flood_row = {
	"420",
	RPCERR_SCOPE_ACCOUNT,
	ERR_RETRY_NEVER,
	RPCERR_STATE_LIMITED,
	ERR_FLOOD,
	"Telegram limits the account and does not say for how long; stop, and "
	"see "
	"its error name"
};
static const struct rpcerr_row flood_wait_row = {
	"420 with a number",
	RPCERR_SCOPE_ACCOUNT,
	ERR_RETRY_AFTER,
	RPCERR_STATE_LIMITED,
	ERR_FLOOD,
	"Telegram asked this account to slow down; it waits the time out by "
	"itself"
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

/* The last number in a name: what 2FA_NEW_WAIT_30 is about is no 2. */
static bool last_number(const char *s, size_t len, int64_t *ret)
{
	size_t end = len, at;

	while (end && (s[end - 1] < '0' || s[end - 1] > '9'))
		end--;
	for (at = end; at && s[at - 1] >= '0' && s[at - 1] <= '9';)
		at--;
	return match_number(s, end, &at, ret);
}

static const struct rpcerr_row *row_for_code(int32_t code, const char *name,
					     size_t len, int64_t *arg)
{
	/* -503 is what a gateway in front of the server says for a time-out */
	if ((code >= 500 && code < 600) || code == -503)
		return &server_row;
	switch (code) {
	case 401:
		return &unauthorized_row;
	case 403:
		return &forbidden_row;
	case 420:
		return last_number(name, len, arg) ? &flood_wait_row
						   : &flood_row;
	default:
		return &unknown_row;
	}
}

/* Like strcmp() of s[0, len) and name. */
static int compare(const char *s, size_t len, const char *name)
{
	size_t n = strlen(name);
	int d = len ? memcmp(s, name, len < n ? len : n) : 0;

	if (d)
		return d;
	return len < n ? -1 : len > n;
}

static const struct rpcerr_known *find_exact(const char *s, size_t len)
{
	size_t low = 0, high = rpcerr_known_n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int d = compare(s, len, rpcerr_known[mid].name);

		if (!d)
			return &rpcerr_known[mid];
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

static const struct rpcerr_known *find_known(const char *s, size_t len)
{
	const struct rpcerr_known *k = find_exact(s, len);
	int64_t arg;

	/* a peer that says "%d" itself has said no number */
	if (k)
		return strchr(k->name, '%') ? NULL : k;
	for (k = rpcerr_known; k < rpcerr_known + rpcerr_known_n; k++)
		if (strchr(k->name, '%') && match(k->name, s, len, &arg))
			return k;
	return NULL;
}

static bool in_minutes(const char *pattern)
{
	return strstr(pattern, "%dMIN");
}

static void copy_printable(char *dst, const char *s, size_t len)
{
	size_t n = len < RPCERR_NAME_MAX - 1 ? len : RPCERR_NAME_MAX - 1;

	for (size_t i = 0; i < n; i++)
		dst[i] = s[i] >= ' ' && s[i] < 0x7f ? s[i] : '?';
	dst[n] = 0;
}

static const struct rpcerr_row *find_row(const char *name, size_t len,
					 int64_t *arg)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!match(rows[i].pattern, name, len, arg))
			continue;
		if (in_minutes(rows[i].pattern))
			*arg = *arg < RPCERR_ARG_MAX / 60 ? *arg * 60
							  : RPCERR_ARG_MAX;
		return &rows[i];
	}
	return NULL;
}

void rpcerr_classify(struct rpcerr *e, int32_t code, const void *name,
		     size_t len)
{
	*e = (struct rpcerr){ .code = code, .known = find_known(name, len) };
	copy_printable(e->name, name, len);
	e->row = find_row(name, len, &e->arg);
	if (!e->row)
		e->row = row_for_code(code, name, len, &e->arg);
}

const char *rpcerr_advice(const struct rpcerr *e)
{
	bool ours = e->row >= rows && e->row < rows + ARRAY_LEN(rows);

	/* what becomes of the account is more than the words of the error */
	if (ours || !e->known || !e->known->description[0] ||
	    e->row->state != RPCERR_STATE_KEEP)
		return e->row->advice;
	return e->known->description;
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
			      rpcerr_advice(e));

	if (ei)
		ei->arg = e->arg;
	return rc;
}

const struct rpcerr_row *rpcerr_rows(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(rows);
	return rows;
}

const struct rpcerr_known *rpcerr_list(size_t *ret_n)
{
	*ret_n = rpcerr_known_n;
	return rpcerr_known;
}

const struct rpcerr_known *rpcerr_list_find(const char *name)
{
	return find_exact(name, strlen(name));
}
