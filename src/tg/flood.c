/* SPDX-License-Identifier: MIT */
#include "tg/flood.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Telegram's clock and ours, and what was rounded down. */
#define FLOOD_MARGIN_S 1

/* Groups of methods that share a wait; a name that ends in a dot is a space. */
static const struct group {
	const char *name;
	const char *methods[6];
} groups[] = {
	{ FLOOD_SENDING,
	  { "messages.sendMessage", "messages.sendMedia",
	    "messages.sendMultiMedia", "messages.forwardMessages",
	    "messages.sendInlineBotResult" } },
	{ FLOOD_FILES, { "upload." } },
};

void flood_deinit(struct flood *f)
{
	free(f->entries);
	*f = (struct flood){ 0 };
}

static bool in_group(const struct group *g, const char *method)
{
	for (size_t i = 0; g->methods[i]; i++) {
		const char *m = g->methods[i];
		size_t len = strlen(m);

		if (m[len - 1] == '.' ? !strncmp(method, m, len)
				      : !strcmp(method, m))
			return true;
	}
	return false;
}

/* Is a call of `method` one that an entry for `kept` is about? */
static bool covers(const char *kept, const char *method)
{
	if (!strcmp(kept, FLOOD_ALL) || !strcmp(kept, method))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (!strcmp(kept, groups[i].name))
			return in_group(&groups[i], method);
	return false;
}

static void take_out(struct flood *f, uint32_t at)
{
	memmove(&f->entries[at], &f->entries[at + 1],
		(f->n - at - 1) * sizeof(*f->entries));
	f->n--;
}

static void shrink(struct flood *f)
{
	if (f->n)
		return;
	free(f->entries);
	f->entries = NULL;
	f->cap = 0;
}

void flood_expire(struct flood *f, struct wall now)
{
	uint32_t n = 0;

	while (n < f->n && f->entries[n].until.us <= now.us)
		n++;
	if (!n)
		return;
	memmove(f->entries, f->entries + n, (f->n - n) * sizeof(*f->entries));
	f->n -= n;
	shrink(f);
}

static void sort_in(struct flood *f, const struct flood_entry *e)
{
	uint32_t at = f->n++;

	for (; at && f->entries[at - 1].until.us > e->until.us; at--)
		f->entries[at] = f->entries[at - 1];
	f->entries[at] = *e;
}

static bool same_key(const struct flood_entry *a, const struct flood_entry *b)
{
	return a->peer == b->peer && !strcmp(a->method, b->method);
}

/* Takes out what `e` will stand for, too, and makes it last as long. */
static uint32_t absorb(struct flood *f, struct flood_entry *e)
{
	uint32_t before = f->n;

	for (uint32_t i = f->n; i-- > 0;) {
		const struct flood_entry *old = &f->entries[i];

		if ((e->peer && e->peer != old->peer) ||
		    !covers(e->method, old->method))
			continue;
		if (old->until.us > e->until.us) {
			e->until = old->until;
			memcpy(e->error, old->error, sizeof(e->error));
		}
		take_out(f, i);
	}
	return before - f->n;
}

/* A wider entry in place of several narrow ones: waits get longer only. */
static void make_room(struct flood *f, struct flood_entry *e)
{
	e->peer = 0;
	if (absorb(f, e))
		return;
	(void)text_copy(e->method, sizeof(e->method), FLOOD_ALL);
	(void)absorb(f, e);
}

static enum err grow(struct flood *f)
{
	uint32_t cap = f->cap ? f->cap * 2 : 2;
	struct flood_entry *p;

	if (f->n < f->cap)
		return ERR_OK;
	p = realloc(f->entries, cap * sizeof(*p));
	if (!p)
		return ERR_NOMEM;
	f->entries = p;
	f->cap = cap;
	return ERR_OK;
}

static enum err keep(struct flood *f, struct flood_entry *e, struct wall now,
		     struct err_info *ei)
{
	enum err rc = ERR_OK;

