/* SPDX-License-Identifier: MIT */
/*
 * A simulation: whole workers (fleet, leases, engine, journal), data centres and
 * a control plane by the rules of fleet/lease.c, joined by pipes in memory.  Time
 * is a number, chance is a seed: a failing run is repeated by its seed, byte for
 * byte (sim_trace()).
 *
 *	sim.c          the run
 *	sim_faults.c   what goes wrong, and when
 *	sim_hits.def   what can befall a fleet: each is counted when it strikes
 *	sim_check.c    what must hold
 *	sim_events.c   time: a heap of things to come; the trace
 *	sim_net.c      connections with latency, partitions and ends
 *	sim_server.c   a data centre's MTProto: sessions, salts, ids, containers
 *	sim_dc.c       its API: who is who, waits, sending
 *	sim_box.c      its updates: messages, differences
 *	sim_control.c  leases, placement, orders, answers to heartbeats
 *	sim_worker.c   the process: start, kill, freeze, heartbeats
 *
 * Each node has a clock of its own, which runs up to 1 % wrong and whose wall
 * time jumps; the control plane and the data centres are right.
 *
 * What must hold at every step:
 *	no auth key on two connections at once (counted at the clients' ends)
 *	no connection, and not a byte, without the lease the control plane knows
 *	no message delivered twice, unless the account was taken from a node
 *	that did not release it: then what that node told last counts, and what
 *	it delivered since comes again, once.  A channel's place is told in
 *	heartbeats only, so the same is true of a channel after a kill
 *	no call while Telegram told the account to wait, for that call and peer
 *	no message sent twice, whatever was lost, moved, killed or ordered again
 *	no connection for an account that came to its end, until it is granted
 *	anew or has a new session
 *	a message id of a server is handled once
 *	what was delivered is covered by the position written in the same turn
 * At the end, when all is healed:
 *	every account is online once, or at the end Telegram put it to
 *	no message lost, in either direction
 *	nothing is left under way, queued or growing
 */
#ifndef TEST_SIM_SIM_H
#define TEST_SIM_SIM_H

#include "base/log.h"
#include "base/rnd.h"
#include "mtproto/envelope.h"
#include "mtproto/transport.h"
#include "net/loop.h"
#include "tl/dyn.h"
#include "worker/beat.h"
#include "worker/fleet.h"
#include "worker/journal.h"

#define SIM_NODES 4
#define SIM_DCS 2
#define SIM_REPLICAS 2	     /* of the control plane, on one database */
#define SIM_MESSAGES_MAX 256 /* of one account's box */
#define SIM_START_SEC INT64_C(1790000000)
#define SIM_BEAT_US (5 * US_PER_SEC)
#define SIM_TTL_US (15 * US_PER_SEC)
/* The least lease_rules_check() takes: two clocks that run 1 % wrong. */
#define SIM_GRACE_US (SIM_TTL_US / 50)
#define SIM_RATE_MAX 10000 /* of a million: 1 % */
#define SIM_CHAT INT64_C(55)
#define SIM_CHANNEL_BASE INT64_C(1000000000000) /* as bots see them */
#define SIM_SESSIONS_MAX 2			/* of an account at a dc */
#define SIM_IDS_MAX 64
#define SIM_UNACKED_MAX 32
#define SIM_REPLIES_MAX 40

enum sim_hit {
#define SIM_HIT(name, text) HIT_##name,
#include "sim_hits.def"
#undef SIM_HIT
	HITS
};

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
	SIM_BEAT_AT,   /* a: node, b: tag, at the control plane; data */
	SIM_ANSWER,    /* a: node, b: seq and incarnation; data */
	SIM_BEAT_LOST,
	SIM_SESSION, /* a: node, b: fetch; data: the account's number */
	SIM_FAULT,
	SIM_HEAL, /* a: enum fault, b: node or dc */
	SIM_TALK, /* somebody writes to an account */
	SIM_PUSH, /* a: account, b: box and id */
	SIM_SEND, /* an account is to write */
};

