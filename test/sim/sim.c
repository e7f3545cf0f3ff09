/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/metrics.h"

#define STORM_US (180 * US_PER_SEC)
/* Longest back-off, a lease that has to run out, a flood wait. */
#define CALM_US (360 * US_PER_SEC)
/* Two minutes of patience with a message, and its order once more. */
#define LAST_US (30 * US_PER_SEC)

static const char *const hit_names[] = {
#define SIM_HIT(name, text) [HIT_##name] = #name ": " text,
#include "sim_hits.def"
#undef SIM_HIT
};

static struct sim *running; /* for the message when something below aborts */
static uint64_t total[HITS];
static int watched = -1;

static void say_seed(void)
{
	if (!running)
		return;
	fprintf(stderr,
		"sim: FAILED at %.3f s, again with: "
		"test/sim/sim --seed %llu --accounts %d\n",
		(double)sim_now(running) / US_PER_SEC,
		(unsigned long long)running->seed, running->naccounts);
	for (int i = 0; i < SIM_NODES; i++)
		unlink(running->workers[i].path);
	rmdir(running->dir);
}

_Noreturn void sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "sim: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	exit(1);
}

void sim_say(struct sim *s, const struct sim_account *a, const char *fmt, ...)
{
	va_list ap;

	if (s->watched != sim_number(s, a))
		return;
	fprintf(stderr, "%10.3f %s: ", (double)sim_now(s) / US_PER_SEC,
		a->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
}

int64_t sim_now(const struct sim *s)
{
	return s->now.us;
}

struct wall sim_wall(const struct sim *s)
{
	return (struct wall){ SIM_START_SEC * US_PER_SEC + s->now.us };
}

int64_t sim_between(struct sim *s, int64_t min, int64_t max)
{
	return min + (int64_t)rnd_below(&s->rnd.rnd, (uint64_t)(max - min + 1));
}

bool sim_chance(struct sim *s, unsigned int percent)
{
	return rnd_below(&s->rnd.rnd, 100) < percent;
}

struct sim_account *sim_some_account(struct sim *s)
{
	return &s->accounts[rnd_below(&s->rnd.rnd, (uint64_t)s->naccounts)];
}

static void talk(struct sim *s)
{
	if (s->calm)
		return;
	for (int i = 0; i < 1 + s->naccounts / 50; i++)
		sim_box_talk(s, sim_some_account(s));
	sim_plan(s, sim_between(s, 50, 1500) * US_PER_MS, SIM_TALK, 0, 0, NULL,
		 0);
}

static void send(struct sim *s)
{
	if (s->calm)
		return;
	for (int i = 0; i < 1 + s->naccounts / 100; i++)
		sim_control_send(s);
	sim_plan(s, sim_between(s, 50, 3000) * US_PER_MS, SIM_SEND, 0, 0, NULL,
		 0);
}

static void trace(struct sim *s, const struct sim_event *ev)
{
	const uint64_t head[] = { (uint64_t)ev->at, ev->what, ev->a, ev->b };

	sim_trace(s, head, sizeof(head));
	sim_trace(s, ev->data, ev->len);
}

static void happen(struct sim *s, struct sim_event *ev)
{
	s->steps++;
	trace(s, ev);
	switch (ev->what) {
	case SIM_FAULT:
		sim_faults_strike(s);
		sim_check_bounds(s);
		break;
	case SIM_HEAL:
		sim_faults_heal(s, ev);
		break;
	case SIM_TALK:
		talk(s);
		break;
	case SIM_SEND:
		send(s);
		break;
	case SIM_PUSH:
		sim_box_push(s, ev);
		break;
	case SIM_BEAT_AT:
		sim_control_beat(s, ev);
		break;
	case SIM_BEAT:
	case SIM_BEAT_SOON:
	case SIM_BEAT_LOST:
	case SIM_ANSWER:
	case SIM_SESSION:
		sim_worker_event(s, ev);
		break;
	default:
		sim_net_event(s, ev);
		break;
	}
}

/* To `until`, from one thing that happens to the next. */
static void run(struct sim *s, int64_t until)
{
	struct sim_event ev;

	for (;;) {
		int64_t due = s->nheap ? s->heap[0].at : INT64_MAX;
		int node = -1;

		for (int i = 0; i < SIM_NODES; i++)
			if (sim_worker_due(s, i) < due) {
				due = sim_worker_due(s, i);
				node = i;
			}
		if (due > until)
			break;
		if (due > sim_now(s))
			s->now.us = due;
		if (node >= 0) {
			sim_worker_turn(s, node);
		} else if (sim_next_event(s, due, &ev)) {
			happen(s, &ev);
			free(ev.data);
		}
	}
	s->now.us = until;
}

static void begin_account(struct sim *s, int i)
{
	struct sim_account *a = &s->accounts[i];
	uint8_t key[AUTHKEY_LEN];

	snprintf(a->name, sizeof(a->name), "a%d", i);
	rnd_fill(&s->rnd.rnd, key, sizeof(key));
	if (authkey_init(&a->key, key))
		abort();
	a->version = 1;
	a->home = 1 + (i & 1);
	a->wanted = i % SIM_NODES;
	a->holder = -1;
	a->waits[CALL_STATE].due = sim_chance(s, 2);
	for (int b = 0; b < BOXES; b++)
		a->boxes[b].anew = true;
	for (int dc = 1; dc <= SIM_DCS; dc++)
		a->auth[dc].salt = rnd_u64(&s->rnd.rnd);
}

static void begin_node(struct sim *s, int i)
{
	struct sim_clock *c = &s->workers[i].clock;

	c->base_us = i * 5000 * US_PER_SEC;
	c->rate = sim_between(s, -SIM_RATE_MAX, SIM_RATE_MAX);
	s->heard[i] = s->now;
	sim_worker_start(s, i);
}

static void begin(struct sim *s)
{
	rnd_seeded_init(&s->rnd, s->seed);
	s->now.us = 1000 * US_PER_SEC;
	strcpy(s->dir, "/tmp/tgfleet-sim.XXXXXX");
	s->accounts = calloc((size_t)s->naccounts, sizeof(*s->accounts));
	s->held = calloc((size_t)s->naccounts, sizeof(*s->held));
	if (!mkdtemp(s->dir) || !s->accounts || !s->held)
		abort();
	buf_init(&s->reply.bytes, 8U << 20);
	buf_init(&s->reply.body, 8U << 20);
	buf_init(&s->reply.out, 8U << 20);
	arena_init(&s->reply.arena, 64U << 20);
	for (int i = 0; i < s->naccounts; i++)
		begin_account(s, i);
	for (int i = 0; i < SIM_NODES; i++)
		begin_node(s, i);
	sim_plan(s, 20 * US_PER_SEC, SIM_FAULT, 0, 0, NULL, 0);
	sim_plan(s, 10 * US_PER_SEC, SIM_TALK, 0, 0, NULL, 0);
	sim_plan(s, 15 * US_PER_SEC, SIM_SEND, 0, 0, NULL, 0);
}

static void end(struct sim *s)
{
	for (int i = 0; i < SIM_NODES; i++)
		sim_worker_stop(s, i);
	sim_drop_events(s);
	sim_net_free(s);
	for (int i = 0; i < s->naccounts; i++) {
		authkey_deinit(&s->accounts[i].key);
		for (int dc = 1; dc <= SIM_DCS; dc++)
			sim_server_forget(&s->accounts[i], dc);
	}
	buf_deinit(&s->reply.bytes);
	buf_deinit(&s->reply.body);
	buf_deinit(&s->reply.out);
	arena_deinit(&s->reply.arena);
	free(s->sends);
	free(s->held);
	free(s->accounts);
	rmdir(s->dir);
}

static void say_run(const struct sim *s)
{
	printf("seed %llu: %d accounts, %llu steps, %llu connections, "
	       "%llu messages in, %d out, %llu beats, trace %016llx\n",
	       (unsigned long long)s->seed, s->naccounts,
	       (unsigned long long)s->steps, (unsigned long long)s->connects,
	       (unsigned long long)s->delivered, s->nsends,
	       (unsigned long long)s->beats, (unsigned long long)s->trace);
}

static uint64_t simulate(uint64_t seed, int naccounts, bool verbose)
{
	struct sim *s = calloc(1, sizeof(*s));
	int64_t lost = metrics_get(METRIC_LEASES_LOST), start;
	uint64_t ret;

	if (!s)
		abort();
	s->seed = seed;
	s->naccounts = naccounts;
	s->watched = watched;
	running = s;
	begin(s);
	start = sim_now(s);
	run(s, start + STORM_US);
	sim_faults_end(s);
	run(s, start + STORM_US + CALM_US);
	sim_check_online(s);
	for (int i = 0; i < 2 * naccounts; i++)
		sim_box_talk(s, &s->accounts[i / 2]);
	run(s, sim_now(s) + LAST_US);
	sim_check_end(s);
	s->hits[HIT_LEASE_LOST] +=
		(uint64_t)(metrics_get(METRIC_LEASES_LOST) - lost);
	if (verbose)
		say_run(s);
	for (int i = 0; i < HITS; i++)
		total[i] += s->hits[i];
	ret = s->trace;
	end(s);
	running = NULL;
	free(s);
	return ret;
}

static void quiet(void *ctx, const char *line)
{
	if (getenv("SIM_LOG"))
		fprintf(stderr, "%10.3f %s\n",
			running ? (double)sim_now(running) / US_PER_SEC : 0.0,
			line);
}

/* A run repeats itself, whatever ran in the process before it. */
static int replay(uint64_t seed, uint64_t n, int accounts)
{
	for (uint64_t i = 0; i < n; i++) {
		uint64_t first = simulate(seed + i, accounts, false), again;

		(void)simulate(seed + i + n, accounts / 2 + 1, false);
		again = simulate(seed + i, accounts, false);
		if (first != again) {
			fprintf(stderr,
				"sim: seed %llu of %d accounts is not the same "
				"twice: trace %016llx, then %016llx\n",
				(unsigned long long)(seed + i), accounts,
				(unsigned long long)first,
				(unsigned long long)again);
			return 1;
		}
	}
	return 0;
}

/* Nothing of sim_hits.def may stay away from many seeds. */
static int check_hits(bool print)
{
	int missing = 0;

	for (int i = 0; i < HITS; i++) {
		if (print)
			printf("%10llu  %s\n", (unsigned long long)total[i],
			       hit_names[i]);
		if (total[i])
			continue;
		fprintf(stderr, "sim: never happened: %s\n", hit_names[i]);
		missing++;
	}
	return missing ? 1 : 0;
}

struct args {
	uint64_t seed, seeds;
	int accounts;
	bool replay, all_hits, hits;
};

static int run_seeds(const struct args *a)
{
	for (uint64_t i = 0; i < a->seeds; i++)
		(void)simulate(a->seed + i, a->accounts, a->seeds == 1);
	printf("sim: %llu seeds of %d accounts from %llu: ok\n",
	       (unsigned long long)a->seeds, a->accounts,
	       (unsigned long long)a->seed);
	if (a->all_hits || a->hits)
		return check_hits(a->hits) && a->all_hits;
	return 0;
}

static bool read_args(struct args *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seeds", required_argument, NULL, 'n' },
		{ "accounts", required_argument, NULL, 'a' },
		{ "watch", required_argument, NULL, 'w' },
		{ "replay", no_argument, NULL, 'r' },
		{ "all-hits", no_argument, NULL, 'A' },
		{ "hits", no_argument, NULL, 'H' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			a->seed = strtoull(optarg, NULL, 10);
		else if (c == 'n')
			a->seeds = strtoull(optarg, NULL, 10);
		else if (c == 'a')
			a->accounts = atoi(optarg);
		else if (c == 'w')
			watched = atoi(optarg);
		else if (c == 'r')
			a->replay = true;
		else if (c == 'A')
			a->all_hits = true;
		else if (c == 'H')
			a->hits = true;
		else
			return false;
	}
	return a->accounts >= 1 && a->accounts <= FLEET_ACCOUNTS_MAX;
}

int main(int argc, char **argv)
{
	struct args a = { .seed = 1, .seeds = 1, .accounts = 30 };

	if (!read_args(&a, argc, argv))
		return 2;
	log_set_sink(quiet, NULL);
	atexit(say_seed);
	return a.replay ? replay(a.seed, a.seeds, a.accounts) : run_seeds(&a);
}
