/* SPDX-License-Identifier: MIT */
/*
 * Command queues.  A command is offered with every fetch until it is finished or
 * its time is over; a result may come twice, the first one stays.
 */
#include <string.h>

#include "store/db.h"

#define COMMANDS_COLS                                                          \
	"command_id, node_id, action, params, created_by, state, created, "    \
	"expires, delivered, finished, deliveries, data, error "

static void commands_read(struct db_row *r, void *ret)
{
	struct store_command *c = ret;

	c->command_id = db_must(r);
	c->node_id = db_must(r);
	c->action = db_must(r);
	c->params = db_text(r);
	c->created_by = db_text(r);
	c->state = (enum store_command_state)db_i64(r);
	c->created = db_wall(r);
	c->expires = db_wall(r);
	c->delivered = db_wall(r);
	c->finished = db_wall(r);
	c->deliveries = (unsigned int)db_i64(r);
	c->data = db_text(r);
	c->error = db_text(r);
}

static enum err commands_check(const struct store_command *c,
			       struct err_info *ei)
{
	enum err rc = db_check_text("command id", c->command_id, true, ei);

	if (rc == ERR_OK)
		rc = db_check_text("action", c->action, true, ei);
	if (rc == ERR_OK)
		rc = db_check_json("params", c->params, ei);
	return rc;
}

static struct db_queue *commands_known(struct db *db, const char *node_id)
{
	size_t i = 0;

	for (const char *p = node_id; *p; p++)
		i = i * 31 + (unsigned char)*p;
	return &db->queues[i % DB_QUEUES];
}

static enum err commands_count(struct db *db, const char *node_id, int64_t *ret,
			       struct err_info *ei)
{
	int64_t exists = 0;
	enum err rc;

	rc = db_scalar(db, 0, &exists, ei,
		       "SELECT 1 FROM nodes WHERE node_id = ? "
		       "/* FOR UPDATE */",
		       "t", node_id);
	if (rc)
		return rc;
	if (!exists)
		return err_set(ei, ERR_NOTFOUND, "no node %s", node_id);
	return db_scalar(db, 0, ret, ei,
			 "SELECT count(*) FROM commands WHERE node_id = ? "
			 "AND state < 3",
			 "t", node_id);
}

/*
 * Ten thousand commands may be added by one transaction: their queue is counted
 * when the first is.  After that its row is ours, so only we add to it.
 */
static enum err commands_room(struct db *db, const char *node_id,
			      struct err_info *ei)
{
	struct db_queue *q = commands_known(db, node_id);
	enum err rc = ERR_OK;

	if (strcmp(q->node_id, node_id) != 0) {
		q->node_id[0] = '\0';
		rc = commands_count(db, node_id, &q->n, ei);
		if (rc == ERR_OK && strlen(node_id) < sizeof(q->node_id))
			memcpy(q->node_id, node_id, strlen(node_id) + 1);
	}
	if (rc || q->n < STORE_QUEUE_MAX)
		return rc;
	return err_set(ei, ERR_CAPACITY,
		       "node %s has %lld commands waiting already", node_id,
		       (long long)q->n);
}

static enum err commands_insert(struct db *db, const struct store_command *c,
				struct err_info *ei)
{
	int64_t n = 0;
	enum err rc = commands_room(db, c->node_id, ei);

	if (rc == ERR_OK)
		rc = db_run(db, &n, ei,
			    "INSERT INTO commands (command_id, node_id, "
			    "action, params, created_by, created, expires) "
			    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT "
			    "(command_id) DO NOTHING",
			    "tttttww", c->command_id, c->node_id, c->action,
			    c->params, c->created_by, c->created, c->expires);
	if (rc == ERR_OK && n)
		commands_known(db, c->node_id)->n++;
	if (rc || n)
		return rc;
	return err_set(ei, ERR_DUPLICATE, "command %s exists already",
		       c->command_id);
}

