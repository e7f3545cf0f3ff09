/* SPDX-License-Identifier: MIT */
/*
 * Plans by example, and small fleets against every assignment there is: no plan
 * is more even, and none as even moves less.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rnd.h"
#include "fleet/allocate.h"

#define NO ALLOCATE_NOWHERE
#define NODES_MAX 4
#define ACCOUNTS_MAX 7

struct fleet {
	struct allocate_node nodes[NODES_MAX];
	struct allocate_account accounts[32];
	struct allocate_ask ask;
	struct allocate_plan plan;
};

static const char *const ids[] = { "a", "b", "c", "d" };

static void open_nodes(struct fleet *f, size_t n, int64_t max)
{
	*f = (struct fleet){ .ask = { .nodes = f->nodes,
				      .nnodes = n,
				      .accounts = f->accounts } };
	for (size_t i = 0; i < n; i++)
		f->nodes[i] =
			(struct allocate_node){ .node_id = ids[i], .max = max };
}

static void add(struct fleet *f, const char *froms)
{
	for (; *froms; froms++)
		f->accounts[f->ask.naccounts++] = (struct allocate_account){
			.from = *froms == '-' ? NO : (uint32_t)(*froms - 'a'),
			.pin = NO,
		};
}

/* "aab-": where each one is to be. */
static const char *plan(struct fleet *f)
{
	static char text[33];

	assert_int_equal(allocate(&f->ask, &f->plan, NULL), ERR_OK);
	for (size_t i = 0; i < f->ask.naccounts; i++) {
		uint32_t to = f->accounts[i].to;

		text[i] = to == NO ? '-' : (char)('a' + to);
	}
	text[f->ask.naccounts] = '\0';
	return text;
}

/* The document's: 8 accounts, 3 servers of 5. */
static void test_document(void **state)
{
	struct fleet f;

	open_nodes(&f, 3, 5);
	add(&f, "--------");
	assert_string_equal(plan(&f), "aaabbbcc");
	assert_int_equal(f.plan.placed, 8);
	assert_int_equal(f.plan.moved, 0);
	f.ask.strategy = PLACEMENT_ROUND_ROBIN;
	assert_string_equal(plan(&f), "abcabcab");
	f.ask.last = "a";
	assert_string_equal(plan(&f), "bcabcabc");
	f.ask.last = NULL;
	f.ask.strategy = PLACEMENT_LEAST_LOADED;
	f.nodes[0].used = 4;
	assert_string_equal(plan(&f), "bcbcbcbc");
	f.ask.max_per_node = 2;
	assert_string_equal(plan(&f), "bcbc----");
	assert_int_equal(f.plan.homeless, 4);
}

static void test_new_moves_nothing(void **state)
{
	struct fleet f;

	open_nodes(&f, 2, 5);
	add(&f, "aaaa---b");
	assert_string_equal(plan(&f), "aaaabbbb");
	f.nodes[0].kind = ALLOCATE_DRAINING;
	assert_string_equal(plan(&f), "aaaabbbb");
	assert_int_equal(f.plan.moved, 0);
	assert_int_equal(f.plan.left_over, 0);
}

static void test_rebalance(void **state)
{
	struct fleet f;

	open_nodes(&f, 3, 5);
	f.ask.mode = ALLOCATE_REBALANCE;
	/* as even as can be, though not as a new deal would have it */
	add(&f, "abbbccca");
	assert_string_equal(plan(&f), "abbbccca");
	f.accounts[0].from = f.accounts[7].from = 1;
	assert_string_equal(plan(&f), "bbbaccca");
	assert_int_equal(f.plan.moved, 2);
	/* who is fixed counts, and stays */
	for (size_t i = 0; i < 8; i++)
		f.accounts[i].fixed = i != 7;
	assert_string_equal(plan(&f), "bbbbccca");
	/* without room it stays as it is */
	open_nodes(&f, 2, 2);
	f.ask.mode = ALLOCATE_REBALANCE;
	f.nodes[1].kind = ALLOCATE_DRAINING;
	add(&f, "bb-b");
	assert_string_equal(plan(&f), "abab");
	assert_int_equal(f.plan.left_over, 2);
	f.nodes[1].kind = ALLOCATE_CLOSED;
	assert_string_equal(plan(&f), "bbab");
	assert_int_equal(f.plan.left_over, 0);
}

