/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define STORM_US (180 * US_PER_SEC)
/* Longest back-off, a lease that has to run out, a flood wait. */
#define CALM_US (240 * US_PER_SEC)

enum fault {
	CUT_CONTROL, /* node */
	CUT_DC,	     /* node */
	FREEZE,	     /* node */
	KILL,	     /* node */
	DC_DOWN,     /* dc */
	CONTROL_DOWN,
	HANG_UP, /* some connections */
	MOVE,	 /* some accounts, to other nodes */
	FLOOD,	 /* some accounts */
	MIGRATE, /* some accounts, to the other data centre */
	FAULTS,
};

static struct sim *running; /* for the message when something below aborts */

static void say_seed(void)
{
	if (running)
		fprintf(stderr,
			"sim: FAILED: --seed %llu --accounts %d at %.3f s\n",
			(unsigned long long)running->seed, running->naccounts,
			(double)sim_now(running) / US_PER_SEC);
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

int64_t sim_now(const struct sim *s)
{
	return s->clock.mono.us;
}

int64_t sim_between(struct sim *s, int64_t min, int64_t max)
{
	return min + (int64_t)rnd_below(&s->rnd.rnd, (uint64_t)(max - min + 1));
}

bool sim_chance(struct sim *s, unsigned int percent)
{
	return rnd_below(&s->rnd.rnd, 100) < percent;
}

static struct sim_account *some_account(struct sim *s)
{
	return &s->accounts[rnd_below(&s->rnd.rnd, (uint64_t)s->naccounts)];
}

static void fault_of_accounts(struct sim *s, enum fault f)
{
	int n = 1 + s->naccounts / 10;

	for (int i = 0; i < n; i++) {
		struct sim_account *a = some_account(s);
		struct sim_link *l = sim_link_get(s, a->link);

		if (f == MOVE)
			sim_control_move(a,
					 (int)sim_between(s, 0, SIM_NODES - 1));
		if (f == FLOOD)
			a->flood = true;
		if (f == MIGRATE)
			a->home = 3 - a->home;
		if (l)
			sim_net_hang_up(s, l);
	}
}

static void dc_goes_down(struct sim *s, int dc)
{
	s->dc_down[dc] = true;
	for (uint64_t i = 0; i < s->nlinks; i++)
		if (s->links[i] && s->links[i]->dc == dc)
			sim_net_hang_up(s, s->links[i]);
}

static void control_goes_down(struct sim *s)
{
	s->control_down = true;
	for (int i = 0; i < s->naccounts; i++)
		s->accounts[i].answered_known = false;
}

static void fault(struct sim *s)
{
	enum fault f = (enum fault)rnd_below(&s->rnd.rnd, FAULTS);
	int node = (int)sim_between(s, 0, SIM_NODES - 1);
	int where = f == DC_DOWN ? 1 + node % SIM_DCS : node;

	if (s->calm)
		return;
	switch (f) {
	case CUT_CONTROL:
		s->workers[node].cut_control = true;
		break;
	case CUT_DC:
		s->workers[node].cut_dc = true;
		break;
	case FREEZE:
		s->workers[node].frozen = s->workers[node].incarnation != 0;
		break;
	case KILL:
		sim_worker_kill(s, node);
		break;
	case DC_DOWN:
		dc_goes_down(s, where);
		break;
	case CONTROL_DOWN:
		control_goes_down(s);
		break;
	default:
		fault_of_accounts(s, f);
		break;
	}
	sim_plan(s, sim_between(s, 1, 40) * US_PER_SEC, SIM_HEAL, f,
		 (uint64_t)where, NULL, 0);
	sim_plan(s, sim_between(s, 500, 8000) * US_PER_MS, SIM_FAULT, 0, 0,
		 NULL, 0);
}

static void heal(struct sim *s, enum fault f, int where)
{
	switch (f) {
	case CUT_CONTROL:
		s->workers[where].cut_control = false;
		break;
	case CUT_DC:
		s->workers[where].cut_dc = false;
		break;
	case FREEZE:
		s->workers[where].frozen = false;
		sim_worker_turn(s, where);
		break;
	case KILL:
		sim_worker_start(s, where);
		break;
	case DC_DOWN:
		s->dc_down[where] = false;
		break;
	case CONTROL_DOWN:
		if (s->control_down)
			s->control_started = s->clock.mono;
		s->control_down = false;
		break;
	default:
		break;
	}
}

static void become_calm(struct sim *s)
{
	s->calm = true;
	for (int i = 0; i < SIM_NODES; i++) {
		heal(s, CUT_CONTROL, i);
		heal(s, CUT_DC, i);
		heal(s, KILL, i);
		heal(s, FREEZE, i);
	}
	for (int i = 1; i <= SIM_DCS; i++)
		s->dc_down[i] = false;
	heal(s, CONTROL_DOWN, 0);
}

static void talk(struct sim *s)
{
	if (s->calm)
		return;
	for (int i = 0; i < 1 + s->naccounts / 50; i++)
		sim_dc_talk(s, some_account(s));
	sim_plan(s, sim_between(s, 50, 1500) * US_PER_MS, SIM_TALK, 0, 0, NULL,
		 0);
}

static void happen(struct sim *s, const struct sim_event *ev)
{
	s->steps++;
	switch (ev->what) {
	case SIM_FAULT:
		fault(s);
		break;
	case SIM_HEAL:
		heal(s, (enum fault)ev->a, (int)ev->b);
		break;
	case SIM_TALK:
		talk(s);
		break;
	case SIM_BEAT_AT:
		sim_control_beat(s, ev);
		break;
	case SIM_BEAT:
	case SIM_BEAT_SOON:
	case SIM_BEAT_LOST:
	case SIM_ANSWER:
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
			clock_manual_advance(&s->clock, due - sim_now(s));
		if (node >= 0) {
			sim_worker_turn(s, node);
		} else if (sim_next_event(s, due, &ev)) {
			happen(s, &ev);
			free(ev.data);
		}
	}
	clock_manual_advance(&s->clock, until - sim_now(s));
}

static bool is_online(struct sim *s, const struct sim_account *a)
{
	int n = 0;

	for (int i = 0; i < SIM_NODES; i++) {
		struct account *w = fleet_find(&s->workers[i].fleet, a->name);

		if (w && account_state(w) == ACCOUNT_ONLINE)
			n++;
	}
	return n == 1 && a->live == 1;
}

static void say_why(struct sim *s, const struct sim_account *a)
{
	for (int i = 0; i < SIM_NODES; i++) {
		struct account *w = fleet_find(&s->workers[i].fleet, a->name);

		if (w)
			fprintf(stderr, "sim: %s on n%d: %s: %s\n", a->name, i,
				sm_state_name(&w->sm, w->sm.state),
				w->fault.message ? w->fault.message : "");
	}
	sim_fail(s, "%s is not online (wanted on n%d, holder n%d, %d links)",
		 a->name, a->wanted, a->holder, a->live);
}

/* Everything once; more than once only what was taken over. */
static void check_messages(struct sim *s, const struct sim_account *a,
			   int last_from)
{
	int from = 1;

	while (from <= a->pts && !a->got[from])
		from++;
	if (from > last_from)
		from = last_from;
	for (int id = from; id <= a->pts; id++)
		if (!a->got[id] || (a->got[id] > 1 && !a->taken))
			sim_fail(s, "%s got message %d of %d %d times", a->name,
				 id, a->pts, a->got[id]);
}

static void check_end(struct sim *s)
{
	for (int i = 0; i < s->naccounts; i++)
		if (!is_online(s, &s->accounts[i]))
			say_why(s, &s->accounts[i]);
	for (int i = 0; i < s->naccounts; i++)
		for (int n = 0; n < 2; n++)
			sim_dc_talk(s, &s->accounts[i]);
	run(s, sim_now(s) + 20 * US_PER_SEC);
	for (int i = 0; i < s->naccounts; i++)
		check_messages(s, &s->accounts[i], s->accounts[i].pts - 1);
}

static void begin(struct sim *s)
{
	rnd_seeded_init(&s->rnd, s->seed);
	clock_manual_init(&s->clock, (struct mono){ 1000 * US_PER_SEC },
			  (struct wall){ (SIM_START_SEC + 1000) * US_PER_SEC });
	strcpy(s->dir, "/tmp/tgfleet-sim.XXXXXX");
	s->accounts = calloc((size_t)s->naccounts, sizeof(*s->accounts));
	if (!mkdtemp(s->dir) || !s->accounts)
		abort();
	s->control_started = s->clock.mono;
	for (int i = 0; i < s->naccounts; i++) {
		struct sim_account *a = &s->accounts[i];

		snprintf(a->name, sizeof(a->name), "a%d", i);
		rnd_fill(&s->rnd.rnd, a->key, sizeof(a->key));
		a->home = 1 + (i & 1);
		a->wanted = i % SIM_NODES;
		a->holder = -1;
	}
	for (int i = 0; i < SIM_NODES; i++) {
		s->heard[i] = s->clock.mono;
		sim_worker_start(s, i);
	}
	sim_plan(s, 20 * US_PER_SEC, SIM_FAULT, 0, 0, NULL, 0);
	sim_plan(s, 10 * US_PER_SEC, SIM_TALK, 0, 0, NULL, 0);
}

static void end(struct sim *s)
{
	for (int i = 0; i < SIM_NODES; i++)
		sim_worker_stop(s, i);
	sim_drop_events(s);
	sim_net_free(s);
	free(s->accounts);
	rmdir(s->dir);
}

static void simulate(uint64_t seed, int naccounts, bool verbose)
{
	struct sim *s = calloc(1, sizeof(*s));
	int64_t start;

	if (!s)
		abort();
	s->seed = seed;
	s->naccounts = naccounts;
	running = s;
	begin(s);
	start = sim_now(s);
	run(s, start + STORM_US);
	become_calm(s);
	run(s, start + STORM_US + CALM_US);
	check_end(s);
	if (verbose)
		printf("seed %llu: %d accounts, %llu steps, %llu connections, "
		       "%llu messages, %llu beats, %llu takeovers\n",
		       (unsigned long long)seed, naccounts,
		       (unsigned long long)s->steps,
		       (unsigned long long)s->connects,
		       (unsigned long long)s->delivered,
		       (unsigned long long)s->beats,
		       (unsigned long long)s->takeovers);
	end(s);
	running = NULL;
	free(s);
}

static void quiet(void *ctx, const char *line)
{
	if (getenv("SIM_LOG"))
		fprintf(stderr, "%10.3f %s\n",
			running ? (double)sim_now(running) / US_PER_SEC : 0.0,
			line);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seeds", required_argument, NULL, 'n' },
		{ "accounts", required_argument, NULL, 'a' },
		{ 0 },
	};
	uint64_t seed = 1, n = 1;
	int accounts = 30, c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (c == 'n')
			n = strtoull(optarg, NULL, 10);
		else if (c == 'a')
			accounts = atoi(optarg);
		else
			return 2;
	}
	if (accounts < 1 || accounts > FLEET_ACCOUNTS_MAX)
		return 2;
	log_set_sink(quiet, NULL);
	atexit(say_seed);
	for (uint64_t i = 0; i < n; i++)
		simulate(seed + i, accounts, n == 1);
	printf("sim: %llu seeds of %d accounts from %llu: ok\n",
	       (unsigned long long)n, accounts, (unsigned long long)seed);
	return 0;
}
