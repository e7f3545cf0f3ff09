/* SPDX-License-Identifier: MIT */
#include "worker/account_state.h"

#include "base/bug.h"

static const struct sm_state states[] = {
#define ACCOUNT_STATE(name, to, flags, status, help)                           \
	[ACCOUNT_##name] = { #name, to, flags },
#include "worker/account_state.def"
#undef ACCOUNT_STATE
};

static const char *const help_text[] = {
#define ACCOUNT_STATE(name, to, flags, status, help) [ACCOUNT_##name] = (help),
#include "worker/account_state.def"
#undef ACCOUNT_STATE
};

static const enum wire_status status_of[] = {
#define ACCOUNT_STATE(name, to, flags, status, help)                           \
	[ACCOUNT_##name] = WIRE_##status,
#include "worker/account_state.def"
#undef ACCOUNT_STATE
};

const struct sm_class account_sm_class = {
	.name = "account",
	.states = states,
	.nstates = ARRAY_LEN(states),
};

const char *account_state_help(enum account_state state)
{
	BUG_ON((size_t)state >= ARRAY_LEN(help_text));
	return help_text[state];
}

enum wire_status account_state_status(enum account_state state)
{
	BUG_ON((size_t)state >= ARRAY_LEN(status_of));
	return status_of[state];
}

bool account_state_is_end(enum account_state state)
{
	return state == ACCOUNT_REVOKED || state == ACCOUNT_BANNED ||
	       state == ACCOUNT_FROZEN || state == ACCOUNT_DUPLICATED ||
	       state == ACCOUNT_REFUSED;
}

bool account_state_has_link(enum account_state state)
{
	return state == ACCOUNT_DIALING || state == ACCOUNT_SYNCING ||
	       state == ACCOUNT_ONLINE || state == ACCOUNT_CLOSING;
}
