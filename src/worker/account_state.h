/* SPDX-License-Identifier: MIT */
/* The account state machine: see account_state.def for the table itself. */
#ifndef WORKER_ACCOUNT_STATE_H
#define WORKER_ACCOUNT_STATE_H

#include "base/sm.h"
#include "wire/wire_status.h"

enum account_state {
#define ACCOUNT_STATE(name, to, flags, status, help) ACCOUNT_##name,
#include "worker/account_state.def"
#undef ACCOUNT_STATE
};

extern const struct sm_class account_sm_class;

/* The operator's sentence for a state: shown by the console, CLI and docs. */
const char *account_state_help(enum account_state state);
/* What the API shows for it. */
enum wire_status account_state_status(enum account_state state);
/* No connection, and none is made until somebody does something. */
bool account_state_is_end(enum account_state state);
/* May there be a connection? */
bool account_state_has_link(enum account_state state);

#endif /* WORKER_ACCOUNT_STATE_H */
