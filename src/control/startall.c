/* SPDX-License-Identifier: MIT */
#include "control/startall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "control/commands.h"
#include "control/leases.h"
#include "control/nodes.h"
#include "control/place.h"
#include "control/routes.h"

#define PAGE 500
#define PAGES_A_LOOK 4

enum outcome {
	WAITING,
	STARTED,
	FAILED,
};

struct item {
	struct work *work;
	struct item *next; /* other jobs that wait for the same account */
	char *account_id;
	char *phone, *username, *node_id; /* or NULL */
	int64_t min_epoch; /* older reports are about an earlier life */
	enum outcome outcome;
	char *code, *error, *advice;
	enum wire_status seen;
};

struct work {
	struct control *c;
	struct jobs_entry *job;
	struct item **items;
	size_t nitems, citems;
	size_t nwaiting, nstarted, nfailed;
	struct wheel_timer deadline;
	bool preparing;
};

/* --- items --- */

static void unwait(struct item *it)
{
	struct strmap *map = &it->work->c->waiting;
	struct item *first = strmap_get(map, it->account_id), **at;
	struct item *head = first;

	for (at = &head; *at && *at != it; at = &(*at)->next)
		;
	if (!*at)
		return;
	*at = it->next;
	it->next = NULL;
	if (head == first)
		return;
	/* replacing the value of a key that is there cannot fail */
	if (!head || strmap_set(map, it->account_id, head))
		strmap_remove(map, it->account_id);
}

static void free_item(struct item *it)
{
	unwait(it);
	free(it->account_id);
	free(it->phone);
	free(it->username);
	free(it->node_id);
	free(it->code);
	free(it->error);
	free(it->advice);
	free(it);
}

static void free_work(void *ptr)
{
	struct work *w = ptr;

	loop_cancel(w->c->loop, &w->deadline);
	for (size_t i = 0; i < w->nitems; i++)
		free_item(w->items[i]);
	free(w->items);
	free(w);
}

static char *dup_or_null(const char *text)
{
	return text ? strdup(text) : NULL;
}

static struct item *add_item(struct work *w, const struct store_account *acc)
{
	struct item *it, **more;

	if (w->nitems == w->citems) {
		size_t cap = w->citems ? w->citems * 2 : 64;

		more = reallocarray(w->items, cap, sizeof(struct item *));
		if (!more)
			return NULL;
		w->items = more;
		w->citems = cap;
	}
	it = calloc(1, sizeof(*it));
	if (!it)
		return NULL;
	it->work = w;
	it->account_id = strdup(acc->account_id);
	if (!it->account_id) {
		free(it);
		return NULL;
	}
	it->phone = dup_or_null(acc->phone);
	it->username = dup_or_null(acc->username);
	it->node_id = dup_or_null(acc->node_id);
	w->items[w->nitems++] = it;
	w->nwaiting++;
	return it;
}

static void settle(struct item *it, enum outcome outcome, const char *code,
		   const char *error, const char *advice)
{
	struct work *w = it->work;

	unwait(it);
	it->outcome = outcome;
	it->code = dup_or_null(code);
	it->error = dup_or_null(error);
	it->advice = dup_or_null(advice);
	w->nwaiting--;
	if (outcome == STARTED)
		w->nstarted++;
	else
		w->nfailed++;
}

static void fail(struct item *it, enum err rc, const char *error,
		 const char *advice)
{
	settle(it, FAILED, err_code(rc), error, advice);
}

static void maybe_finish(struct work *w)
{
	if (!w->nwaiting && !w->preparing)
		jobs_finish(w->job, true);
}

/* --- the answer --- */

static void write_started(struct jsonw *j, const struct item *it)
{
	jsonw_object(j, NULL);
	jsonw_str(j, "account_id", it->account_id);
	jsonw_str_or_null(j, "phone", it->phone);
	jsonw_str_or_null(j, "username", it->username);
	jsonw_str_or_null(j, "server_id", it->node_id);
	jsonw_object_end(j);
}

static void write_failed(struct jsonw *j, const struct item *it)
{
	jsonw_object(j, NULL);
	jsonw_str(j, "account_id", it->account_id);
	jsonw_str(j, "error", it->error ? it->error : "");
	jsonw_str_or_null(j, "code", it->code);
	jsonw_str_or_null(j, "advice", it->advice);
	jsonw_object_end(j);
}

static enum err write_result(void *ptr, struct buf *out)
{
	const struct work *w = ptr;
	char message[96];
	struct jsonw j;

