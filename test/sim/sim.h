/* SPDX-License-Identifier: MIT */
/*
 * A simulation: whole workers (fleet, leases, engine, journal), data centres and
 * a control plane by the rules of fleet/lease.c, joined by pipes in memory.  Time
 * is a number, chance is a seed: a failing run is repeated by its seed.
 *
 *	sim.c          the run: faults, what must hold at the end
 *	sim_events.c   time: a heap of things to come
 *	sim_net.c      connections with latency, partitions and ends
 *	sim_dc.c       the data centres' side of a connection
 *	sim_control.c  leases, placement, answers to heartbeats
 *	sim_worker.c   the process: start, kill, freeze, heartbeats
 *
 * What must hold at every step:
 *	no auth key on two connections at once (counted at the clients' ends)
 *	no connection, and not a byte, without a lease
 *	no message delivered twice, unless the account was taken from a node
 *	that did not release it: then what that node told last counts, and
 *	what it delivered since comes again
 *	at the end: no message lost
 *	no call while Telegram told the account to wait
 */
#ifndef TEST_SIM_SIM_H
#define TEST_SIM_SIM_H

#include "base/log.h"
#include "base/rnd.h"
#include "fakedc.h"
#include "net/loop.h"
#include "worker/beat.h"
#include "worker/fleet.h"
#include "worker/journal.h"

#define SIM_NODES 4
#define SIM_DCS 2
#define SIM_MESSAGES_MAX 256 /* of one account */
#define SIM_START_SEC INT64_C(1790000000)
#define SIM_BEAT_US (5 * US_PER_SEC)
#define SIM_TTL_US (15 * US_PER_SEC)
#define SIM_GRACE_US (5 * US_PER_SEC)

enum sim_what {
	SIM_OPEN,    /* a: link */
	SIM_REFUSED, /* a: link */
	SIM_TO_DC,   /* a: link; data */
	SIM_TO_CLIENT,
	SIM_END_AT_DC, /* a: link */
	SIM_END_AT_CLIENT,
	SIM_CLOSED,    /* a: link, b: reason; what link_close() promised */
	SIM_BEAT,      /* a: node, b: incarnation */
	SIM_BEAT_SOON, /* the same, out of turn */
	SIM_BEAT_AT,   /* the same at the control plane; data */
	SIM_ANSWER,    /* a: node, b: seq and incarnation; data */
	SIM_BEAT_LOST,
	SIM_FAULT,
	SIM_HEAL, /* a: enum sim_fault, b: node or dc */
	SIM_TALK, /* somebody writes to an account */
};

struct sim_event {
	int64_t at;
	uint64_t order, a, b;
	enum sim_what what;
	uint8_t *data;
	size_t len;
};

/* One direction: bytes arrive in the order they were sent. */
struct sim_pipe {
	uint64_t sent, arrived;
};

struct sim_link {
	uint64_t id, incarnation;
	int node, account, dc;
	const struct link_ops *ops;
	void *who;
	bool open, at_client, at_dc;
	struct sim_pipe to_dc, to_client;
	struct fakedc *server;
};

struct sim_account {
	char name[16];
	uint8_t key[AUTHKEY_LEN];
	int home;   /* data centre */
	int wanted; /* node, as the operator has it */
	/* control plane */
	int holder; /* -1 */
	int64_t epoch;
	bool released, answered_known;
	struct mono answered;
	/* world */
	int live; /* connections at the clients' ends */
	int pts;  /* = messages written so far */
	bool flood;
	int64_t flood_until;
	uint64_t flood_link; /* told on this one, */
	int told;	     /* and heard by this node - 1; 0: not */
	uint64_t link;	     /* the one the data centre would push to */
	bool taken;	     /* from a node that could not say where it was */
	bool has_pos;
	struct wire_position pos; /* as told by the last to have it */
	struct wire_limit limits[WIRE_LIMITS_MAX];
	char words[WIRE_LIMITS_MAX][2][64];
	size_t nlimits;
	uint8_t got[SIM_MESSAGES_MAX];
};

struct sim;

struct sim_worker {
	struct sim *sim;
	int node;
	uint64_t incarnation; /* 0: not running */
	bool frozen, cut_control, cut_dc;
	struct loop *loop;
	struct fleet fleet;
	struct orders orders;
	struct beat beat;
	struct node id;
	struct journal journal;
	struct telegram telegram;
	struct loop_call inbox;
	struct sim_event *mail; /* arrived, to be handed over in the turn */
	size_t nmail, mail_cap;
	bool beating, beat_planned;
	char path[64];
};

struct sim {
	uint64_t seed;
	struct rnd_seeded rnd;
	struct clock_manual clock;
	struct sim_event *heap;
	size_t nheap, heap_cap;
	uint64_t order, steps;
	struct sim_account *accounts;
	int naccounts;
	struct sim_worker workers[SIM_NODES];
	struct sim_link **links;
	uint64_t nlinks, links_cap;
	bool dc_down[SIM_DCS + 1], control_down, calm;
	struct mono control_started;
	struct mono heard[SIM_NODES];
	uint64_t connects, delivered, beats, takeovers;
	char dir[32];
};

/* Prints the seed and ends the program. */
_Noreturn void sim_fail(struct sim *s, const char *fmt, ...) PRINTF_FMT(2, 3);
int64_t sim_now(const struct sim *s);
int64_t sim_between(struct sim *s, int64_t min, int64_t max);
bool sim_chance(struct sim *s, unsigned int percent);

/* sim_events.c: data is copied. */
void sim_plan(struct sim *s, int64_t delay_us, enum sim_what what, uint64_t a,
	      uint64_t b, const void *data, size_t len);
bool sim_next_event(struct sim *s, int64_t before, struct sim_event *ret);
void sim_drop_events(struct sim *s);

/* sim_net.c */
extern const struct fleet_net sim_net;
struct sim_link *sim_link_get(struct sim *s, uint64_t id);
void sim_net_event(struct sim *s, const struct sim_event *ev);
/* The part of an event that is the client's: runs inside its loop's turn. */
void sim_net_at_client(struct sim *s, const struct sim_event *ev);
/* What the data centre wrote into l->server->out. */
void sim_net_send(struct sim *s, struct sim_link *l);
/* The data centre hangs up. */
void sim_net_hang_up(struct sim *s, struct sim_link *l);
void sim_net_free(struct sim *s);

/* sim_dc.c */
void sim_dc_data(struct sim *s, struct sim_link *l, const uint8_t *data,
		 size_t len);
void sim_dc_talk(struct sim *s, struct sim_account *a);

/* sim_control.c */
void sim_control_beat(struct sim *s, const struct sim_event *ev);
void sim_control_move(struct sim_account *a, int node);
void sim_control_place(struct sim *s);

/* sim_worker.c */
void sim_worker_start(struct sim *s, int node);
void sim_worker_kill(struct sim *s, int node);
void sim_worker_stop(struct sim *s, int node); /* for good: frees it */
void sim_worker_event(struct sim *s, const struct sim_event *ev);
/* Into the turn of the node's loop; while frozen it waits. */
void sim_worker_mail(struct sim *s, int node, const struct sim_event *ev);
void sim_worker_turn(struct sim *s, int node);
int64_t sim_worker_due(const struct sim *s, int node);

#endif /* TEST_SIM_SIM_H */