struct sim_event {
	int64_t at, born;
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
	int64_t version; /* of the session its key is from */
	const struct link_ops *ops;
	void *who;
	bool open, at_client, at_dc;
	bool hole;   /* half open: what is sent arrives nowhere */
	bool inited; /* initConnection was seen */
	struct sim_pipe to_dc, to_client;
	uint64_t session_id; /* last seen at the data centre */
	struct transport transport;
};

/* Before the bytes of SIM_TO_CLIENT: what the checks want to know of them. */
struct sim_note {
	uint64_t session_id;
	uint32_t tells; /* waits, by enum sim_call */
	uint32_t nids;
	uint64_t ids[2 * SIM_REPLIES_MAX];
};

struct sim_sent {
	struct sim_sent *next;
	uint64_t msg_id;
	uint32_t seq_no;
	size_t len;
	uint8_t body[];
};

/* A ring of message ids. */
struct sim_ids {
	uint64_t ids[SIM_IDS_MAX];
	uint32_t at;
};

/* A session at a data centre. */
struct sim_session {
	uint64_t id, used, last_id, link;
	uint32_t seq;
	bool announced;		  /* new_session_created was said */
	struct sim_ids seen;	  /* the client's */
	struct sim_ids heard;	  /* ours, that came to the client */
	struct sim_sent *unacked; /* oldest first */
	uint32_t nunacked;
};

struct sim_auth {
	uint64_t salt;
	struct sim_session sessions[SIM_SESSIONS_MAX];
};

/* The calls that may be told to wait. */
enum sim_call {
	CALL_SELF,
	CALL_STATE,
	CALL_DIFF,
	CALL_CHANNEL,
	CALL_SEND,
	CALL_SLOW, /* sending to the channel */
	CALLS
};

struct sim_wait {
	bool due;      /* the next such call is told to wait */
	int64_t until; /* as the data centre said it */
	int64_t heard; /* when the client did */
	int told;      /* and on which node - 1; 0: nobody */
};

enum sim_mark {
	MARK_OWN = 1,	  /* the account wrote it */
	MARK_SKIPPED = 2, /* it need not come */
};

/* Messages; their ids are the counter (pts) they came with. */
struct sim_box {
	int pts, pushed;
	bool anew; /* nobody knows its place: the next that comes begins it */
	uint8_t got[SIM_MESSAGES_MAX];
	uint8_t again[SIM_MESSAGES_MAX]; /* so often more it may come */
	uint8_t mark[SIM_MESSAGES_MAX];
};

enum { BOX_COMMON, BOX_CHANNEL, BOXES };

/* Why an account is dead; 0: it is not. */
struct sim_end {
	enum sim_hit hit;
	int32_t code;
	const char *error;
	enum account_state state;
	enum wire_status status;
};

struct sim_account {
	char name[16];
	struct authkey key;
	int64_t version; /* of its session */
	int home;	 /* data centre */
	int wanted;	 /* node, as the operator has it */
	const struct sim_end *dead;
	/* control plane */
	int holder; /* -1 */
	int64_t epoch;
	bool released;
	int64_t renewals;
	struct lease_watch watch[SIM_REPLICAS];
	bool has_pos;
	struct wire_position pos; /* as told by the last to have it */
	struct wire_channel channel;
	enum wire_status status;
	struct wire_limit limits[WIRE_LIMITS_MAX];
	char words[WIRE_LIMITS_MAX][2][64];
	size_t nlimits;
	/* world */
	int live;      /* connections at the clients' ends */
	uint64_t link; /* the one the data centre pushes to */
	uint64_t lost; /* the process that had it was killed: what was told last
			  counts, at the next grant; 0: it was not */
	int64_t ended_epoch, ended_version; /* it came to its end under */
	struct sim_auth auth[SIM_DCS + 1];
	struct sim_wait waits[CALLS];
	struct sim_box boxes[BOXES];
};

/* A message an account is to send: ordered until the order succeeds. */
struct sim_send {
	int account, node; /* the node that has the order; -1: nobody */
	int64_t peer, random_id;
	int tries, stored, id;
	uint64_t incarnation;
	int64_t again_at; /* the operator's patience after a failure */
	bool done, big;
};

struct sim;

struct sim_clock {
	struct clock clock; /* first */
	const struct sim *sim;
	int64_t base_us, rate, wall_off_us;
};