	for (uint32_t i = 0; i < f->n; i++) {
		if (!same_key(&f->entries[i], e))
			continue;
		if (f->entries[i].until.us >= e->until.us)
			return ERR_OK;
		take_out(f, i);
		break;
	}
	flood_expire(f, now);
	if (f->n >= FLOOD_ENTRIES_MAX)
		make_room(f, e);
	else
		rc = grow(f);
	if (rc)
		return err_set(ei, rc, "keep the wait of %s", e->error);
	sort_in(f, e);
	f->changes++;
	return ERR_OK;
}

enum err flood_put(struct flood *f, const struct flood_entry *entry,
		   struct wall now, struct err_info *ei)
{
	struct flood_entry e = *entry;

	if (!memchr(e.method, 0, sizeof(e.method)) || !e.method[0] ||
	    !memchr(e.error, 0, sizeof(e.error)))
		return err_set(ei, ERR_INVALID, "not an entry of a flood book");
	if (e.until.us <= now.us)
		return ERR_OK;
	if (e.until.us - now.us >
	    (FLOOD_WAIT_MAX_S + FLOOD_MARGIN_S) * US_PER_SEC)
		return err_set(ei, ERR_INVALID, "%s: a wait of over a year",
			       e.error);
	return keep(f, &e, now, ei);
}

/* What the error is about, as a key. */
static void key_of(struct flood_entry *e, const struct rpcerr *err,
		   const char *method, int64_t peer)
{
	if (!strncmp(err->name, "FLOOD_PREMIUM_WAIT_", 19))
		method = FLOOD_FILES;
	if (err->row->scope == RPCERR_SCOPE_CHAT) {
		e->peer = peer;
		method = FLOOD_SENDING;
	}
	(void)text_copy(e->method, sizeof(e->method), method);
}

enum err flood_note(struct flood *f, const struct rpcerr *err,
		    const char *method, int64_t peer, struct wall now,
		    struct err_info *ei)
{
	struct flood_entry e = { 0 };

	if (err->row->retry != ERR_RETRY_AFTER)
		return ERR_OK;
	e.until.us = now.us + (err->arg + FLOOD_MARGIN_S) * US_PER_SEC;
	(void)text_copy(e.error, sizeof(e.error), err->name);
	key_of(&e, err, method, peer);
	return flood_put(f, &e, now, ei);
}

const struct flood_entry *flood_find(const struct flood *f, const char *method,
				     int64_t peer, struct wall now)
{
	/* in order of their ends: the last that fits is the longest */
	for (uint32_t i = f->n; i-- > 0;) {
		const struct flood_entry *e = &f->entries[i];

		if (e->until.us <= now.us)
			return NULL;
		if ((!e->peer || e->peer == peer) && covers(e->method, method))
			return e;
	}
	return NULL;
}

int64_t flood_seconds_left(const struct flood_entry *entry, struct wall now)
{
	int64_t us = entry->until.us - now.us;

	return us <= 0 ? 0 : (us + US_PER_SEC - 1) / US_PER_SEC;
}

enum err flood_check(const struct flood *f, const char *method, int64_t peer,
		     struct wall now, struct err_info *ei)
{
	const struct flood_entry *e = flood_find(f, method, peer, now);
	int64_t left;
	enum err rc;

	if (!e)
		return ERR_OK;
	left = flood_seconds_left(e, now);
	rc = err_set(ei, ERR_FLOOD,
		     "%s: Telegram said %s, %lld seconds are left; nothing was "
		     "sent",
		     method, e->error, (long long)left);
	if (ei)
		ei->arg = left;
	return rc;
}

struct wall flood_limited_until(const struct flood *f, struct wall now)
{
	for (uint32_t i = f->n; i-- > 0;) {
		const struct flood_entry *e = &f->entries[i];
		struct rpcerr err;

		if (e->until.us <= now.us)
			break;
		rpcerr_classify(&err, 420, e->error, strlen(e->error));
		if (err.row->state == RPCERR_STATE_LIMITED)
			return e->until;
	}
	return (struct wall){ 0 };
}