static void test_anew(void **state)
{
	struct fleet f;

	open_nodes(&f, 2, 4);
	f.ask.mode = ALLOCATE_ANEW;
	add(&f, "bbaa");
	assert_string_equal(plan(&f), "aabb");
	assert_int_equal(f.plan.moved, 4);
	f.ask.strategy = PLACEMENT_ROUND_ROBIN;
	assert_string_equal(plan(&f), "abab");
	/* two too many on a: they stay, and nobody loses a place */
	open_nodes(&f, 2, 2);
	f.ask.mode = ALLOCATE_ANEW;
	add(&f, "aaaabb-");
	assert_string_equal(plan(&f), "aaaabb-");
}

static void test_pins(void **state)
{
	struct fleet f;

	open_nodes(&f, 2, 2);
	add(&f, "---a");
	f.accounts[0].pin = f.accounts[1].pin = f.accounts[2].pin = 1;
	assert_string_equal(plan(&f), "bb-a");
	assert_int_equal(f.plan.homeless, 1);
	f.accounts[2].pin = NO;
	f.accounts[3].pin = 1;
	assert_string_equal(plan(&f), "bbaa");
	f.ask.mode = ALLOCATE_REBALANCE;
	f.accounts[1].pin = NO;
	assert_string_equal(plan(&f), "baab");
	/* somebody gives up a place for it, if there is another one */
	open_nodes(&f, 2, 2);
	f.ask.mode = ALLOCATE_REBALANCE;
	add(&f, "bb-");
	f.accounts[2].pin = 1;
	assert_string_equal(plan(&f), "bab");
	f.nodes[0].used = 2;
	assert_string_equal(plan(&f), "bb-");
	/* on its pin it stays, whatever the node is about */
	f.nodes[0].used = 0;
	f.nodes[1].kind = ALLOCATE_DRAINING;
	f.accounts[1].pin = 1;
	assert_string_equal(plan(&f), "ab-");
}

/* --- against everything --- */

/* Multiples of 60 stand for shares of a room of 1 to 6. */
static int64_t key(const struct fleet *f, uint32_t node, int64_t load,
		   int64_t given)
{
	const int64_t max = f->nodes[node].max;

	switch (f->ask.strategy) {
	case PLACEMENT_BALANCED:
		return (load + given) * 60 / max;
	case PLACEMENT_LEAST_LOADED:
		return load + given;
	case PLACEMENT_ROUND_ROBIN:
		break;
	}
	return given;
}

struct score {
	int64_t unplaced, cost, moves;
};

static bool loose(const struct fleet *f, size_t i)
{
	const struct allocate_account *a = &f->accounts[i];

	if (a->fixed)
		return false;
	return a->from == NO || (f->ask.mode != ALLOCATE_NEW &&
				 f->nodes[a->from].kind != ALLOCATE_CLOSED);
}

/* An account that has to leave and cannot counts as unplaced. */
static bool score(const struct fleet *f, const uint32_t *to, struct score *ret)
{
	int64_t load[NODES_MAX] = { 0 }, got[NODES_MAX] = { 0 };
	bool above[NODES_MAX];

	*ret = (struct score){ 0 };
	for (size_t i = 0; i < f->ask.nnodes; i++)
		load[i] = f->nodes[i].used;
	for (size_t i = 0; i < f->ask.naccounts; i++)
		if (!loose(f, i) && f->accounts[i].from != NO)
			load[f->accounts[i].from]++;
	for (size_t i = 0; i < f->ask.nnodes; i++)
		above[i] = load[i] > f->nodes[i].max;
	for (size_t i = 0; i < f->ask.naccounts; i++) {
		if (!loose(f, i))
			continue;
		if (to[i] == NO || f->nodes[to[i]].kind != ALLOCATE_OPEN) {
			if (to[i] != f->accounts[i].from)
				return false;
			ret->unplaced++;
			continue;
		}
		ret->moves += f->accounts[i].from != NO &&
			      f->accounts[i].from != to[i];
		got[to[i]]++;
	}
	for (uint32_t i = 0; i < f->ask.nnodes; i++) {
		if (got[i] && (above[i] || load[i] + got[i] > f->nodes[i].max))
			return false;
		for (int64_t k = 0; k < got[i]; k++)
			ret->cost += key(f, i, load[i], k);
	}
	return true;
}

