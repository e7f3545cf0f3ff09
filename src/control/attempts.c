/* SPDX-License-Identifier: MIT */
#include "control/attempts.h"

#include <stdlib.h>
#include <string.h>

#include "control/control_int.h"

#define LIMIT_WINDOW_US (60 * US_PER_SEC)
#define USER_FAILURES_MAX 10
#define USER_LOCK_US (60 * US_PER_SEC)

struct login_limit {
	struct mono since;
	int64_t failures;
};

enum err attempts_check_address(struct control *c, const char *remote,
				struct err_info *ei)
{
	struct login_limit *l = strmap_get(&c->limits, remote);
	int64_t age_us;

	if (!l)
		return ERR_OK;
	age_us = mono_diff(control_mono(c), l->since);
	if (age_us >= LIMIT_WINDOW_US) {
		free(strmap_remove(&c->limits, remote));
		return ERR_OK;
	}
	if (l->failures < c->cfg->login_attempts)
		return ERR_OK;
	if (ei)
		ei->arg = (LIMIT_WINDOW_US - age_us) / US_PER_SEC + 1;
	return err_set(ei, ERR_FLOOD,
		       "too many failed sign-ins from this address");
}

enum err attempts_check_user(struct control *c, const struct store_user *u,
			     struct err_info *ei)
{
	const int64_t left_us = u->locked_until.us - control_wall(c).us;

	if (left_us <= 0)
		return ERR_OK;
	if (ei)
		ei->arg = left_us / US_PER_SEC + 1;
	return err_set(ei, ERR_FLOOD, "too many failed sign-ins of this user");
}

enum err attempts_count(struct control *c, const char *remote)
{
	struct login_limit *l = strmap_get(&c->limits, remote);

	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return ERR_NOMEM;
		l->since = control_mono(c);
		if (strmap_set(&c->limits, remote, l)) {
			free(l);
			return ERR_UNAVAILABLE;
		}
	}
	l->failures++;
	return ERR_OK;
}

static void uncount(struct control *c, void *arg, bool committed)
{
	struct login_limit *l = strmap_get(&c->limits, arg);

	if (committed && l && l->failures > 0)
		l->failures--;
}

enum err attempts_good(struct control *c, const char *remote,
		       struct err_info *ei)
{
	return change_after(c, uncount, remote, strlen(remote) + 1, ei);
}

void attempts_failed(struct control *c, int64_t user_id, const char *remote)
{
	struct wall until = control_wall(c);
	struct err_info ei = { 0 };

	until.us += USER_LOCK_US;
	if (user_id &&
	    c->store->ops->user_login_failed(c->store, user_id,
					     USER_FAILURES_MAX, until, &ei))
		log_error(LOGEV_AUTH, log_str("msg", ei.msg));
	log_warn(LOGEV_AUTH, log_str("why", "sign-in refused"),
		 log_str("remote", remote));
}
