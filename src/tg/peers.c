/* SPDX-License-Identifier: MIT */
#include "tg/peers.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/sha.h"
#include "mtproto/bytes.h"

#define NAME_MIN 4

void peers_deinit(struct peers *p)
{
	free(p->entries);
	free(p->names);
	free(p->seen);
	*p = (struct peers){ 0 };
}

/* Where it is, or where it would be. */
static uint32_t place_of(const struct peers *p, int64_t id)
{
	uint32_t low = 0, high = p->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (p->entries[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct peers_entry *find(const struct peers *p, int64_t id)
{
	uint32_t at = place_of(p, id);

	return at < p->n && p->entries[at].id == id ? &p->entries[at] : NULL;
}

const struct peers_entry *peers_find(const struct peers *p, int64_t id)
{
	return find(p, id);
}

int64_t peers_hash(const struct peers *p, int64_t id)
{
	const struct peers_entry *e = find(p, id);

	return e && !(e->flags & PEERS_MIGRATED) ? e->hash : 0;
}

bool peers_has(const struct peers *p, int64_t id, enum peers_flag flag)
{
	const struct peers_entry *e = find(p, id);

	return e && e->flags & flag;
}

int64_t peers_current(const struct peers *p, int64_t id)
{
	const struct peers_entry *e = find(p, id);

	return e && e->flags & PEERS_MIGRATED ? e->hash : id;
}

/* The numbers of use begin anew, in the same order, before they run out. */
static void renumber(struct peers *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		p->entries[i].used /= 2;
	p->turn /= 2;
}

static void use(struct peers *p, struct peers_entry *e)
{
	if (p->turn == UINT32_MAX)
		renumber(p);
	e->used = ++p->turn;
}

void peers_use(struct peers *p, int64_t id)
{
	struct peers_entry *e = find(p, id);

	if (e)
		use(p, e);
}

static void take_out(struct peers *p, uint32_t at)
{
	memmove(&p->entries[at], &p->entries[at + 1],
		(p->n - at - 1) * sizeof(*p->entries));
	p->n--;
	p->changes++;
}

static void drop_oldest(struct peers *p)
{
	uint32_t oldest = 0;

	for (uint32_t i = 1; i < p->n; i++)
		if (p->entries[i].used < p->entries[oldest].used)
			oldest = i;
	take_out(p, oldest);
}

static bool make_room(struct peers *p)
{
	uint16_t cap = p->cap ? (uint16_t)(p->cap * 2) : 4;
	struct peers_entry *v;

	if (p->n >= PEERS_MAX)
		drop_oldest(p);
	if (p->n < p->cap)
		return true;
	v = reallocarray(p->entries, cap, sizeof(*v));
	if (!v)
		return false;
	p->entries = v;
	p->cap = cap;
	return true;
}

static struct peers_entry *find_or_add(struct peers *p, int64_t id)
{
	struct peers_entry *e = find(p, id);
	uint32_t at;

	if (e || !id || !make_room(p))
		return e;
	at = place_of(p, id);
	memmove(&p->entries[at + 1], &p->entries[at],
		(p->n - at) * sizeof(*p->entries));
	p->n++;
	e = &p->entries[at];
	*e = (struct peers_entry){ .id = id };
	return e;
}

void peers_put(struct peers *p, int64_t id, int64_t hash, uint32_t flags)
{
	struct peers_entry *e = find_or_add(p, id);

	if (!e)
		return;
	flags = (flags & PEERS_TOLD) | (e->flags & ~(uint32_t)PEERS_TOLD);
	if (e->hash != hash || e->flags != flags)
		p->changes++;
	e->hash = hash;
	e->flags = flags;
	use(p, e);
}

void peers_flag(struct peers *p, int64_t id, enum peers_flag flag)
{
	struct peers_entry *e = find_or_add(p, id);

	if (!e || e->flags & flag)
		return;
	e->flags |= flag;
	p->changes++;
	use(p, e);
}

void peers_restore(struct peers *p, int64_t id, int64_t hash, uint32_t flags)
{
	struct peers_entry *e = find(p, id);

	/* an import does not push out what is there */
	if (!e && p->n >= PEERS_MAX)
		return;
	if (!e)
		e = find_or_add(p, id);
	if (!e)
		return;
	if (!e->hash) {
		e->hash = hash;
		e->flags |= flags;
	}
	/* that somebody wrote stays true */
	e->flags |= flags & ~(uint32_t)PEERS_TOLD;
}

void peers_forget(struct peers *p, int64_t id)
{
	uint32_t at = place_of(p, id);

	if (at < p->n && p->entries[at].id == id)
		take_out(p, at);
}

const struct peers_entry *peers_at(const struct peers *p, uint32_t i)
{
	return i < p->n ? &p->entries[i] : NULL;
}

/* ---- where somebody was seen */

void peers_see(struct peers *p, int64_t id, int64_t chat_id, int32_t message_id)
{
	const struct peers_seen s = { id, chat_id, message_id };

	if (peers_hash(p, id))
		return;
	for (uint32_t i = 0; i < p->nseen; i++)
		if (p->seen[i].id == id && p->seen[i].chat_id == chat_id) {
			p->seen[i] = s;
			return;
		}
	if (p->nseen == PEERS_SEEN_MAX) {
		p->seen[p->seen_at] = s;
		p->seen_at = (uint16_t)((p->seen_at + 1) % PEERS_SEEN_MAX);
		return;
	}
	/* capacity is the next power of two: grown when the count is one */
	if (!(p->nseen & (p->nseen - 1))) {
		struct peers_seen *v = reallocarray(
			p->seen, p->nseen ? p->nseen * 2U : 1, sizeof(*v));

		if (!v)
			return;
		p->seen = v;
	}
	p->seen[p->nseen++] = s;
}

const struct peers_seen *peers_where(const struct peers *p, int64_t id)
{
	const struct peers_seen *found = NULL;

	for (uint32_t i = 0; i < p->nseen; i++)
		if (p->seen[i].id == id &&
		    (!found || p->seen[i].message_id > found->message_id))
			found = &p->seen[i];
	return found;
}

/* ---- names */

bool peers_name_hash(const char *name, size_t len, uint64_t *ret)
{
	char low[PEERS_NAME_MAX];
	uint8_t digest[SHA_256_LEN];

	if (len < NAME_MIN || len > sizeof(low))
		return false;
	for (size_t i = 0; i < len; i++)
		low[i] = name[i] >= 'A' && name[i] <= 'Z'
				 ? (char)(name[i] - 'A' + 'a')
				 : name[i];
	sha_256(low, len, digest);
	*ret = bytes_get_u64(digest);
	return true;
}

static struct peers_name *find_name(const struct peers *p, uint64_t hash)
{
	for (uint32_t i = 0; i < p->nnames; i++)
		if (p->names[i].hash == hash)
			return &p->names[i];
	return NULL;
}

/* The one that would be the first to end makes room. */
static struct peers_name *add_name(struct peers *p)
{
	struct peers_name *first;

	if (p->nnames < PEERS_NAMES_MAX) {
		if (!(p->nnames & (p->nnames - 1))) {
			first = reallocarray(p->names,
					     p->nnames ? p->nnames * 2U : 1,
					     sizeof(*first));
			if (!first)
				return NULL;
			p->names = first;
		}
		return &p->names[p->nnames++];
	}
	first = &p->names[0];
	for (uint32_t i = 1; i < p->nnames; i++)
		if (p->names[i].until.us < first->until.us)
			first = &p->names[i];
	return first;
}

void peers_name(struct peers *p, uint64_t hash, int64_t id, struct wall now)
{
	int64_t good_us = (id ? PEERS_NAME_S : PEERS_NOBODY_S) * US_PER_SEC;
	struct peers_name *n = find_name(p, hash);

	/* seen again and again: noted when half of its time is over */
	if (n && n->id == id && n->until.us - now.us > good_us / 2)
		return;
	if (!n)
		n = add_name(p);
	if (!n)
		return;
	*n = (struct peers_name){ hash, id, { now.us + good_us } };
	p->changes++;
}

bool peers_resolve(const struct peers *p, uint64_t hash, struct wall now,
		   int64_t *ret_id)
{
	const struct peers_name *n = find_name(p, hash);

	if (!n || n->until.us <= now.us)
		return false;
	*ret_id = n->id;
	return true;
}

void peers_restore_name(struct peers *p, const struct peers_name *name,
			struct wall now)
{
	struct peers_name *n = find_name(p, name->hash);

	/* a clock that was wrong must not make a name last for ever */
	if (n || name->until.us <= now.us ||
	    name->until.us - now.us > PEERS_NAME_S * US_PER_SEC ||
	    p->nnames >= PEERS_NAMES_MAX)
		return;
	n = add_name(p);
	if (n)
		*n = *name;
}

const struct peers_name *peers_name_at(const struct peers *p, uint32_t i)
{
	return i < p->nnames ? &p->names[i] : NULL;
}
