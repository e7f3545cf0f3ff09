/* SPDX-License-Identifier: MIT */
/*
 * All accounts of this process: by id, by name, what changed, whose turn it is.
 *
 * Work follows what changed (`dirty`) and what waits (`waiting`); leases are
 * looked through only when the earliest deadline has come.
 *
 *   owner     struct worker
 *   memory    the accounts; FLEET_ACCOUNTS_MAX
 *   threads   the loop's
 */
#ifndef WORKER_FLEET_H
#define WORKER_FLEET_H

#include "base/bset.h"
#include "base/idtab.h"
#include "worker/account.h"
#include "worker/dcs.h"
#include "worker/telegram.h"

#define FLEET_ACCOUNTS_MAX 20000
/* New connections: this many at once, then so many a second ... */
#define FLEET_DIAL_BURST 50
#define FLEET_DIAL_RATE 100
/* ... of those that begin with a key exchange. */
#define FLEET_KEY_RATE 50
/* ... and so many of them at once: a slow data centre is not given more. */
#define FLEET_KEYS_MAX 32
/* "Too many connections" from a data centre: nobody dials it for so long. */
#define FLEET_HOLD_SEC 60

struct journal;
struct peerbook;
struct sealed;

struct account_job;

/* A data centre that does not want more connections now. */
struct fleet_hold {
	int dc_id;
	struct mono until;
};

struct fleet_ops {
	/* Worth telling the control plane before the next beat is due. */
	void (*on_urgent)(void *ctx);
	/* In WAITING for a session: fetch it, then account_take_session(). */
	void (*on_want_session)(void *ctx, struct account *a);
	void (*on_forget_session)(void *ctx, struct account *a);
	/* A message came, once; may be NULL. */
	void (*on_message)(void *ctx, struct account *a,
			   const struct engine_message *m);
	/* Of account_send_text(); err or rpcerr text in ei when rc. */
	void (*on_sent)(void *ctx, struct account *a, uint64_t tag, enum err rc,
			int32_t message_id, const struct err_info *ei);
};

/* Connections as net/link.h has them; a simulation brings its own. */
struct fleet_net {
	enum err (*dial)(void *ctx, const struct link_dial_options *o,
			 const struct link_ops *ops, void *who,
			 uint64_t *ret_link, struct err_info *ei);
	enum err (*send)(void *ctx, uint64_t link, const void *data,
			 size_t len);
	void (*close)(void *ctx, uint64_t link, enum close_reason reason);
	/* Closes; no callback comes any more. */
	void (*abandon)(void *ctx, uint64_t link);
};

struct fleet {
	struct loop *loop;
	const struct fleet_net *net;
	void *net_ctx;
	struct rnd *rnd;
	const struct telegram *telegram;
	struct dcs *dcs; /* NULL: Telegram is not asked where they are */
	struct journal *journal;
	const struct peerbook *peerbook; /* NULL: peers are not kept */
	const struct fleet_ops *ops;
	void *ctx;
	struct idtab accounts;
	struct account **buckets;
	uint32_t nbuckets;
	struct bset dirty, waiting;
	struct buf out; /* scratch for bytes to write */
	struct wheel_timer dial_timer, lease_timer, config_timer;
	struct loop_call flush;	  /* the journal's, at the end of the turn */
	struct mono lease_min;	  /* no lease ends before */
	struct account_job *jobs; /* of accounts, on the work pool */
	uint32_t keying; /* accounts that make a key before they are online */
	struct fleet_hold holds[TELEGRAM_DCS_MAX];
	struct mono dial_at; /* token bucket: when it was last filled */
	int64_t dial_tokens_us;
	uint64_t changes;
	int64_t srv_offset_us; /* Telegram's time minus the loop's, */
	bool srv_known;	       /* as some account heard it */
	bool closing;	       /* the process ends: nothing starts */
};

struct fleet_config {
	struct loop *loop;
	struct rnd *rnd;
	const struct telegram *telegram;
	struct dcs *dcs; /* may be NULL */
	struct journal *journal;
	const struct peerbook *peerbook; /* NULL: peers are not kept */
	const struct fleet_ops *ops;
	void *ctx;
	const struct fleet_net *net; /* NULL: the loop's links */
	void *net_ctx;
};

enum err fleet_init(struct fleet *f, const struct fleet_config *cfg);
/* Hangs up at once; the links' ends are not waited for. */
void fleet_deinit(struct fleet *f);

/* By idtab_index(a->id), for sets of accounts; NULL: nobody is there. */
struct account *fleet_at(const struct fleet *f, uint32_t index);
struct account *fleet_get(const struct fleet *f, uint64_t id);
struct account *fleet_find(const struct fleet *f, const char *account_id);
enum err fleet_find_or_add(struct fleet *f, const char *account_id,
			   struct account **ret);
/* Forgets an account that holds no lease and no connection. */
void fleet_remove(struct fleet *f, struct account *a);
/* In index order; *cursor starts at 0. */
struct account *fleet_next(const struct fleet *f, uint32_t *cursor);
uint32_t fleet_count(const struct fleet *f);

/* Every lease that ended by itself: hang up.  Cheap when there is none; runs
 * after every sleep of the loop, before any socket is served. */
void fleet_check_leases(struct fleet *f);
/* A lease was confirmed: when to look again. */
void fleet_note_lease(struct fleet *f, struct mono deadline);

/* The account is in WAITING: it will be dialled when its turn comes. */
void fleet_wait(struct fleet *f, struct account *a);
/* The data centre said -429: it is left alone for FLEET_HOLD_SEC. */
void fleet_hold_dc(struct fleet *f, int dc_id);
/* For how long still; 0: it may be dialled. */
int64_t fleet_held_us(const struct fleet *f, int dc_id);
/* The position is to be written at the end of the turn. */
void fleet_note_position(struct fleet *f, struct account *a,
			 struct updates_pos pos, int64_t epoch);
/* The answer to help.getConfig came. */
void fleet_take_config(struct fleet *f, const uint8_t *data, size_t len);
/* Is there any address of it? */
bool fleet_knows_dc(const struct fleet *f, int dc_id);
/* account_keys.c: jobs that are under way find nobody any more. */
void account_keys_orphan(struct fleet *f);
/* The journal is written at the end of the turn. */
void fleet_flush(struct fleet *f);

#endif /* WORKER_FLEET_H */
