/* SPDX-License-Identifier: MIT */
/*
 * Inside the account.
 *
 *	account.c         life: states, faults, start and stop
 *	account_dial.c    the connection: dial, bytes, events of the engine
 */
#ifndef WORKER_ACCOUNT_INT_H
#define WORKER_ACCOUNT_INT_H

#include "worker/account.h"
#include "worker/journal.h"

/* account.c: the link is gone, whatever the reason. */
void account_gone_link(struct account *a);
/* account_dial.c */
void account_engine_init(struct account *a);

#endif /* WORKER_ACCOUNT_INT_H */
