/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <string.h>

#include "store/pg.h"
#include "store/sqlite.h"

enum err store_open(const char *url, const struct store_options *opt,
		    struct store **ret, struct err_info *ei)
{
	static const struct store_options none;

	if (!opt)
		opt = &none;
	if (strncmp(url, "sqlite:", 7) == 0)
		return sqlite_open(url + 7, opt, ret, ei);
	if (strncmp(url, "postgresql:", 11) == 0 ||
	    strncmp(url, "postgres:", 9) == 0)
		return pg_open(url, opt, ret, ei);
	if (!*url)
		return err_set(ei, ERR_USAGE,
			       "no database given: use sqlite:PATH or "
			       "postgresql://...");
	return sqlite_open(url, opt, ret, ei);
}

void store_close(struct store *st)
{
	if (st)
		st->ops->close(st);
}

enum err store_check_schema(struct store *st, struct err_info *ei)
{
	struct store_schema s = { 0 };
	enum err rc = st->ops->schema(st, &s, ei);

	if (rc)
		return rc;
	if (s.version > s.newest)
		return err_set(ei, ERR_CONFLICT,
			       "the database has schema %d, this program knows "
			       "%d: use the newer program, or roll back with "
			       "it",
			       s.version, s.newest);
	if (s.version < s.newest)
		return err_set(ei, ERR_CONFLICT,
			       "the database has schema %d, this program needs "
			       "%d: run tgfleet db migrate",
			       s.version, s.newest);
	return ERR_OK;
}

static const char *const store_command_states[] = {
	[STORE_CMD_QUEUED] = "queued",	 [STORE_CMD_DELIVERED] = "delivered",
	[STORE_CMD_RUNNING] = "running", [STORE_CMD_SUCCEEDED] = "succeeded",
	[STORE_CMD_FAILED] = "failed",	 [STORE_CMD_EXPIRED] = "expired",
};

const char *store_command_state_text(enum store_command_state s)
{
	return (size_t)s < ARRAY_LEN(store_command_states)
		       ? store_command_states[s]
		       : "unknown";
}

enum err store_command_state_parse(const char *text,
				   enum store_command_state *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(store_command_states); i++) {
		if (strcmp(text, store_command_states[i]) == 0) {
			*ret = (enum store_command_state)i;
			return ERR_OK;
		}
	}
	return ERR_INVALID;
}

enum err store_account_sort_parse(const char *text,
				  enum store_account_sort *ret)
{
	static const char *const names[] = {
		[STORE_SORT_ID] = "account_id",
		[STORE_SORT_PHONE] = "phone",
		[STORE_SORT_USERNAME] = "username",
		[STORE_SORT_STATUS] = "status",
		[STORE_SORT_NODE] = "node_id",
		[STORE_SORT_PRIORITY] = "priority",
		[STORE_SORT_CREATED] = "created_at",
		[STORE_SORT_UPDATED] = "updated_at",
		[STORE_SORT_LAST_ACTIVITY] = "last_activity",
		[STORE_SORT_MESSAGES] = "message_count",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum store_account_sort)i;
			return ERR_OK;
		}
	}
	return ERR_INVALID;
}

enum err store_batch_end(struct store *st, enum err rc, struct err_info *ei)
{
	if (!rc)
		return st->ops->commit(st, ei);
	st->ops->rollback(st);
	return rc;
}