static enum err commands_add(struct store *st, const struct store_command *c,
			     struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = commands_check(c, ei);

	_Static_assert(STORE_CMD_SUCCEEDED == 3 && STORE_CMD_QUEUED == 0 &&
			       STORE_CMD_EXPIRED == 5,
		       "the numbers in the SQL");
	if (rc == ERR_OK)
		rc = db_atomic_begin(db, ei);
	if (rc)
		return rc;
	return db_atomic_end(db, commands_insert(db, c, ei), ei);
}

static enum err commands_mark(struct db *db, struct db_list *l, bool ack,
			      struct wall now, struct err_info *ei)
{
	struct store_command *items = l->items;
	size_t kept = 0;
	enum err rc = ERR_OK;

	if (ack)
		db_forget_queues(db);
	for (size_t i = 0; rc == ERR_OK && i < l->n; i++) {
		struct store_command *c = &items[i];
		int64_t n = 0;

		rc = db_run(db, &n, ei,
			    "UPDATE commands SET state = CASE WHEN ?3 <> 0 "
			    "THEN 3 WHEN state = 0 THEN 1 ELSE state END, "
			    "delivered = CASE WHEN delivered <> 0 THEN "
			    "delivered ELSE ?2 END, deliveries = "
			    "deliveries + 1, finished = CASE WHEN ?3 <> 0 "
			    "THEN ?2 ELSE 0 END WHERE command_id = ?1 AND "
			    "state < 3",
			    "twd", c->command_id, now, ack);
		if (n == 0) /* answered or taken back since it was read */
			continue;
		if (ack)
			c->state = STORE_CMD_SUCCEEDED;
		else if (c->state == STORE_CMD_QUEUED)
			c->state = STORE_CMD_DELIVERED;
		c->deliveries++;
		items[kept++] = *c;
	}
	l->n = kept;
	return rc;
}

static enum err commands_deliver(struct db *db, const char *node_id,
				 struct wall now, struct db_list *l,
				 struct err_info *ei)
{
	int64_t ack = 0;
	enum err rc;

	rc = db_scalar(db, 0, &ack, ei,
		       "SELECT ack_on_delivery FROM nodes WHERE node_id = "
		       "?",
		       "t", node_id);
	if (rc == ERR_OK)
		rc = db_atomic_begin(db, ei);
	if (rc)
		return rc;
	rc = commands_mark(db, l, ack != 0, now, ei);
	return db_atomic_end(db, rc, ei);
}

/* NOLINTNEXTLINE(readability-function-size): parameters as in the vtable */
static enum err commands_fetch(struct store *st, const char *node_id,
			       struct wall now, unsigned int limit,
			       struct arena *a, struct store_commands *ret,
			       struct err_info *ei)
{
	struct db *db = db_of(st);
	struct db_list l;
	struct db_row r;
	enum err rc;

	rc = db_query(db, a, &r, ei,
		      "SELECT " COMMANDS_COLS
		      "FROM commands WHERE node_id = ? AND state < 3 AND "
		      "expires > ? ORDER BY seq LIMIT ?",
		      "twi", node_id, now, db_page(limit));
	if (rc == ERR_OK)
		rc = db_all(&r, commands_read, sizeof(*ret->items), &l, ei);
	if (rc == ERR_OK && l.n)
		rc = commands_deliver(db, node_id, now, &l, ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	ret->total = (int64_t)l.n;
	return ERR_OK;
}

enum err ops_commands_settle_one(struct db *db, const char *node_id,
				 const struct store_command_result *r,
				 struct wall now, struct err_info *ei)
{
	bool done = r->state > STORE_CMD_RUNNING;
	struct wall finished = done ? now : (struct wall){ 0 };
	int64_t n = 0, have = 0;
	enum err rc;