/* What was delivered in the present turn, should it not be written. */
struct sim_fresh {
	int account, id;
};

struct sim_worker {
	struct sim *sim;
	int node;
	uint64_t incarnation; /* 0: not running */
	int64_t boots;
	bool frozen, cut_control, cut_dc;
	bool doomed; /* to be killed in the middle of a turn */
	int64_t frozen_at;
	struct sim_clock clock;
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
	uint64_t fetches;
	struct sim_fresh *fresh;
	size_t nfresh, fresh_cap, journal_was;
	char path[64];
	/* at the control plane */
	uint64_t known_boot;
	int64_t known_seq;
};

/* What a data centre is about to say on one connection. */
struct sim_reply {
	struct sim_link *link;
	struct sim_session *session;
	struct sim_note note;
	uint32_t n;
	uint64_t ids[SIM_REPLIES_MAX];
	uint32_t seqs[SIM_REPLIES_MAX];
	size_t ends[SIM_REPLIES_MAX];
	struct buf bytes, body, out;
	struct arena arena;
};

struct sim {
	uint64_t seed;
	struct rnd_seeded rnd;
	struct mono now;
	uint64_t trace;
	struct sim_event *heap;
	size_t nheap, heap_cap, heap_max;
	uint64_t order, steps;
	struct sim_account *accounts;
	int naccounts;
	struct sim_worker workers[SIM_NODES];
	struct sim_link **links;
	uint64_t nlinks, links_cap;
	struct sim_reply reply;
	struct sim_send *sends;
	int nsends, sends_cap, first_open;
	int64_t *held; /* scratch: epochs a beat tells of, by account */
	bool dc_down[SIM_DCS + 1], replica_down[SIM_REPLICAS], calm;
	int replica; /* of the control plane: has the present beat */
	struct mono heard[SIM_NODES];
	uint64_t connects, delivered, beats;
	uint64_t hits[HITS];
	int watched; /* account; -1: none */
	char dir[32];
};

/* Prints the seed and ends the program. */
_Noreturn void sim_fail(struct sim *s, const char *fmt, ...) PRINTF_FMT(2, 3);
/* What befalls the account that is watched (--watch). */
void sim_say(struct sim *s, const struct sim_account *a, const char *fmt, ...)
	PRINTF_FMT(3, 4);
int64_t sim_now(const struct sim *s);
struct wall sim_wall(const struct sim *s);
int64_t sim_between(struct sim *s, int64_t min, int64_t max);
bool sim_chance(struct sim *s, unsigned int percent);
struct sim_account *sim_some_account(struct sim *s);
static inline void sim_hit(struct sim *s, enum sim_hit hit)
{
	s->hits[hit]++;
}
/* The account's channel, as bots see it. */
static inline int64_t sim_channel(int account)
{
	return -SIM_CHANNEL_BASE - 5000 - account;
}
static inline int sim_number(const struct sim *s, const struct sim_account *a)
{
	return (int)(a - s->accounts);
}

/* sim_events.c: data is copied, or taken (sim_plan_again). */
void sim_plan(struct sim *s, int64_t delay_us, enum sim_what what, uint64_t a,
	      uint64_t b, const void *data, size_t len);
void sim_plan_again(struct sim *s, int64_t delay_us, struct sim_event *ev);
bool sim_next_event(struct sim *s, int64_t before, struct sim_event *ret);
void sim_drop_events(struct sim *s);
/* All that happens goes into one number. */
void sim_trace(struct sim *s, const void *data, size_t len);

/* sim_faults.c */
void sim_faults_strike(struct sim *s);
void sim_faults_heal(struct sim *s, const struct sim_event *ev);
void sim_faults_end(struct sim *s);

/* sim_check.c */
void sim_check_bounds(struct sim *s);
/* All are where they should be, when all is healed; ... */
void sim_check_online(struct sim *s);
/* ... and then nothing is missing or left. */
void sim_check_end(struct sim *s);
void sim_check_got(struct sim *s, struct sim_account *a, int box, int id);
/* What was delivered in a turn is behind the position written at its end. */
void sim_check_written(struct sim *s, const struct sim_worker *w);
/* It may come once more. */
void sim_check_again(struct sim_box *b, int id);
/* A node is gone with what it knew: what it delivered after what the control
 * plane knows may come again. */
