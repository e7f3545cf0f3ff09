/* SPDX-License-Identifier: MIT */
#include "control/commands.h"

#include <string.h>

#include "control/nodes.h"

static const char *const actions[] = {
	"start_account", "stop_account",	"upload_session",
	"reload",	 "start_enhanced_chat", "stop_enhanced_chat",
	"update_script", "delete_session",	"list_sessions",
	"drain",	 "send_message",
};

bool commands_action_known(const char *action)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (!strcmp(action, actions[i]))
			return true;
	return false;
}

enum err commands_queue(struct control *c, const struct commands_new *cmd,
			char ret_id[static CONTROL_ID_MAX], struct err_info *ei)
{
	const struct wall now = control_wall(c);
	int64_t ttl_us = cmd->ttl_us ? cmd->ttl_us : c->cfg->command_ttl_us;
	char id[CONTROL_ID_MAX];
	struct store_command row = {
		.command_id = id,
		.node_id = cmd->node_id,
		.action = cmd->action,
		.params = cmd->params,
		.created_by = cmd->actor,
		.state = STORE_CMD_QUEUED,
		.created = now,
		.expires = { now.us + ttl_us },
	};
	enum err rc;

	control_random_id("cmd_", 12, id, sizeof(id));
	rc = c->store->ops->command_add(c->store, &row, ei);
	if (rc)
		return rc;
	memcpy(ret_id, id, sizeof(id));
	nodes_poke(c, cmd->node_id);
	return events_tell(c, EVENTS_COMMANDS, id, "command.queued", ei);
}
