/* SPDX-License-Identifier: MIT */
/*
 * The leases of docs/leases.md as a model for spin: one account, two nodes, two
 * replicas of the control plane on one database, and everything that can go wrong
 * between them.  test/model/run.py explores it, and then breaks one rule at a
 * time (the BREAK_ names below) to see that each break is found.
 *
 * Time is a global tick.  Node 0's clock may miss one tick in SLOW (of two nodes
 * alike, one is the slow one); a replica's clock is the tick.  A message carries its
 * age by its node's clock: what an answer confirms runs from the moment the
 * heartbeat was sent.  Messages are lost, delayed for any time and overtake each other;
 * a heartbeat may arrive twice.  A process may be killed and started between any
 * two steps, a node stopped (SIGSTOP) for any time.
 *
 * Three things are folded, none of which hides a behaviour:
 *   - a node that holds a lease is connected: it dials at once;
 *   - a node may give its lease back whenever it likes, told to stop or not;
 *   - of (epoch, renewals) a replica asks only whether it is what it was when first
 *     seen, and for how long: waited[r], 0 for "not seen, or not the same any more".
 * The part of a takeover between reading and writing takes no tick.
 */

#ifndef TTL
#define TTL 2
#endif
#ifdef BREAK_GRACE	/* the wait is the ttl alone */
#define GRACE 0
#else
#define GRACE 1
#endif
#define SLOW TTL
#ifndef EPOCHS
#define EPOCHS 3	/* the model stops granting: it has seen enough */
#endif
#define OLD TTL		/* an answer this old confirms nothing */
#define OVER (TTL + GRACE + 2)	/* more than ttl + grace ticks ago */
#define NOBODY 2

#ifdef LIVE
bool calm;		/* from here on nothing goes wrong */
#else
#define calm false
#endif

/* ---- the database */
byte epoch, holder = NOBODY;
bool released = true;
bit wanted;			/* the node the operator wants it on */

/* ---- replicas */
byte waited[2];			/* 1: seen now; OVER: for long enough */
byte taking[2] = NOBODY;	/* takeover for this node decided, not written */
byte taken_age[2];		/* by a heartbeat of this age */
bool regranted[2];		/* meanwhile somebody else was */

/* ---- nodes */
byte hold[2];			/* epoch; 0: none */
bool over[2];			/* hung up; to be reported */
byte left[2];			/* ticks until the deadline, by its own clock */
bool frozen[2];
byte since_slow;

/* ---- the network: two messages under way */
mtype = { BEAT, ANSWER };
mtype what[2];			/* 0: none */
bit node[2];
byte held[2];
bool back[2];
byte age[2];

#define SENDING(n) (hold[n] > 0 && !over[n] && !frozen[n])
/* Two that send under one key: Telegram kills the session. */
#define ONCE assert(!(SENDING(0) && SENDING(1)))

inline drop(i)
{
	what[i] = 0; node[i] = 0; held[i] = 0; back[i] = false; age[i] = 0
}

inline put_at(i, w, n, e, b, a)
{
	what[i] = w; node[i] = n; held[i] = e; back[i] = b; age[i] = a
}

/* No room: it was lost, as any may be. */
inline put(w, n, e, b, a)
{
	if
	:: what[0] == 0 -> put_at(0, w, n, e, b, a)
	:: what[0] != 0 && what[1] == 0 -> put_at(1, w, n, e, b, a)
	:: else -> skip
	fi
}

/* The pair is another one now: who answered saw it, the other has not. */
inline changed(r)
{
	waited[1 - r] = 0;
	waited[r] = 1
}

inline grant(r, n, a)
{
	if
	:: epoch < EPOCHS ->
		epoch++; holder = n; released = false;
		changed(r);
		regranted[1 - r] = (taking[1 - r] != NOBODY);
		put(ANSWER, n, epoch, false, a)
	:: else -> skip
	fi
}

/* Out, and another node asks: how long was it seen like this? */
inline other_asks(r, n, a)
{
#ifdef BREAK_OUT	/* given away while it is out */
	grant(r, n, a)
#else
	if
	:: waited[r] == OVER -> taking[r] = n; taken_age[r] = a
	:: waited[r] == 0 -> waited[r] = 1
	:: else -> skip
	fi
#endif
}

/* A heartbeat at a replica: one transaction, then one answer. */
inline beat_comes(r, i)
{
	n = node[i]; h = held[i]; b = back[i]; a = age[i];
	if
	:: drop(i)
	:: !calm -> skip	/* it comes once more */
	fi;
	if
	:: b && holder == n && h == epoch -> released = true
#ifdef BREAK_RELEASE	/* whatever epoch is given back */
	:: b && holder == n && h != epoch -> released = true
#endif
	:: else -> skip
	fi;
	if
	:: wanted != n -> skip
	:: wanted == n && released -> grant(r, n, a)
	:: wanted == n && !released && holder == n && h == epoch && !b ->
		changed(r);	/* renewals + 1 */
		put(ANSWER, n, epoch, false, a)
	:: wanted == n && !released && holder == n && (h != epoch || b) ->
		grant(r, n, a)	/* its own, nobody else's */
	:: wanted == n && !released && holder != n -> other_asks(r, n, a)
	fi;
	n = 0; h = 0; b = false; a = 0
}