	snprintf(message, sizeof(message), "%zu of %zu accounts online%s",
		 w->nstarted, w->nitems,
		 w->nwaiting ? ", the others are being started" : "");
	jsonw_init(&j, out);
	jsonw_object(&j, NULL);
	jsonw_bool(&j, "success", !w->nfailed && !w->nwaiting);
	jsonw_str(&j, "message", message);
	jsonw_str(&j, "job_id", w->job->id);
	jsonw_u64(&j, "accounts_started", w->nstarted);
	jsonw_u64(&j, "accounts_total", w->nitems);
	jsonw_u64(&j, "accounts_pending", w->nwaiting);
	jsonw_array(&j, "successful_accounts");
	for (size_t i = 0; i < w->nitems; i++)
		if (w->items[i]->outcome == STARTED)
			write_started(&j, w->items[i]);
	jsonw_array_end(&j);
	jsonw_array(&j, "failed_accounts");
	for (size_t i = 0; i < w->nitems; i++)
		if (w->items[i]->outcome == FAILED)
			write_failed(&j, w->items[i]);
	jsonw_array_end(&j);
	jsonw_object_end(&j);
	return jsonw_end(&j);
}

/* --- what happens while we wait --- */

static void on_deadline(struct wheel_timer *t, void *ctx)
{
	struct work *w = ctx;
	char error[128];

	for (size_t i = 0; i < w->nitems; i++) {
		struct item *it = w->items[i];

		if (it->outcome != WAITING)
			continue;
		snprintf(error, sizeof(error),
			 "not online within %g s; last seen %s",
			 (double)w->c->cfg->start_timeout_us / 1e6,
			 wire_status_name(it->seen));
		fail(it, ERR_TIMEOUT, error,
		     "it goes on trying: look at the account's last_error and "
		     "at the node's log");
	}
	maybe_finish(w);
}

static bool is_up(enum wire_status s)
{
	return s == WIRE_ONLINE || s == WIRE_LIMITED;
}

static bool is_down(enum wire_status s)
{
	return s == WIRE_FROZEN || s == WIRE_BANNED || s == WIRE_REVOKED ||
	       s == WIRE_ERROR;
}

static void judge(struct item *it, enum wire_status s,
		  const struct store_report *r)
{
	it->seen = s;
	if (is_up(s))
		settle(it, STARTED, NULL, NULL, NULL);
	else if (is_down(s))
		settle(it, FAILED, r->error_code ? r->error_code : r->status,
		       r->error_message ? r->error_message : r->status,
		       r->error_advice);
}

void startall_on_report(struct control *c, const struct store_report *r)
{
	struct item *it = strmap_get(&c->waiting, r->account_id), *next;
	enum wire_status s;

	if (!it || !wire_status_parse(r->status, &s))
		return;
	for (; it; it = next) {
		struct work *w = it->work;

		next = it->next;
		if (r->epoch && r->epoch < it->min_epoch)
			continue;
		judge(it, s, r);
		maybe_finish(w);
	}
}

/* As a node told another replica.  Without a lease nothing says since when. */
static void look_at(struct control *c, const struct store_account *acc)
{
	const struct store_report r = {
		.account_id = acc->account_id,
		.epoch = acc->lease_epoch,
		.status = acc->status,
		.error_code = acc->error_code,
		.error_message = acc->error_message,
		.error_advice = acc->error_advice,
	};

	if (r.epoch)
		startall_on_report(c, &r);
}

static enum err look_at_page(struct control *c, struct arena *a,
			     struct err_info *ei)
{
	const struct store_account_query q = {
		.desired_online = STORE_YES,
		.sort = STORE_SORT_ID,
		.after = c->waiting_after[0] ? c->waiting_after : NULL,
		.limit = PAGE,
		.no_total = true,
	};
	struct store_accounts list;
	enum err rc;

	rc = c->store->ops->account_list(c->store, &q, a, &list, ei);
	for (size_t i = 0; !rc && i < list.n; i++)
		look_at(c, &list.items[i]);
	if (!rc)
		text_copy(c->waiting_after, sizeof(c->waiting_after),
			  list.n == PAGE ? list.items[list.n - 1].account_id
					 : "");
	return rc;
}

enum err startall_look(struct control *c, struct err_info *ei)
{
	struct arena a;
	enum err rc = ERR_OK;

	for (int i = 0; !rc && i < PAGES_A_LOOK && c->waiting.count; i++) {
		arena_init(&a, 32U << 20);
		rc = look_at_page(c, &a, ei);
		arena_deinit(&a);
		if (!c->waiting_after[0])
			break;
	}
	return rc;
}

struct failing {
	char account_id[WIRE_ID_MAX + 1];
	struct startall_why why;
};

static void fail_waiting(struct control *c, void *arg, bool committed)
{
	const struct failing *f = arg;
	struct item *it = strmap_get(&c->waiting, f->account_id), *next;

	for (; committed && it; it = next) {
		struct work *w = it->work;

		next = it->next;
		fail(it, f->why.rc, f->why.error, f->why.advice);
		maybe_finish(w);
	}
}

