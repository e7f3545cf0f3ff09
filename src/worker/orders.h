/* SPDX-License-Identifier: MIT */
/*
 * Commands of the control plane, done once.
 *
 * A command is delivered until its answer arrived, so it may come again: the last
 * ORDERS_MAX ids are remembered with their answers, a known one is not done anew
 * but answered again.  Unknown actions are refused, not ignored.
 *
 *	start_account {account_id}     stop_account {account_id}
 *	send_message {account_id, peer: "self" | id, text, random_id}
 *	test_route {dc_id, sealed}     reload     list_sessions
 *	update_script {script_id, version, sha256, download_url}
 *
 *   owner     struct worker
 *   memory    ORDERS_MAX orders with their answers
 *   failure   becomes the command's answer
 */
#ifndef WORKER_ORDERS_H
#define WORKER_ORDERS_H

#include "wire/wire_beat.h"
#include "worker/fleet.h"
#include "worker/route_test.h"
#include "worker/scriptbook.h"

#define ORDERS_MAX 1024

enum order_state {
	ORDER_FREE,
	ORDER_RUNNING,
	ORDER_DONE, /* to be reported */
	ORDER_REPORTED,
};

struct order {
	char command_id[WIRE_ID_MAX + 1];
	enum order_state state;
	bool success;
	uint64_t beat; /* carried by this one; confirmed by its answer */
	char *data, *error;
};

struct orders {
	struct fleet *fleet;
	struct order *ring;
	uint32_t next;
	const struct secret *key; /* of this node; NULL: nothing sealed opens */
	struct route_tests tests; /* end before the fleet does */
	struct scriptbook *scripts; /* NULL: there is no room for any */
	bool full_wanted;	    /* somebody asked for a complete report */
};

enum err orders_init(struct orders *o, struct fleet *f);
void orders_deinit(struct orders *o);
void orders_take(struct orders *o, const struct wire_command *cmd);
/* fleet_ops.on_sent() goes here. */
void orders_on_sent(struct orders *o, uint64_t tag, enum err rc,
		    int32_t message_id, const struct err_info *ei);

/* scriptbook.done() goes here; ctx is the orders. */
void orders_on_script(void *ctx, uint64_t tag, bool changed, enum err rc,
		      const struct err_info *ei);

/* Answers to be reported, into the arena; marked as carried by `beat`. */
enum err orders_results(struct orders *o, struct arena *a, uint64_t beat,
			const struct wire_result **ret, size_t *ret_n);
/* The beat was answered: what it carried need not be said again. */
void orders_confirmed(struct orders *o, uint64_t beat);

#endif /* WORKER_ORDERS_H */
