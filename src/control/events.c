/* SPDX-License-Identifier: MIT */
#include "control/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "control/control_int.h"

#define TEXT_MAX 2048
#define ALL_TOPICS ((1U << EVENTS_TOPICS) - 1)

struct events_client {
	struct events_client *prev, *next;
	struct control *c;
	uint64_t req_id;
	unsigned int topics;	/* bits */
	char id[EVENTS_ID_MAX]; /* "": of all things */
	struct mono until;
};

static const char *const topics[EVENTS_TOPICS] = { "accounts", "nodes",
						   "commands", "jobs" };

/* --- to one client --- */

static void unlink_client(struct events_client *cl)
{
	struct events *ev = &cl->c->events;

	if (cl->prev)
		cl->prev->next = cl->next;
	else
		ev->clients = cl->next;
	if (cl->next)
		cl->next->prev = cl->prev;
	ev->nclients--;
	if (ev->nclients == 0)
		loop_cancel(cl->c->loop, &ev->beat);
}

/* The request's end frees its client, however it came. */
static void on_close(void *ctx)
{
	unlink_client(ctx);
	free(ctx);
}

/* cl may be gone afterwards. */
static void send(struct events_client *cl, const void *text, size_t len)
{
	static const char cut[] =
		"event: cut\ndata: {\"reason\":\"you read too "
		"slowly\"}\n\n";
	struct http_req *req = server_req(cl->c->server, cl->req_id);

	if (!req)
		return;
	if (http_sse_unsent(req) + len > EVENTS_UNSENT_MAX) {
		(void)http_sse_raw(req, cut, sizeof(cut) - 1);
		http_sse_end(req);
		return;
	}
	/* a link that failed is closing: on_close() will come */
	(void)http_sse_raw(req, text, len);
}

static bool wants(const struct events_client *cl, const struct events_item *it)
{
	return cl->topics & 1U << it->topic &&
	       (!*cl->id || !strcmp(cl->id, it->id));
}

/* --- publishing --- */

static struct events_item *slot(struct events *ev, uint64_t n)
{
	return &ev->kept[n % EVENTS_KEPT];
}

static enum err write_data(struct control *c, const struct events_item *it,
			   const char *what, struct buf *out)
{
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "topic", topics[it->topic]);
	jsonw_str(&w, "id", it->id);
	jsonw_str(&w, "what", what);
	jsonw_time(&w, "at", control_wall(c));
	jsonw_object_end(&w);
	return jsonw_end(&w);
}

/* Once, for all who listen and all who will ask for it. */
static enum err encode(struct control *c, struct events_item *it, uint64_t n,
		       const char *what)
{
	struct buf b;
	enum err rc;

	buf_init(&b, TEXT_MAX);
	rc = buf_printf(&b, "id: %s-%llu\nevent: %s\ndata: ", c->events.boot,
			(unsigned long long)n, topics[it->topic]);
	if (!rc)
		rc = write_data(c, it, what, &b);
	if (!rc)
		rc = buf_append_str(&b, "\n\n");
	if (!rc) {
		it->len = buf_len(&b);
		it->text = malloc(it->len);
		rc = it->text ? ERR_OK : ERR_NOMEM;
	}
	if (!rc)
		memcpy(it->text, buf_head(&b), it->len);
	buf_deinit(&b);
	return rc;
}

void events_publish(struct control *c, enum events_topic topic, const char *id,
		    const char *what)
{
	struct events *ev = &c->events;
	struct events_item *it = slot(ev, ev->last + 1);
	struct events_client *next;

	free(it->text);
	*it = (struct events_item){ .topic = topic };
	text_copy(it->id, sizeof(it->id), id);
	ev->last++;
	/* without memory it is a gap: who finds it starts anew */
	if (encode(c, it, ev->last, what)) {
		it->text = NULL;
		events_end(c);
		return;
	}
	for (struct events_client *cl = ev->clients; cl; cl = next) {
		next = cl->next;
		if (wants(cl, it))
			send(cl, it->text, it->len);
	}
}

struct telling {
	enum events_topic topic;
	char id[EVENTS_ID_MAX];
	char what[EVENTS_WHAT_MAX];
};

static void publish(struct control *c, void *arg, bool committed)
{
	const struct telling *t = arg;

	if (committed)
		events_publish(c, t->topic, t->id, t->what);
}

enum err events_tell(struct control *c, enum events_topic topic, const char *id,
		     const char *what, struct err_info *ei)
{
	struct telling t = { .topic = topic };

	text_copy(t.id, sizeof(t.id), id);
	text_copy(t.what, sizeof(t.what), what);
	return change_after(c, publish, &t, sizeof(t), ei);
}

enum err events_audited(struct control *c, const char *action,
			const char *target, struct err_info *ei)
{
	static const struct {
		const char *kind;
		enum events_topic topic;
	} kinds[] = { { "account.", EVENTS_ACCOUNTS },
		      { "session.", EVENTS_ACCOUNTS },
		      { "route.", EVENTS_ACCOUNTS },
		      { "node.", EVENTS_NODES } };

	for (size_t i = 0; target && i < ARRAY_LEN(kinds); i++)
		if (!strncmp(action, kinds[i].kind, strlen(kinds[i].kind)))
			return events_tell(c, kinds[i].topic, target, action,
					   ei);
	return ERR_OK;
}

/* --- listening --- */

