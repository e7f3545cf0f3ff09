/* SPDX-License-Identifier: MIT */
/*
 * Level n has slots of 64^n ms.  A timer sits in the level whose span holds its
 * distance; when the hand of a lower level comes round, the next slot of the
 * level above is spread out again.  The top level's last slot holds whatever is
 * farther away than the wheel, and is spread out like the others.
 */
#include "base/wheel.h"

#include "base/bug.h"

#define BITS 6
#define MASK (WHEEL_SLOTS - 1)
#define SPAN_MAX (INT64_C(1) << (BITS * WHEEL_LEVELS))

static int64_t tick_of(struct mono t)
{
	return t.us / US_PER_MS + (t.us % US_PER_MS > 0);
}

void wheel_init(struct wheel *w, struct mono now)
{
	*w = (struct wheel){ .tick = now.us / US_PER_MS };
	for (int l = 0; l < WHEEL_LEVELS; l++)
		for (int s = 0; s < WHEEL_SLOTS; s++)
			w->slots[l][s].prev = w->slots[l][s].next =
				&w->slots[l][s];
}

void wheel_timer_init(struct wheel_timer *t, wheel_fn fn, void *ctx)
{
	*t = (struct wheel_timer){ .fn = fn, .ctx = ctx };
}

bool wheel_armed(const struct wheel_timer *t)
{
	return t->next != NULL;
}

static void push_back(struct wheel_timer *head, struct wheel_timer *t)
{
	t->prev = head->prev;
	t->next = head;
	head->prev->next = t;
	head->prev = t;
}

static void unlink_timer(struct wheel_timer *t)
{
	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->prev = t->next = NULL;
}

/* `earliest` is the first tick that may run: this one in a cascade, else next. */
static void place(struct wheel *w, struct wheel_timer *t, int64_t earliest)
{
	int64_t due = t->due.us >= INT64_MAX - US_PER_SEC ? INT64_MAX
							  : tick_of(t->due);
	int64_t dist;
	int level = 0;

	if (due < earliest)
		due = earliest;
	dist = due - w->tick;
	if (dist >= SPAN_MAX) {
		due = w->tick + SPAN_MAX - 1;
		dist = SPAN_MAX - 1;
	}
	while (dist >> (BITS * (level + 1)))
		level++;
	t->level = (uint8_t)level;
	t->slot = (uint8_t)(due >> (BITS * level) & MASK);
	push_back(&w->slots[level][t->slot], t);
	w->occupied[level] |= UINT64_C(1) << t->slot;
}

static void take_out(struct wheel *w, struct wheel_timer *t)
{
	struct wheel_timer *head = &w->slots[t->level][t->slot];

	unlink_timer(t);
	if (head->next == head)
		w->occupied[t->level] &= ~(UINT64_C(1) << t->slot);
}

void wheel_arm(struct wheel *w, struct wheel_timer *t, struct mono due)
{
	BUG_ON(!t->fn);
	if (wheel_armed(t))
		wheel_cancel(w, t);
	t->due = due;
	place(w, t, w->tick + 1);
	w->count++;
}

void wheel_cancel(struct wheel *w, struct wheel_timer *t)
{
	if (!wheel_armed(t))
		return;
	take_out(w, t);
	w->count--;
}

/* Slots between the hand and the next occupied one of a level; -1 if none. */
static int ahead(const struct wheel *w, int level)
{
	unsigned int hand = (unsigned int)(w->tick >> (BITS * level)) & MASK;
	uint64_t occ = w->occupied[level];
	uint64_t turned;

	if (!occ)
		return -1;
	hand = (hand + 1) & MASK;
	turned = hand ? occ >> hand | occ << (64 - hand) : occ;
	return __builtin_ctzll(turned) + 1;
}

/* The next tick at which anything happens: a slot runs or is spread out. */
static int64_t next_tick(const struct wheel *w)
{
	int64_t best = INT64_MAX;

	for (int l = 0; l < WHEEL_LEVELS; l++) {
		int n = ahead(w, l);
		int64_t at;

		if (n < 0)
			continue;
		at = ((w->tick >> (BITS * l)) + n) << (BITS * l);
		if (at < best)
			best = at;
	}
	return best;
}

static void cascade(struct wheel *w, int level)
{
	unsigned int slot = (unsigned int)(w->tick >> (BITS * level)) & MASK;
	struct wheel_timer *head = &w->slots[level][slot];
	struct wheel_timer moved;

	if (head->next == head)
		return;
	moved = *head; /* detach the whole list, then place each anew */
	moved.prev->next = &moved;
	moved.next->prev = &moved;
	head->prev = head->next = head;
	w->occupied[level] &= ~(UINT64_C(1) << slot);
	while (moved.next != &moved) {
		struct wheel_timer *t = moved.next;

		unlink_timer(t);
		place(w, t, w->tick);
	}
}

static size_t run_slot(struct wheel *w)
{
	unsigned int slot = (unsigned int)w->tick & MASK;
	struct wheel_timer *head = &w->slots[0][slot];
	size_t ran = 0;

	/* callbacks may arm and cancel freely: nothing new lands in this slot
	 * before the hand has gone round, as place() starts at tick + 1 */
	while (head->next != head) {
		struct wheel_timer *t = head->next;

		wheel_cancel(w, t);
		ran++;
		t->fn(t, t->ctx);
	}
	return ran;
}

size_t wheel_advance(struct wheel *w, struct mono now)
{
	int64_t target = now.us / US_PER_MS;
	size_t ran = 0;

	while (w->count > 0) {
		int64_t next = next_tick(w);

		if (next > target)
			break;
		w->tick = next;
		for (int l = WHEEL_LEVELS - 1; l > 0; l--)
			if ((w->tick & ((INT64_C(1) << (BITS * l)) - 1)) == 0)
				cascade(w, l);
		ran += run_slot(w);
	}
	if (target > w->tick)
		w->tick = target;
	return ran;
}

struct mono wheel_next(const struct wheel *w)
{
	int64_t tick = w->count ? next_tick(w) : INT64_MAX;

	if (tick >= INT64_MAX / US_PER_MS)
		return MONO_NEVER;
	return (struct mono){ tick * US_PER_MS };
}
