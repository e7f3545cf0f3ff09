/* SPDX-License-Identifier: MIT */
/*
 * Inside the account.
 *
 *	account.c         life: states, faults, start and stop
 *	account_limits.c  waits Telegram asked for: kept, counted, over
 *	account_place.c   where it is in its updates, from node to node
 *	account_peers.c   whom it knows: brought, kept, given back
 *	account_keys.c    arithmetic of temporary keys, on other threads
 *	account_dial.c    the connection: dial, bytes, events of the engine
 */
#ifndef WORKER_ACCOUNT_INT_H
#define WORKER_ACCOUNT_INT_H

#include "worker/account.h"
#include "worker/journal.h"

/* account.c: the link is gone, whatever the reason. */
void account_gone_link(struct account *a);
/* account_limits.c */
void account_limits_restore(struct account *a);
/* It spoke to Telegram: the engine knows the time. */
void account_limits_learn_time(struct account *a);
/* After the engine ran. */
void account_limits_note(struct account *a);
void account_limits_expire(struct account *a);
/* When the next wait is over. */
struct mono account_limits_due(const struct account *a);
/* How long the call made first on every connection is forbidden; 0: it is not. */
int64_t account_limits_dial_wait_us(const struct account *a);
void account_limits_keep(struct account *a);
/* account_place.c */
void account_place_restore(struct account *a);
/* The engine took updates; channels have places of their own. */
void account_place_moved(struct account *a, struct updates_pos pos);
void account_place_heard(struct account *a, int64_t chat_id);
/* Before the engine gets another key, which empties it. */
void account_place_keep(struct account *a);
/* Into an engine that has its key. */
void account_place_apply(struct account *a);
/* account_peers.c: with a session come those it knew. */
void account_peers_take(struct account *a, const struct wire_session *s);
/* Writes what is new, once a minute; `now`: at once. */
void account_peers_keep(struct account *a, bool now);
void account_peers_forget(struct account *a);
/* account_dial.c */
void account_engine_init(struct account *a);
/* The work of account_keys_work() is done; takes it. */
void account_key_worked(struct account *a, struct handshake_client *work);
/* account_keys.c: whatever the engine has to compute. */
enum err account_keys_work(struct account *a, struct err_info *ei);

#endif /* WORKER_ACCOUNT_INT_H */
