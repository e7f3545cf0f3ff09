/* SPDX-License-Identifier: MIT */
/*
 * The nodes as this process sees them: who beats, who is late, who waits for
 * news on a long poll.
 *
 * A node is offline when it was silent for three intervals; its accounts are
 * marked then, page by page, and once its leases are over by the clock the wanted
 * ones are placed elsewhere (setting `failover`).  All of it hangs on one timer a
 * node, armed for the next thing that is due.
 *
 *   owner     control; found by id
 *   memory    one small struct a node
 */
#ifndef CONTROL_NODES_H
#define CONTROL_NODES_H

#include "control/control_int.h"
#include "control/waitq.h"
#include "wire/wire_beat.h"

struct nodes_row;

/* At start: what the database knows. */
enum err nodes_load(struct control *c, struct err_info *ei);
void nodes_free(struct control *c);

bool nodes_online(const struct control *c, const char *node_id);
/* The answer to a beat will have all the news there is; what comes while it is
 * made is news again. */
void nodes_take_news(struct control *c, const char *node_id);
/* A beat was applied and committed. */
void nodes_beat(struct control *c, const struct store_heartbeat *hb);
/*
 * What it said since may be more than we have: its accounts were shown offline
 * meanwhile, or we just started.  The changes alone would not tell.
 */
bool nodes_full_wanted(const struct control *c,
		       const struct store_heartbeat *hb);
/*
 * "12-…": the node's twelfth start.  What was under way for long comes from one
 * before, and there may have been several since.
 */
int64_t nodes_boots(const char *boot_id);
/* "draining" and nothing held: it says goodbye, and is offline without a wait. */
bool nodes_leaving(const struct wire_beat *beat);
/* After the change under way. */
enum err nodes_forget(struct control *c, const char *node_id,
		      struct err_info *ei);
/* Another replica says that there is news. */
void nodes_called(struct control *c, const char *node_id);
/* All long polls are answered. */
void nodes_wake_all(struct control *c);
/* What other replicas heard, and made and forgot: as the database has it. */
enum err nodes_look(struct control *c, struct err_info *ei);
/* There is news for this node: its long poll is answered, after the change. */
void nodes_poke(struct control *c, const char *node_id);
/* Long poll: answered at once when there is news since its last beat. */
enum err nodes_stream(struct control *c, struct http_req *req,
		      const char *node_id, int64_t wait_us);

#endif /* CONTROL_NODES_H */
