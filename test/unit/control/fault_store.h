/* SPDX-License-Identifier: MIT */
/*
 * A store whose n-th write fails: the operations of a real one, and between the
 * caller and each that writes a counter.
 */
#ifndef TEST_FAULT_STORE_H
#define TEST_FAULT_STORE_H

#include "store/store.h"

static const struct store_ops *fault_real;
static struct store_ops fault_ops;
static int fault_in;	  /* writes until the one that fails; < 0 = none */
static bool fault_struck; /* it came to that */

static bool fault_now(void)
{
	if (fault_in < 0 || fault_in--)
		return false;
	fault_struck = true;
	return true;
}

#define FAULT_ARGS(...) __VA_ARGS__
#define FAULT_WRITES(WRITE)                                                    \
	WRITE(begin, FAULT_ARGS(), FAULT_ARGS())                               \
	WRITE(user_add,                                                        \
	      FAULT_ARGS(const struct store_user *u, int64_t *ret_id, ),       \
	      FAULT_ARGS(u, ret_id, ))                                         \
	WRITE(user_update,                                                     \
	      FAULT_ARGS(const struct store_user *u, uint32_t fields, ),       \
	      FAULT_ARGS(u, fields, ))                                         \
	WRITE(user_delete, FAULT_ARGS(int64_t id, ), FAULT_ARGS(id, ))         \
	WRITE(apikey_add, FAULT_ARGS(const struct store_apikey *k, ),          \
	      FAULT_ARGS(k, ))                                                 \
	WRITE(user_login_ok, FAULT_ARGS(int64_t id, struct wall now, ),        \
	      FAULT_ARGS(id, now, ))                                           \
	WRITE(login_add, FAULT_ARGS(const struct store_login *l, ),            \
	      FAULT_ARGS(l, ))                                                 \
	WRITE(login_confirm,                                                   \
	      FAULT_ARGS(const struct store_hash *token, struct wall now, ),   \
	      FAULT_ARGS(token, now, ))                                        \
	WRITE(login_delete, FAULT_ARGS(const struct store_hash *token, ),      \
	      FAULT_ARGS(token, ))                                             \
	WRITE(audit_add, FAULT_ARGS(const struct store_audit *e, ),            \
	      FAULT_ARGS(e, ))                                                 \
	WRITE(idem_add, FAULT_ARGS(const struct store_idem *i, ),              \
	      FAULT_ARGS(i, ))                                                 \
	WRITE(join_add, FAULT_ARGS(const struct store_join *j, ),              \
	      FAULT_ARGS(j, ))                                                 \
	WRITE(join_delete, FAULT_ARGS(const char *id, ), FAULT_ARGS(id, ))     \
	WRITE(node_enroll,                                                     \
	      FAULT_ARGS(const struct store_hash *join,                        \
			 const struct store_node *n, struct wall now, ),       \
	      FAULT_ARGS(join, n, now, ))                                      \
	WRITE(node_add,                                                        \
	      FAULT_ARGS(const struct store_node *n, struct wall now, ),       \
	      FAULT_ARGS(n, now, ))                                            \
	WRITE(node_update,                                                     \
	      FAULT_ARGS(const struct store_node *n, uint32_t fields,          \
			 struct wall now, ),                                   \
	      FAULT_ARGS(n, fields, now, ))                                    \
	WRITE(node_delete, FAULT_ARGS(const char *id, ), FAULT_ARGS(id, ))     \
	WRITE(account_add,                                                     \
	      FAULT_ARGS(const struct store_account *acc, struct wall now, ),  \
	      FAULT_ARGS(acc, now, ))                                          \
	WRITE(account_update,                                                  \
	      FAULT_ARGS(const struct store_account *acc, uint32_t fields,     \
			 struct wall now, ),                                   \
	      FAULT_ARGS(acc, fields, now, ))                                  \
	WRITE(account_delete, FAULT_ARGS(const char *id, struct wall now, ),   \
	      FAULT_ARGS(id, now, ))                                           \
	WRITE(session_put, FAULT_ARGS(const struct store_session *s, ),        \
	      FAULT_ARGS(s, ))                                                 \
	WRITE(lease_grant,                                                     \
	      FAULT_ARGS(const struct store_lease_grant *g, int64_t *epoch, ), \
	      FAULT_ARGS(g, epoch, ))                                          \
	WRITE(grant_add, FAULT_ARGS(const struct store_grant *g, ),            \
	      FAULT_ARGS(g, ))                                                 \
	WRITE(grant_consume,                                                   \
	      FAULT_ARGS(const struct store_hash *hash, const char *node,      \
			 struct wall now, struct arena *a,                     \
			 struct store_grant *ret, ),                           \
	      FAULT_ARGS(hash, node, now, a, ret, ))                           \
	WRITE(heartbeat_apply, FAULT_ARGS(struct store_heartbeat *hb, ),       \
	      FAULT_ARGS(hb, ))                                                \
	WRITE(command_add, FAULT_ARGS(const struct store_command *cmd, ),      \
	      FAULT_ARGS(cmd, ))                                               \
	WRITE(command_fetch,                                                   \
	      FAULT_ARGS(const char *node, struct wall now,                    \
			 unsigned int limit, struct arena *a,                  \
			 struct store_commands *ret, ),                        \
	      FAULT_ARGS(node, now, limit, a, ret, ))                          \
	WRITE(command_settle,                                                  \
	      FAULT_ARGS(const char *node,                                     \
			 const struct store_command_result *r,                 \
			 struct wall now, ),                                   \
	      FAULT_ARGS(node, r, now, ))                                      \
	WRITE(command_delete, FAULT_ARGS(const char *node, const char *id, ),  \
	      FAULT_ARGS(node, id, ))                                          \
	WRITE(job_add, FAULT_ARGS(const struct store_job *j, ),                \
	      FAULT_ARGS(j, ))                                                 \
	WRITE(job_update, FAULT_ARGS(const struct store_job *j, ),             \
	      FAULT_ARGS(j, ))

#define FAULT_DEFINE(name, params, args)                                       \
	static enum err fault_##name(struct store *st,                         \
				     params struct err_info *ei)               \
	{                                                                      \
		if (fault_now())                                               \
			return err_set(ei, ERR_IO, "disk full at " #name);     \
		return fault_real->name(st, args ei);                          \
	}
FAULT_WRITES(FAULT_DEFINE)

static enum err fault_commit(struct store *st, struct err_info *ei)
{
	if (!fault_now())
		return fault_real->commit(st, ei);
	fault_real->rollback(st);
	return err_set(ei, ERR_IO, "disk full at commit");
}

static void fault_install(struct store *st)
{
	fault_real = st->ops;
	fault_ops = *st->ops;
	fault_in = -1;
#define FAULT_SET(name, params, args) fault_ops.name = fault_##name;
	FAULT_WRITES(FAULT_SET)
	fault_ops.commit = fault_commit;
	st->ops = &fault_ops;
}

#endif /* TEST_FAULT_STORE_H */
