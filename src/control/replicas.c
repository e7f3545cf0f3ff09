/* SPDX-License-Identifier: MIT */
#include "control/replicas.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/text.h"
#include "control/jobs_away.h"
#include "control/nodes.h"
#include "control/startall.h"

#define TICK_US US_PER_SEC
#define LOOKS_A_BEAT 3
#define CALLS_MAX 10000 /* read in one go */
/* Gone, if not seen for as long: two beats of nodes, but no hasty judgement. */
#define GONE_BEATS 2
#define GONE_MIN_US (10 * US_PER_SEC)

/* Another one, by id. */
struct seen {
	int64_t beats;
	struct mono since; /* when we first saw that many */
};

struct replicas {
	struct control *c;
	struct loop_fd *bell; /* NULL: not open */
	struct wheel_timer tick, look;
	struct strmap others; /* id -> struct seen */
};

/* --- who we are --- */

static enum err read_name(struct control *c, const char *path,
			  struct err_info *ei)
{
	struct buf b;
	const char *text;
	size_t n = 0;
	enum err rc;

	buf_init(&b, CONTROL_ID_MAX);
	rc = files_read(path, &b, ei);
	text = rc ? NULL : buf_cstr(&b);
	while (text && (isalnum((unsigned char)text[n]) || text[n] == '_'))
		n++;
	if (!rc && (!n || n >= sizeof(c->replica_id) || n + 1 < buf_len(&b)))
		rc = err_set(ei, ERR_CORRUPT,
			     "%s: not a replica's id: remove the file", path);
	if (!rc) {
		memcpy(c->replica_id, text, n);
		c->replica_id[n] = '\0';
	}
	buf_deinit(&b);
	return rc;
}

enum err replicas_name(struct control *c, struct arena *a, struct err_info *ei)
{
	const char *path = arena_printf(a, "%s/replica.id", c->cfg->data);
	enum err rc;

	if (!path)
		return ERR_NOMEM;
	rc = read_name(c, path, ei);
	if (rc != ERR_NOTFOUND)
		return rc;
	control_random_id("rep_", 8, c->replica_id, sizeof(c->replica_id));
	return files_create(path, c->replica_id, strlen(c->replica_id), ei);
}

/* --- calls --- */

void replicas_call(struct control *c, const char *node_id)
{
	char text[CONTROL_ID_MAX + WIRE_ID_MAX + 2];
	struct err_info ei = { 0 };
	enum err rc;

	if (!c->replicas)
		return;
	snprintf(text, sizeof(text), "%s %s", c->replica_id, node_id);
	rc = c->store->ops->ring(c->store, text, &ei);
	if (rc) /* the next look finds it */
		log_fail(LOG_WARN, LOGEV_DB, rc, &ei, log_str("node", node_id));
}

/* "rep_… n1"; what we said ourselves is done. */
static void take_call(struct control *c, const char *text)
{
	const char *space = strchr(text, ' ');
	size_t n = strlen(c->replica_id);

	if (!space ||
	    ((size_t)(space - text) == n && !strncmp(text, c->replica_id, n)))
		return;
	nodes_called(c, space + 1);
}

static void close_bell(struct replicas *r)
{
	loop_fd_free(r->bell);
	r->bell = NULL;
}

static void on_bell(void *ctx, int fd, unsigned int events)
{
	struct replicas *r = ctx;
	struct control *c = r->c;
	struct err_info ei = { 0 };
	const char *text = "";
	enum err rc = ERR_OK;
	struct arena a;

	arena_init(&a, 16U << 20);
	for (int i = 0; !rc && text && i < CALLS_MAX; i++) {
		arena_reset(&a);
		rc = c->store->ops->bell_next(c->store, &a, &text, &ei);
		if (!rc && text)
			take_call(c, text);
	}
	arena_deinit(&a);
	if (!rc)
		return;
	log_fail(LOG_WARN, LOGEV_DB, rc, &ei, log_str("what", "calls"));
	close_bell(r);
}

/* What was called meanwhile was not heard: it may be for anybody. */
static enum err open_bell(struct replicas *r, struct err_info *ei)
{
	struct control *c = r->c;
	int fd = -1;
	enum err rc;

	if (r->bell)
		return ERR_OK;
	rc = c->store->ops->bell_open(c->store, &fd, ei);
	if (rc || fd < 0)
		return rc;
	rc = loop_fd_new(c->loop, fd, on_bell, r, &r->bell, ei);
	if (!rc)
		rc = loop_fd_set(r->bell, LOOP_FD_READ);
	if (rc)
		close_bell(r);
	else
		nodes_wake_all(c);
	return rc;
}

/* --- the others --- */

static enum err note(struct replicas *r, const struct store_replica *row,
		     struct seen **ret)
{
	struct seen *s = strmap_get(&r->others, row->replica_id);

	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s || strmap_set(&r->others, row->replica_id, s)) {
			free(s);
			return ERR_NOMEM;
		}
	}
	if (s->beats != row->beats) {
		s->beats = row->beats;
		s->since = clock_mono(loop_clock(r->c->loop));
	}
	*ret = s;
	return ERR_OK;
}

static int64_t gone_us(const struct control *c)
{
	int64_t us = GONE_BEATS * c->rules.beat_us;

	return us < GONE_MIN_US ? GONE_MIN_US : us;
}