static bool better(const struct score *a, const struct score *b)
{
	if (a->unplaced != b->unplaced)
		return a->unplaced < b->unplaced;
	if (a->cost != b->cost)
		return a->cost < b->cost;
	return a->moves < b->moves;
}

static struct score best_of_all(const struct fleet *f)
{
	const uint32_t base = (uint32_t)f->ask.nnodes + 1;
	struct score best = { INT64_MAX, 0, 0 }, s;
	uint32_t to[ACCOUNTS_MAX], all = 1;

	for (size_t i = 0; i < f->ask.naccounts; i++)
		all *= base;
	for (uint32_t x = 0; x < all; x++) {
		uint32_t rest = x;
		bool same = true;

		for (size_t i = 0; i < f->ask.naccounts; i++) {
			to[i] = rest % base == base - 1 ? NO : rest % base;
			rest /= base;
			same = same &&
			       (loose(f, i) || to[i] == f->accounts[i].from);
		}
		if (same && score(f, to, &s) && better(&s, &best))
			best = s;
	}
	return best;
}

/* Nobody is above its room, unless it was before: then it got nothing. */
static void random_fleet(struct fleet *f, struct rnd *r)
{
	static const int64_t rooms[] = { 1, 2, 3, 4, 5, 6 };
	int64_t on[NODES_MAX] = { 0 };

	open_nodes(f, 1 + rnd_below(r, 3), 0);
	f->ask.strategy = (enum placement_strategy)rnd_below(r, 3);
	f->ask.mode = (enum allocate_mode)rnd_below(r, 2);
	for (size_t i = 0; i < f->ask.nnodes; i++) {
		f->nodes[i].max = rooms[rnd_below(r, ARRAY_LEN(rooms))];
		f->nodes[i].kind =
			rnd_below(r, 4) ? ALLOCATE_OPEN
					: (enum allocate_kind)rnd_below(r, 3);
	}
	f->ask.naccounts = 1 + rnd_below(r, 5);
	for (size_t i = 0; i < f->ask.naccounts; i++) {
		uint32_t from = (uint32_t)rnd_below(r, f->ask.nnodes + 1);

		if (from == f->ask.nnodes || on[from] == f->nodes[from].max)
			from = NO;
		else
			on[from]++;
		f->accounts[i] = (struct allocate_account){
			.from = from,
			.pin = NO,
			.fixed = from != NO && rnd_below(r, 4) == 0,
		};
	}
}

static void test_least_moves(void **state)
{
	struct rnd_seeded r;
	int64_t moves = 0, unplaced = 0;

	rnd_seeded_init(&r, 11);
	for (int i = 0; i < 1500; i++) {
		uint32_t to[ACCOUNTS_MAX];
		struct score got, want;
		struct fleet f;

		random_fleet(&f, &r.rnd);
		plan(&f);
		for (size_t k = 0; k < f.ask.naccounts; k++) {
			to[k] = f.accounts[k].to;
			if (!loose(&f, k))
				assert_int_equal(to[k], f.accounts[k].from);
		}
		want = best_of_all(&f);
		assert_true(score(&f, to, &got));
		assert_int_equal(got.unplaced, want.unplaced);
		assert_int_equal(got.cost, want.cost);
		assert_int_equal(got.moves, want.moves);
		assert_int_equal(got.moves, f.plan.moved);
		moves += got.moves;
		unplaced += got.unplaced;
	}
	/* else nothing of it was tested */
	assert_true(moves > 100 && unplaced > 100);
}