enum err startall_fail(struct control *c, const char *account_id,
		       const struct startall_why *why, struct err_info *ei)
{
	struct failing f = { .why = *why };

	if (!strmap_get(&c->waiting, account_id))
		return ERR_OK;
	text_copy(f.account_id, sizeof(f.account_id), account_id);
	return change_after(c, fail_waiting, &f, sizeof(f), ei);
}

/* --- the beginning --- */

struct begin {
	struct control *c;
	struct work *work;
	struct place place;
	const struct startall_ask *ask;
	bool retry_dead; /* one account, by name: the operator means it */
};

static bool is_running(const struct store_account *acc, struct control *c)
{
	enum wire_status s;

	return acc->desired_online && acc->node_id &&
	       nodes_online(c, acc->node_id) && acc->lease_node &&
	       !strcmp(acc->lease_node, acc->node_id) &&
	       wire_status_parse(acc->status, &s) && is_up(s);
}

static void fail_missing(struct item *it)
{
	char error[WIRE_ID_MAX + 64];

	snprintf(error, sizeof(error), "session file missing: %s.session",
		 it->account_id);
	fail(it, ERR_SESSION_MISSING, error,
	     "upload the account's session file");
}

/* desired: online; a dead account tried again by name starts afresh. */
static enum err want_online(struct begin *b, const struct store_account *acc,
			    const char *node_id, struct err_info *ei)
{
	struct store_account to = {
		.account_id = acc->account_id,
		.desired_online = true,
		.node_id = node_id,
		.status = wire_status_name(WIRE_OFFLINE),
		.status_since = control_wall(b->c),
	};
	uint32_t fields = STORE_ACC_DESIRED;

	if (node_id)
		fields |= STORE_ACC_NODE;
	if (leases_terminal(acc->status) || !strcmp(acc->status, "error"))
		fields |= STORE_ACC_STATUS;
	return b->c->store->ops->account_update(b->c->store, &to, fields,
						control_wall(b->c), ei);
}

static enum err queue_start(struct begin *b, struct item *it,
			    struct err_info *ei)
{
	char id[CONTROL_ID_MAX];
	struct jsonw w;
	struct buf p;
	enum err rc;

	control_body_init(&p, &w);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "account_id", it->account_id);
	if (b->ask->has_group)
		jsonw_int(&w, "group_id", b->ask->group_id);
	jsonw_object_end(&w);
	rc = jsonw_end(&w);
	if (!rc)
		rc = commands_queue(
			b->c,
			&(struct commands_new){ .node_id = it->node_id,
						.action = "start_account",
						.params = buf_cstr(&p),
						.actor = b->ask->actor },
			id, ei);
	buf_deinit(&p);
	return rc;
}

static enum err wait_for(struct begin *b, struct item *it,
			 const struct store_account *acc, struct err_info *ei)
{
	bool live = acc->lease_node && !strcmp(acc->lease_node, it->node_id);
	struct strmap *map = &b->c->waiting;
	enum err rc;

	it->min_epoch = acc->lease_epoch + (live ? 0 : 1);
	it->next = strmap_get(map, it->account_id);
	rc = strmap_set(map, it->account_id, it);
	if (rc) {
		it->next = NULL;
		return rc;
	}
	rc = queue_start(b, it, ei);
	if (rc != ERR_CAPACITY)
		return rc;
	fail(it, rc, "the node has too many commands waiting",
	     "look at the node, and start the account again");
	return ERR_OK;
}

/* Everything that can be said without asking a node is said at once. */
static bool fails_at_once(struct begin *b, struct item *it,
			  const struct store_account *acc)
{
	bool remote = !strcmp(acc->source, "remote") && acc->node_id;
	char untested[512];

	if (!acc->enabled) {
		fail(it, ERR_CONFLICT, "the account is disabled",
		     "enable it first");
	} else if (acc->session_version == 0 && !remote) {
		fail_missing(it);
	} else if (!routes_ready(acc->route.version, acc->route.tested)) {
		routes_fault(&acc->route, untested, sizeof(untested));
		fail(it, ERR_ROUTE_UNTESTED, untested, ROUTES_ADVICE);
	} else if (leases_terminal(acc->status) && !b->retry_dead) {
		settle(it, FAILED,
		       acc->error_code ? acc->error_code : acc->status,
		       acc->error_message ? acc->error_message : acc->status,
		       acc->error_advice
			       ? acc->error_advice
			       : "upload a new session of this account");
	} else {
		return false;
	}
	return true;
}

static enum err begin_one(struct begin *b, const struct store_account *acc,
			  struct err_info *ei)
{
	struct item *it = add_item(b->work, acc);
	const char *placed = NULL;
	enum err rc;