void sim_check_lost(struct sim_account *a, bool common);

/* sim_net.c */
extern const struct fleet_net sim_net;
struct sim_link *sim_link_get(struct sim *s, uint64_t id);
void sim_net_event(struct sim *s, struct sim_event *ev);
/* The part of an event that is the client's: runs inside its loop's turn. */
void sim_net_at_client(struct sim *s, const struct sim_event *ev);
void sim_net_send(struct sim *s, struct sim_link *l, const void *data,
		  size_t len);
/* The data centre hangs up. */
void sim_net_hang_up(struct sim *s, struct sim_link *l);
void sim_net_black_hole(struct sim *s, struct sim_link *l);
void sim_net_free(struct sim *s);

/* sim_server.c */
struct sim_query {
	struct sim_link *link;
	uint64_t msg_id;
	uint32_t id;
	int64_t born; /* when the client sent it */
	const uint8_t *body;
	size_t len;
};
void sim_server_open(struct sim *s, struct sim_link *l);
void sim_server_data(struct sim *s, struct sim_link *l,
		     const struct sim_event *ev);
/* Between begin (false: nobody to talk to) and flush something is said. */
bool sim_server_begin(struct sim *s, struct sim_link *l);
void sim_server_flush(struct sim *s);
void sim_server_result(struct sim *s, const struct sim_query *q,
		       uint16_t function, const struct dyn_val *v);
void sim_server_result_obj(struct sim *s, const struct sim_query *q,
			   uint16_t function, struct dyn *obj);
void sim_server_error(struct sim *s, const struct sim_query *q, int32_t code,
		      const char *name);
void sim_server_push(struct sim *s, struct dyn *obj);
/* An error packet, and nothing more. */
void sim_server_refuse(struct sim *s, struct sim_link *l, int32_t code);
struct sim_session *sim_server_session(struct sim_account *a, int dc,
				       uint64_t id);
void sim_server_forget(struct sim_account *a, int dc);
bool sim_server_seen(const struct sim_ids *r, uint64_t id);
void sim_server_note(struct sim_ids *r, uint64_t id);

/* sim_dc.c: false: the query is as if it had never come. */
bool sim_dc_query(struct sim *s, const struct sim_query *q);

/* sim_box.c */
void sim_box_talk(struct sim *s, struct sim_account *a);
void sim_box_push(struct sim *s, const struct sim_event *ev);
/* A new message in the box; its id, 0: the box is full. */
int sim_box_add(struct sim *s, struct sim_account *a, int box, uint8_t mark);
struct dyn *sim_box_message(struct sim *s, struct sim_account *a, int box,
			    int id);
void sim_box_chats(struct sim *s, struct sim_account *a, struct dyn *in);
struct dyn *sim_box_state(struct sim *s, struct sim_account *a);
void sim_box_difference(struct sim *s, struct sim_account *a,
			const struct sim_query *q);
void sim_box_channel_difference(struct sim *s, struct sim_account *a,
				const struct sim_query *q);

/* sim_control.c */
void sim_control_beat(struct sim *s, const struct sim_event *ev);
void sim_control_place(struct sim *s);
void sim_control_send(struct sim *s);
bool sim_control_lease_is(struct sim *s, const struct account *a, int node);

/* sim_worker.c */
void sim_worker_start(struct sim *s, int node);
/* torn: what the last turn wrote is not there. */
void sim_worker_kill(struct sim *s, int node, bool torn);
void sim_worker_stop(struct sim *s, int node); /* for good: frees it */
void sim_worker_event(struct sim *s, struct sim_event *ev);
/* Into the turn of the node's loop; while frozen it waits.  Takes the data. */
void sim_worker_mail(struct sim *s, int node, struct sim_event *ev);
void sim_worker_turn(struct sim *s, int node);
int64_t sim_worker_due(const struct sim *s, int node);
struct mono sim_worker_mono(const struct sim_worker *w);

#endif /* TEST_SIM_SIM_H */