/* The conditional write: others may have been faster. */
inline write_takeover(r)
{
	n = taking[r]; a = taken_age[r];
	taking[r] = NOBODY; taken_age[r] = 0;
	if
#ifdef BREAK_RENEWALS	/* compares the epoch only */
	:: !regranted[r] && !released -> grant(r, n, a)
#else
	:: waited[r] == OVER && !released -> grant(r, n, a)
#endif
	:: else -> skip
	fi;
	regranted[r] = false;
	n = 0; a = 0
}

proctype replica(bit r)
{
	byte n, h, a;
	bool b;

end:	do
	:: atomic { taking[r] != NOBODY -> write_takeover(r) }
	:: atomic { taking[r] == NOBODY && what[0] == BEAT -> beat_comes(r, 0) }
	:: atomic { taking[r] == NOBODY && what[1] == BEAT -> beat_comes(r, 1) }
	/* kill -9 and a new start: what it saw is forgotten */
	:: atomic { !calm && (waited[r] > 0 || taking[r] != NOBODY) ->
#ifdef BREAK_RESTART	/* what it did not see yet counts as long over */
		waited[r] = OVER;
#else
		waited[r] = 0;
#endif
		taking[r] = NOBODY; taken_age[r] = 0; regranted[r] = false }
	od
}

inline hang_up(n)
{
	over[n] = true; left[n] = 0
}

/* An answer of an older epoch, or one too old, changes nothing. */
inline answer_comes(n, i)
{
	h = held[i];
#ifdef BREAK_SENT	/* counts from when the answer came */
	a = 0;
#else
	a = age[i];
#endif
	drop(i);
	if
#ifdef BREAK_EPOCH	/* any answer is taken */
	:: a < OLD && !(h == hold[n] && over[n]) ->
#else
	:: a < OLD && (h > hold[n] || (h == hold[n] && !over[n])) ->
#endif
		left[n] = ((h != hold[n] || left[n] < TTL - a) -> TTL - a :
			   left[n]);
		hold[n] = h; over[n] = false;
		ONCE
	:: else -> skip
	fi;
	h = 0; a = 0
}

/* What was on the way to a process that is gone arrives nowhere. */
inline drop_answers(n)
{
	if
	:: what[0] == ANSWER && node[0] == n -> drop(0)
	:: else -> skip
	fi;
	if
	:: what[1] == ANSWER && node[1] == n -> drop(1)
	:: else -> skip
	fi
}

proctype worker(bit n)
{
	byte h, a;

end:	do
	:: atomic { !frozen[n] && (what[0] == 0 || what[1] == 0) &&
		    !(what[0] == BEAT && node[0] == n) &&
		    !(what[1] == BEAT && node[1] == n) ->
		put(BEAT, n, hold[n], over[n], 0) }
	:: atomic { !frozen[n] && what[0] == ANSWER && node[0] == n ->
		answer_comes(n, 0) }
	:: atomic { !frozen[n] && what[1] == ANSWER && node[1] == n ->
		answer_comes(n, 1) }
	/* told to stop, or its time is over (the clock waits for that) */
	:: atomic { SENDING(n) && (wanted != n || left[n] == 0 || !calm) ->
		hang_up(n) }
	/* SIGSTOP; time goes on.  SIGCONT: it looks before any socket */
	:: atomic { !calm && SENDING(n) -> frozen[n] = true }
	:: atomic { frozen[n] ->
		frozen[n] = false;
#ifndef BREAK_WAKE	/* it looks some time later */
		if
		:: left[n] == 0 -> hang_up(n)
		:: else -> skip
		fi;
#endif
		ONCE }
	/* kill -9 and a new start: it knows nothing of what it held */
	:: atomic { !calm && hold[n] > 0 ->
		hold[n] = 0; over[n] = false; left[n] = 0; frozen[n] = false;
		drop_answers(n) }
	od
}

inline older(n)
{
	if
	:: left[n] > 0 -> left[n]--
	:: else -> skip
	fi;
	age[0] = (what[0] != 0 && node[0] == n && age[0] < OLD -> age[0] + 1 :
		  age[0]);
	age[1] = (what[1] != 0 && node[1] == n && age[1] < OLD -> age[1] + 1 :
		  age[1])
}

inline longer(r)
{
	waited[r] = (waited[r] > 0 && waited[r] < OVER -> waited[r] + 1 :
		     waited[r])
}

#define LATE(n) (SENDING(n) && left[n] == 0)
/* When nothing goes wrong, messages arrive before the clock moves. */
#define BUSY (calm && (what[0] != 0 || what[1] != 0 || frozen[0] || frozen[1]))

proctype world()
{
end:	do
	:: atomic { !LATE(0) && !LATE(1) && taking[0] == NOBODY &&
		    taking[1] == NOBODY && !BUSY ->
		if
		:: since_slow == SLOW && !calm -> since_slow = 0
		:: older(0); since_slow = (since_slow < SLOW -> since_slow + 1 :
					   since_slow)
		fi;
		older(1);
		longer(0);
		longer(1) }
	:: atomic { !calm && what[0] != 0 -> drop(0) }
	:: atomic { !calm && what[1] != 0 -> drop(1) }
	:: atomic { !calm -> wanted = 1 - wanted }
#ifdef LIVE
	:: atomic { !calm -> calm = true }
#endif
	od
}

#ifdef LIVE
/* Once nothing goes wrong any more, the account runs where it is wanted. */
ltl runs { [] (calm -> <> (SENDING(wanted) || epoch == EPOCHS)) }
#endif

init {
	atomic {
		run replica(0);
		run replica(1);
		run worker(0);
		run worker(1);
		run world()
	}
}