	if (!it)
		return ERR_NOMEM;
	if (fails_at_once(b, it, acc))
		return ERR_OK;
	if (is_running(acc, b->c)) {
		settle(it, STARTED, NULL, NULL, NULL);
		return ERR_OK;
	}
	if (!acc->node_id) {
		placed = acc->pinned_node ? acc->pinned_node
					  : place_next(&b->place);
		if (!placed) {
			fail(it, ERR_CAPACITY,
			     "no node is online that has room",
			     "start a node, or raise max_accounts of one");
			return ERR_OK;
		}
		it->node_id = strdup(placed);
		if (!it->node_id)
			return ERR_NOMEM;
	}
	rc = want_online(b, acc, placed, ei);
	if (rc == ERR_CAPACITY) {
		fail(it, rc, "the node it is pinned to is full",
		     "unpin the account, or raise max_accounts of the node");
		return ERR_OK;
	}
	if (rc)
		return rc;
	if (!nodes_online(b->c, it->node_id)) {
		fail(it, ERR_NODE_OFFLINE, "node offline",
		     "start the node again; the account is wanted online and "
		     "comes back with it, or moves when its lease is over");
		return ERR_OK;
	}
	return wait_for(b, it, acc, ei);
}

static enum err begin_page(struct begin *b, const struct store_accounts *list,
			   struct err_info *ei)
{
	enum err rc = ERR_OK;

	for (size_t i = 0; !rc && i < list->n; i++)
		rc = begin_one(b, &list->items[i], ei);
	return rc;
}

static enum err begin_every(struct begin *b, struct err_info *ei)
{
	struct store_account_query q = {
		.enabled = STORE_YES,
		.sort = STORE_SORT_ID,
		.limit = PAGE,
		.no_total = true,
	};
	char after[WIRE_ID_MAX + 1] = "";
	struct store_accounts list = { .n = PAGE };
	struct arena a;
	enum err rc = ERR_OK;

	arena_init(&a, 32U << 20);
	while (!rc && list.n == PAGE) {
		arena_reset(&a);
		q.after = after[0] ? after : NULL;
		rc = b->c->store->ops->account_list(b->c->store, &q, &a, &list,
						    ei);
		if (!rc)
			rc = begin_page(b, &list, ei);
		if (!rc && list.n)
			snprintf(after, sizeof(after), "%s",
				 list.items[list.n - 1].account_id);
	}
	arena_deinit(&a);
	return rc;
}

static enum err begin_named(struct begin *b, struct arena *a,
			    struct err_info *ei)
{
	struct store_account acc;
	struct store_accounts list = { .items = &acc, .n = 1 };
	enum err rc;

	rc = b->c->store->ops->account_get(b->c->store, b->ask->account_id, a,
					   &acc, ei);
	return rc ? rc : begin_page(b, &list, ei);
}

static enum err begin_work(struct begin *b, struct arena *a,
			   struct err_info *ei)
{
	enum err rc;

	rc = place_init(&b->place, b->c, a, ei);
	if (rc)
		return rc;
	b->work->preparing = true;
	rc = b->ask->account_id ? begin_named(b, a, ei) : begin_every(b, ei);
	b->work->preparing = false;
	place_deinit(&b->place);
	return rc;
}

static enum err new_work(struct control *c, const struct startall_ask *ask,
			 struct work **ret, struct err_info *ei)
{
	struct work *w = calloc(1, sizeof(*w));
	struct jobs_entry tmpl = {
		.result = write_result,
		.free_work = free_work,
		.work = w,
	};
	enum err rc;

	if (!w)
		return ERR_NOMEM;
	w->c = c;
	wheel_timer_init(&w->deadline, on_deadline, w);
	rc = jobs_start(c, ask->account_id ? "start_account" : "start_all",
			ask->actor, &tmpl, &w->job, ei);
	if (rc) {
		free_work(w);
		return rc;
	}
	*ret = w;
	return ERR_OK;
}

enum err startall_begin(struct control *c, const struct startall_ask *ask,
			struct arena *a, struct jobs_entry **ret_job,
			const char **ret_job_id, struct err_info *ei)
{
	struct begin b = {
		.c = c,
		.ask = ask,
		.retry_dead = ask->account_id != NULL,
	};
	enum err rc;

	rc = new_work(c, ask, &b.work, ei);
	if (rc)
		return rc;
	*ret_job_id = arena_str(a, b.work->job->id, strlen(b.work->job->id));
	rc = *ret_job_id ? begin_work(&b, a, ei) : ERR_NOMEM;
	if (rc)
		return rc;
	*ret_job = b.work->nwaiting ? b.work->job : NULL;
	if (!*ret_job)
		return jobs_finish_now(b.work->job, true, ei);
	loop_arm(c->loop, &b.work->deadline, c->cfg->start_timeout_us);
	return ERR_OK;
}