	if (r->state < STORE_CMD_RUNNING || r->state > STORE_CMD_FAILED)
		return err_set(ei, ERR_INVALID,
			       "a result is running, succeeded or failed");
	rc = db_check_json("data", r->data, ei);
	if (rc == ERR_OK)
		rc = db_check_json("error", r->error, ei);
	if (rc == ERR_OK)
		rc = db_run(db, &n, ei,
			    "UPDATE commands SET state = ?3, data = ?4, "
			    "error = ?5, finished = ?6 WHERE command_id = "
			    "?1 AND node_id = ?2 AND state < 3",
			    "ttdttw", r->command_id, node_id, (int)r->state,
			    r->data, r->error, finished);
	db_forget_queues(db);
	if (rc || n)
		return rc;
	rc = db_scalar(db, 0, &have, ei,
		       "SELECT 1 FROM commands WHERE command_id = ? AND "
		       "node_id = ?",
		       "tt", r->command_id, node_id);
	if (rc || have)
		return rc;
	return err_set(ei, ERR_NOTFOUND, "node %s has no command %s", node_id,
		       r->command_id);
}

static enum err commands_settle(struct store *st, const char *node_id,
				const struct store_command_result *r,
				struct wall now, struct err_info *ei)
{
	return ops_commands_settle_one(db_of(st), node_id, r, now, ei);
}

static enum err commands_get(struct store *st, const char *node_id,
			     const char *command_id, struct arena *a,
			     struct store_command *ret, struct err_info *ei)
{
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT " COMMANDS_COLS "FROM commands WHERE node_id "
		      "= ? AND command_id = ?",
		      "tt", node_id, command_id);
	if (rc == ERR_OK)
		rc = db_one(&r, commands_read, sizeof(*ret), ret, ei);
	if (rc == ERR_NOTFOUND)
		return err_set(ei, rc, "node %s has no command %s", node_id,
			       command_id);
	return rc;
}

#define COMMANDS_WHERE                                                         \
	"FROM commands WHERE (?1 IS NULL OR node_id = ?1) AND (?2 = 0 OR "     \
	"(state > 2) = (?2 = 1)) "

static enum err commands_list(struct store *st,
			      const struct store_command_query *q,
			      struct arena *a, struct store_commands *ret,
			      struct err_info *ei)
{
	struct db *db = db_of(st);
	struct db_list l;
	int64_t total = 0;
	struct db_row r;
	enum err rc;

	rc = db_scalar(db, 0, &total, ei, "SELECT count(*) " COMMANDS_WHERE,
		       "td", q->node_id, (int)q->finished);
	if (rc == ERR_OK)
		rc = db_query(db, a, &r, ei,
			      "SELECT " COMMANDS_COLS COMMANDS_WHERE
			      "ORDER BY seq DESC LIMIT ?3 OFFSET ?4",
			      "tdii", q->node_id, (int)q->finished,
			      db_page(q->limit), (int64_t)q->offset);
	if (rc == ERR_OK)
		rc = db_all(&r, commands_read, sizeof(*ret->items), &l, ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	ret->total = total;
	return ERR_OK;
}

static enum err commands_delete(struct store *st, const char *node_id,
				const char *command_id, struct err_info *ei)
{
	struct db *db = db_of(st);
	int64_t n = 0;
	enum err rc;

	rc = db_run(db, &n, ei,
		    "DELETE FROM commands WHERE node_id = ? AND command_id "
		    "= ?",
		    "tt", node_id, command_id);
	db_forget_queues(db);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_NOTFOUND, "node %s has no command %s", node_id,
		       command_id);
}

static enum err commands_expire(struct store *st, struct wall now,
				size_t *ret_rows, struct err_info *ei)
{
	struct db *db = db_of(st);
	int64_t n = 0;
	enum err rc;

	rc = db_run(db, &n, ei,
		    "UPDATE commands SET state = 5, finished = ?1 WHERE "
		    "state < 3 AND expires <= ?1",
		    "w", now);
	db_forget_queues(db);
	if (rc == ERR_OK)
		*ret_rows = (size_t)n;
	return rc;
}

void ops_commands(struct store_ops *ops)
{
	ops->command_add = commands_add;
	ops->command_fetch = commands_fetch;
	ops->command_settle = commands_settle;
	ops->command_get = commands_get;
	ops->command_list = commands_list;
	ops->command_delete = commands_delete;
	ops->command_expire = commands_expire;
}
