/* SPDX-License-Identifier: MIT */
/*
 * Commands for nodes: a queue a node, in the store; the node hears of a new one
 * within its long poll, at the latest with its next heartbeat.
 */
#ifndef CONTROL_COMMANDS_H
#define CONTROL_COMMANDS_H

#include "control/control_int.h"

struct commands_new {
	const char *node_id;
	const char *action;
	const char *params; /* JSON object, or NULL */
	const char *actor;
	int64_t ttl_us; /* 0: the setting's */
};

/* The actions nodes know. */
bool commands_action_known(const char *action);
enum err commands_queue(struct control *c, const struct commands_new *cmd,
			char ret_id[static CONTROL_ID_MAX],
			struct err_info *ei);

#endif /* CONTROL_COMMANDS_H */