/* It may be slow only: then it is back with its next beat, and its jobs, which
 * it knows to have gone on, say so when they end. */
static enum err drop(struct control *c, const struct store_replica *row,
		     struct err_info *ei)
{
	struct change change;
	size_t rows = 0;
	enum err rc = change_begin(&change, c, ei);

	if (rc)
		return rc;
	rc = c->store->ops->replica_drop(c->store, row->replica_id, row->beats,
					 ei);
	if (!rc)
		rc = c->store->ops->job_interrupt(c->store, NULL,
						  control_wall(c), &rows, ei);
	rc = change_end(&change, rc, ei);
	if (!rc)
		log_warn(LOGEV_DB, log_str("replica", row->replica_id),
			 log_str("why", "not seen for long: its jobs are over"),
			 log_u64("n", rows));
	return rc == ERR_CONFLICT ? ERR_OK : rc;
}

static enum err look_at(struct replicas *r, const struct store_replica *row,
			struct err_info *ei)
{
	struct control *c = r->c;
	struct seen *s;
	enum err rc;

	if (!strcmp(row->replica_id, c->replica_id))
		return ERR_OK;
	rc = note(r, row, &s);
	if (rc || mono_diff(control_mono(c), s->since) < gone_us(c))
		return rc;
	free(strmap_remove(&r->others, row->replica_id));
	return drop(c, row, ei);
}

static enum err look_at_others(struct replicas *r, struct err_info *ei)
{
	struct control *c = r->c;
	struct store_replicas list;
	struct arena a;
	enum err rc;

	rc = c->store->ops->replica_beat(c->store, c->replica_id,
					 control_wall(c), ei);
	if (rc)
		return rc;
	arena_init(&a, 1U << 20);
	rc = c->store->ops->replica_list(c->store, &a, &list, ei);
	for (size_t i = 0; !rc && i < list.n; i++)
		rc = look_at(r, &list.items[i], ei);
	arena_deinit(&a);
	return rc;
}

static void on_look(struct wheel_timer *t, void *ctx)
{
	struct replicas *r = ctx;
	struct control *c = r->c;
	struct err_info ei = { 0 };
	enum err rc;

	rc = nodes_look(c, &ei);
	if (!rc)
		rc = look_at_others(r, &ei);
	if (!rc)
		rc = open_bell(r, &ei);
	if (rc)
		log_fail(LOG_WARN, LOGEV_DB, rc, &ei,
			 log_str("what", "look at the other replicas"));
	loop_arm(c->loop, &r->look, c->rules.beat_us / LOOKS_A_BEAT);
}

static void on_tick(struct wheel_timer *t, void *ctx)
{
	struct replicas *r = ctx;
	struct err_info ei = { 0 };
	enum err rc = startall_look(r->c, &ei);

	if (!rc)
		rc = jobs_away_look(r->c, &ei);
	if (rc)
		log_fail(LOG_WARN, LOGEV_DB, rc, &ei,
			 log_str("what", "look for what others finished"));
	loop_arm(r->c->loop, &r->tick, TICK_US);
}

/* --- the beginning and the end --- */

/* Nobody else can be there: who is written down is from before. */
static enum err drop_all(struct control *c, struct err_info *ei)
{
	struct store_replicas list;
	struct arena a;
	enum err rc;

	arena_init(&a, 1U << 20);
	rc = c->store->ops->replica_list(c->store, &a, &list, ei);
	for (size_t i = 0; !rc && i < list.n; i++)
		rc = c->store->ops->replica_drop(c->store,
						 list.items[i].replica_id,
						 list.items[i].beats, ei);
	arena_deinit(&a);
	return rc;
}

static enum err begin(struct control *c, struct err_info *ei)
{
	struct replicas *r = calloc(1, sizeof(*r));

	if (!r)
		return ERR_NOMEM;
	r->c = c;
	strmap_init(&r->others, STORE_REPLICAS_MAX);
	wheel_timer_init(&r->tick, on_tick, r);
	wheel_timer_init(&r->look, on_look, r);
	c->replicas = r;
	loop_arm(c->loop, &r->tick, TICK_US);
	loop_arm(c->loop, &r->look, c->rules.beat_us / LOOKS_A_BEAT);
	return open_bell(r, ei);
}

enum err replicas_start(struct control *c, struct err_info *ei)
{
	const bool shared = c->store->ops->shared(c->store);
	size_t rows;
	enum err rc = ERR_OK;

	if (!shared)
		rc = drop_all(c, ei);
	if (!rc)
		rc = c->store->ops->job_interrupt(c->store, c->replica_id,
						  control_wall(c), &rows, ei);
	if (!rc)
		rc = c->store->ops->replica_beat(c->store, c->replica_id,
						 control_wall(c), ei);
	return rc || !shared ? rc : begin(c, ei);
}

void replicas_free(struct control *c)
{
	struct replicas *r = c->replicas;
	struct strmap_iter it;

	if (!r)
		return;
	loop_cancel(c->loop, &r->tick);
	loop_cancel(c->loop, &r->look);
	close_bell(r);
	it = strmap_iter(&r->others);
	while (strmap_next(&r->others, &it))
		free(it.value);
	strmap_deinit(&r->others);
	free(r);
	c->replicas = NULL;
}
