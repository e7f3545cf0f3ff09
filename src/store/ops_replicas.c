/* SPDX-License-Identifier: MIT */
/*
 * Processes that share the database: who is there, and calls from one to the
 * others.  What they do at once is settled by conditional writes, not here.
 */
#include "store/db.h"

static enum err replicas_beat(struct store *st, const char *replica_id,
			      struct wall now, struct err_info *ei)
{
	enum err rc = db_check_text("replica id", replica_id, true, ei);

	if (rc)
		return rc;
	return db_run(db_of(st), NULL, ei,
		      "INSERT INTO replicas (replica_id, beats, seen) VALUES "
		      "(?1, 1, ?2) ON CONFLICT (replica_id) DO UPDATE SET "
		      "beats = replicas.beats + 1, seen = ?2",
		      "tw", replica_id, now);
}

static void replicas_read(struct db_row *r, void *ret)
{
	struct store_replica *x = ret;

	x->replica_id = db_must(r);
	x->beats = db_i64(r);
	x->seen = db_wall(r);
}

static enum err replicas_list(struct store *st, struct arena *a,
			      struct store_replicas *ret, struct err_info *ei)
{
	struct db_list l;
	struct db_row r;
	enum err rc;

	rc = db_query(db_of(st), a, &r, ei,
		      "SELECT replica_id, beats, seen FROM replicas ORDER BY "
		      "replica_id LIMIT ?",
		      "d", STORE_REPLICAS_MAX);
	if (rc == ERR_OK)
		rc = db_all(&r, replicas_read, sizeof(*ret->items), &l, ei);
	if (rc)
		return rc;
	ret->items = l.items;
	ret->n = l.n;
	return ERR_OK;
}

static enum err replicas_drop(struct store *st, const char *replica_id,
			      int64_t beats, struct err_info *ei)
{
	int64_t n = 0;
	enum err rc;

	rc = db_run(db_of(st), &n, ei,
		    "DELETE FROM replicas WHERE replica_id = ? AND beats = ?",
		    "ti", replica_id, beats);
	if (rc || n)
		return rc;
	return err_set(ei, ERR_CONFLICT, "replica %s was there meanwhile",
		       replica_id);
}

static bool replicas_shared(struct store *st)
{
	return db_of(st)->drv->ring != NULL;
}

static enum err replicas_ring(struct store *st, const char *text,
			      struct err_info *ei)
{
	struct db *db = db_of(st);
	enum err rc = db_check_text("call", text, true, ei);

	return rc || !db->drv->ring ? rc : db->drv->ring(db, text, ei);
}

static enum err replicas_bell_open(struct store *st, int *ret_fd,
				   struct err_info *ei)
{
	struct db *db = db_of(st);

	*ret_fd = -1;
	return db->drv->bell_open ? db->drv->bell_open(db, ret_fd, ei) : ERR_OK;
}

static enum err replicas_bell_next(struct store *st, struct arena *a,
				   const char **ret, struct err_info *ei)
{
	struct db *db = db_of(st);

	*ret = NULL;
	return db->drv->bell_next ? db->drv->bell_next(db, a, ret, ei) : ERR_OK;
}

void ops_replicas(struct store_ops *ops)
{
	ops->shared = replicas_shared;
	ops->replica_beat = replicas_beat;
	ops->replica_list = replicas_list;
	ops->replica_drop = replicas_drop;
	ops->ring = replicas_ring;
	ops->bell_open = replicas_bell_open;
	ops->bell_next = replicas_bell_next;
}