/* --- large ones, where only rules can be checked --- */

#define MANY_NODES 50
#define MANY 2000

struct many {
	char names[MANY_NODES][8];
	struct allocate_node nodes[MANY_NODES];
	struct allocate_account accounts[MANY];
	int64_t before[MANY_NODES], after[MANY_NODES];
};

static void make_many(struct many *m, struct rnd *r)
{
	for (uint32_t i = 0; i < MANY_NODES; i++) {
		snprintf(m->names[i], sizeof(m->names[i]), "n%03u", i);
		m->nodes[i] = (struct allocate_node){
			.node_id = m->names[i],
			.kind = rnd_below(r, 5)
					? ALLOCATE_OPEN
					: (enum allocate_kind)rnd_below(r, 3),
			.max = (int64_t)rnd_below(r, 90),
			.used = (int64_t)rnd_below(r, 10),
		};
	}
	for (size_t i = 0; i < MANY; i++)
		m->accounts[i] = (struct allocate_account){
			.from = rnd_below(r, 3)
					? (uint32_t)rnd_below(r, MANY_NODES)
					: NO,
			.pin = rnd_below(r, 20)
				       ? NO
				       : (uint32_t)rnd_below(r, MANY_NODES),
			.fixed = rnd_below(r, 10) == 0,
		};
}

static void check_many(struct many *m, const struct allocate_ask *ask)
{
	for (size_t i = 0; i < MANY_NODES; i++)
		m->before[i] = m->after[i] = m->nodes[i].used;
	for (size_t i = 0; i < MANY; i++) {
		const struct allocate_account *a = &m->accounts[i];

		if (a->from != NO)
			m->before[a->from]++;
		if (a->to != NO)
			m->after[a->to]++;
		if (a->to == a->from)
			continue;
		assert_true(a->to != NO && !a->fixed);
		assert_true(a->pin == NO || a->pin == a->to);
		assert_int_equal(m->nodes[a->to].kind, ALLOCATE_OPEN);
		assert_true(a->from == NO || ask->mode != ALLOCATE_NEW);
	}
	for (size_t i = 0; i < MANY_NODES; i++)
		if (m->after[i] > m->before[i])
			assert_true(m->after[i] <= m->nodes[i].max);
}

static void test_rules(void **state)
{
	struct many *m = calloc(1, sizeof(*m));
	size_t moved = 0, left = 0;
	struct rnd_seeded r;

	assert_non_null(m);
	rnd_seeded_init(&r, 5);
	for (int i = 0; i < 200; i++) {
		struct allocate_plan p;
		struct allocate_ask ask = {
			.strategy = (enum placement_strategy)(i % 3),
			.mode = (enum allocate_mode)(i / 3 % 3),
			.nodes = m->nodes,
			.nnodes = MANY_NODES,
			.accounts = m->accounts,
			.naccounts = MANY,
		};

		make_many(m, &r.rnd);
		assert_int_equal(allocate(&ask, &p, NULL), ERR_OK);
		check_many(m, &ask);
		moved += p.moved;
		left += p.left_over + p.homeless;
	}
	assert_true(moved > 1000 && left > 1000);
	free(m);
}

static void test_limits(void **state)
{
	struct allocate_ask ask = { .naccounts = ALLOCATE_ACCOUNTS_MAX + 1 };
	struct allocate_plan p;
	struct err_info ei;

	assert_int_equal(allocate(&ask, &p, &ei), ERR_TOOBIG);
	assert_non_null(strstr(ei.msg, "2000001"));
	ask.naccounts = 0;
	assert_int_equal(allocate(&ask, &p, &ei), ERR_OK);
	assert_int_equal(p.placed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_new_moves_nothing),
		cmocka_unit_test(test_rebalance),
		cmocka_unit_test(test_anew),
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_least_moves),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
