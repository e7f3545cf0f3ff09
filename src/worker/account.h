/* SPDX-License-Identifier: MIT */
/*
 * One account on this node: its lease, its state, its engine, its connection.
 *
 * The rule above all others: no connection without a valid lease.  account_dial()
 * checks it, and fleet_check_leases(), which the loop runs before it serves any
 * socket, hangs up what has none.
 *
 *   owner     struct fleet; others hold ids
 *   memory    this struct; buffers only while something is under way
 *   threads   the loop's
 *   failure   goes into the account's fault and state, never further
 */
#ifndef WORKER_ACCOUNT_H
#define WORKER_ACCOUNT_H

#include "base/wheel.h"
#include "fleet/lease.h"
#include "net/link.h"
#include "tg/engine.h"
#include "wire/wire_beat.h"
#include "wire/wire_session.h"
#include "worker/account_state.h"

struct fleet;
struct route;

/* Strings of ours, NULL when empty; `advice` is static. */
struct account_fault {
	char *message;
	const char *code, *advice;
};

struct account {
	struct fleet *fleet;
	struct account *next; /* in the bucket of its name */
	uint64_t id;
	char *account_id;
	struct sm sm;
	struct lease_hold lease;
	int64_t released_epoch; /* leases up to it are over */
	uint64_t release_beat;	/* carried by this beat */
	uint64_t seen_beat;	/* the answer to this one named it */
	bool release_due;	/* released_epoch is yet to be reported */
	bool again;		/* start anew once hung up */
	bool pinned_stop;	/* stopped by a command under this lease */
	bool wipe;		/* taken away: forget the session, too */
	bool has_session;
	uint8_t ended;	      /* the end it was taken away from; 0 = none */
	uint8_t end;	      /* state to end in, found by an event; 0 = none */
	uint8_t keys_unknown; /* refusals by error packet, in a row */
	uint8_t moves;	      /* to another data centre, in a row */
	bool keying;	      /* counted in fleet->keying */
	uint8_t at_try;	      /* which of its data centre's addresses */
	uint16_t fails;	      /* in a row */
	uint32_t flood_broken;	 /* calls before their time counted so far */
	int64_t session_version; /* of the session held */
	struct route *route;	 /* NULL: straight to the data centre */
	int64_t route_version, grant_route; /* held, and to be held */
	int64_t grant_version; /* of the session to be fetched; 0 = none */
	char *grant_url;
	uint64_t fetch; /* http request under way */
	struct engine engine;
	uint64_t link;
	struct wheel_timer timer; /* engine's deadline, or end of back-off */
	int64_t wait_us;	  /* Telegram asked for, before the next try */
	int dc_id, home_dc; /* where it is sent to; where its key is from */
	struct addr_host
		*dc_at;	     /* of home_dc if the node does not know; NULL */
	uint64_t flood_seen; /* changes of the flood book kept so far */
	struct updates_pos place;      /* in its updates; pts 0 = not known */
	int64_t place_epoch;	       /* of the lease it was reached under */
	uint64_t place_changed;	       /* as `changed`; 0 = told */
	uint64_t place_beat;	       /* carried by this beat */
	uint32_t peers_kept;	       /* changes of the book kept so far */
	struct mono peers_due;	       /* not kept again before */
	struct wire_channel *channels; /* brought, for the engine to take */
	size_t nchannels;
	struct account_fault fault;
	struct wall state_since, last_activity;
	int64_t received, sent; /* since this process started */
	int64_t user_id;
	char *username, *phone;
	uint64_t changed; /* fleet->changes when something last did */
};

enum err account_new(struct fleet *f, const char *account_id,
		     struct account **ret);
void account_free(struct account *a);

/* Has the right to run: start, if it is not running and not at an end. */
void account_start(struct account *a);
/* Hangs up; when that is done the lease is reported released. */
void account_stop(struct account *a, const char *why);
/* Hangs up and starts anew with what it then has. */
void account_restart(struct account *a, const char *why);
/* The fleet's turn-giving calls these. */
void account_dial(struct account *a);

/* Asks Telegram where its data centres are, if it is time to. */
void account_ask_config(struct account *a);
/* What time it is for the waits of its flood book. */
struct wall account_limits_now(const struct account *a);

/* What the last node told of the account comes with a grant, ... */
void account_place_take(struct account *a, const struct wire_lease *l);
/* ... and what we know goes out, if it is news. */
enum err account_place_tell(struct account *a, struct arena *arena,
			    struct wire_account *w);

/* What the fetch brought; a failure backs off. */
void account_take_session(struct account *a, const struct wire_session *s);
void account_session_failed(struct account *a, enum err rc,
			    const struct err_info *ei);

/* `tag` comes back through fleet_ops.on_sent(). */
enum err account_send_text(struct account *a, int64_t peer, const char *text,
			   int64_t random_id, uint64_t tag,
			   struct err_info *ei);

static inline enum account_state account_state(const struct account *a)
{
	return (enum account_state)a->sm.state;
}
enum wire_status account_status(const struct account *a);
void account_set_fault(struct account *a, enum err rc, const char *message,
		       const char *advice);
void account_clear_fault(struct account *a);
/* One way to change state: stamps, logs, marks. */
void account_move(struct account *a, enum account_state to, const char *why);
/* Something an observer would see changed; urgent: worth a beat of its own. */
void account_changed(struct account *a, bool urgent);
/* Waits, then tries again; after the link is gone. */
void account_back_off(struct account *a, int64_t at_least_us, const char *why);

#endif /* WORKER_ACCOUNT_H */