/* The number after which the client wants events; false: those are not there. */
static bool resumes(const struct events *ev, const char *last_id,
		    uint64_t *ret_after)
{
	const size_t len = strlen(ev->boot);
	uint64_t n;

	if (strncmp(last_id, ev->boot, len) != 0 || last_id[len] != '-' ||
	    text_u64(last_id + len + 1, &n) || n > ev->last ||
	    n + EVENTS_KEPT < ev->last)
		return false;
	for (uint64_t i = n + 1; i <= ev->last; i++)
		if (!ev->kept[i % EVENTS_KEPT].text)
			return false;
	*ret_after = n;
	return true;
}

/* Where it stands, and what it missed. */
static void greet(struct events_client *cl, struct http_req *req,
		  const char *last_id)
{
	struct events *ev = &cl->c->events;
	const uint64_t req_id = cl->req_id;
	struct control *c = cl->c;
	uint64_t after = ev->last;
	char text[160];
	int n;

	if (last_id && !resumes(ev, last_id, &after))
		n = snprintf(text, sizeof(text),
			     "id: %s-%llu\nevent: reset\ndata: {}\n\n",
			     ev->boot, (unsigned long long)after);
	else
		n = snprintf(text, sizeof(text), "id: %s-%llu\n\n", ev->boot,
			     (unsigned long long)after);
	send(cl, text, (size_t)n);
	for (uint64_t i = after + 1; i <= ev->last; i++) {
		const struct events_item *it = slot(ev, i);

		/* one that could not take it was cut */
		if (server_req(c->server, req_id) != req)
			return;
		if (wants(cl, it))
			send(cl, it->text, it->len);
	}
}

static enum err read_topics(const struct http_req *req, unsigned int *ret,
			    struct err_info *ei)
{
	const char *p = http_req_query(req, "topics");
	size_t len, i;

	*ret = p ? 0 : ALL_TOPICS;
	for (; p; p = p[len] ? p + len + 1 : NULL) {
		len = strcspn(p, ",");
		for (i = 0; i < EVENTS_TOPICS; i++)
			if (strlen(topics[i]) == len &&
			    !memcmp(topics[i], p, len))
				break;
		if (i == EVENTS_TOPICS)
			return err_set(ei, ERR_INVALID,
				       "no topic \"%.*s\": there are "
				       "accounts, nodes, commands, jobs",
				       len < 40 ? (int)len : 40, p);
		*ret |= 1U << i;
	}
	return ERR_OK;
}

static void on_beat(struct wheel_timer *t, void *ctx)
{
	static const char beat[] = ": still here\n\n";
	struct control *c = ctx;
	struct events_client *next;

	for (struct events_client *cl = c->events.clients; cl; cl = next) {
		struct http_req *req = server_req(c->server, cl->req_id);

		next = cl->next;
		if (req && !mono_before(control_mono(c), cl->until))
			http_sse_end(req);
		else
			send(cl, beat, sizeof(beat) - 1);
	}
	if (c->events.clients)
		loop_arm(c->loop, &c->events.beat, EVENTS_BEAT_US);
}

static void add_client(struct events_client *cl, struct http_req *req)
{
	struct events *ev = &cl->c->events;

	cl->next = ev->clients;
	if (cl->next)
		cl->next->prev = cl;
	ev->clients = cl;
	if (ev->nclients++ == 0)
		loop_arm(cl->c->loop, &ev->beat, EVENTS_BEAT_US);
	http_req_on_close(req, on_close, cl);
}

static enum err listen_to(struct http_req *req, void *ctx, struct err_info *ei)
{
	const char *id = http_req_query(req, "id");
	const char *last_id = http_req_header(req, "last-event-id");
	struct events_client *cl;
	struct control *c = ctx;
	unsigned int wanted;
	enum err rc;

	rc = read_topics(req, &wanted, ei);
	if (rc)
		return rc;
	if (c->events.nclients >= EVENTS_CLIENTS_MAX) {
		ei->arg = EVENTS_BEAT_US / US_PER_SEC;
		return err_set(ei, ERR_FLOOD,
			       "%d streams of events are open already: close "
			       "one, or try again later",
			       EVENTS_CLIENTS_MAX);
	}
	if (!strcmp(http_req_method(req), "HEAD")) {
		http_reply_empty(req, 200);
		return ERR_OK;
	}
	cl = calloc(1, sizeof(*cl));
	if (!cl)
		return ERR_NOMEM;
	cl->c = c;
	cl->req_id = http_req_id(req);
	cl->topics = wanted;
	cl->until = mono_add(control_mono(c), EVENTS_LIFE_US);
	text_copy(cl->id, sizeof(cl->id), id ? id : "");
	add_client(cl, req);
	/* a failure is the link's, which is closing then */
	if (!http_sse_start(req))
		greet(cl, req, last_id);
	return ERR_OK;
}

/* --- life --- */

void events_init(struct control *c)
{
	control_random_id("", 8, c->events.boot, sizeof(c->events.boot));
	wheel_timer_init(&c->events.beat, on_beat, c);
}

void events_end(struct control *c)
{
	struct events_client *next;

	for (struct events_client *cl = c->events.clients; cl; cl = next) {
		struct http_req *req = server_req(c->server, cl->req_id);

		next = cl->next;
		if (req)
			http_sse_end(req);
	}
}

void events_deinit(struct control *c)
{
	loop_cancel(c->loop, &c->events.beat);
	for (size_t i = 0; i < EVENTS_KEPT; i++)
		free(c->events.kept[i].text);
}

static const struct router_row rows[] = {
	{ "GET", API "/events", AUTH_READ, 0, 0, listen_to,
	  "What changes, as server-sent events; resumes with Last-Event-ID" },
};

API_TABLE(events_table);
