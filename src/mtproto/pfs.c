/* SPDX-License-Identifier: MIT */
#include "mtproto/pfs.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "mtproto/envelope.h"

/* Of a key's life: made anew after this, and no longer waited for idleness. */
#define RENEW_PERCENT 80
#define FORCE_PERCENT 95
#define WAIT_SEC_MAX 1000000

struct pfs_key {
	struct handshake_result made;
	int64_t expires_sec; /* server time */
};

static int32_t lifetime(const struct pfs *p)
{
	return p->cfg.lifetime_sec ? p->cfg.lifetime_sec : PFS_LIFETIME_SEC;
}

void pfs_init(struct pfs *p, const struct pfs_config *cfg, struct session *s)
{
	*p = (struct pfs){ .cfg = *cfg, .session = s, .renew_at = MONO_NEVER };
	buf_init(&p->out, HANDSHAKE_BODY_MAX);
}

static void drop_next(struct pfs *p)
{
	if (p->next)
		authkey_deinit(&p->next->made.key);
	free(p->next);
	p->next = NULL;
}

static void drop_handshake(struct pfs *p)
{
	handshake_client_free(p->handshake);
	p->handshake = NULL;
	p->lent = NULL; /* freed when it is given back */
	p->work = false;
	buf_wipe(&p->out);
	buf_init(&p->out, HANDSHAKE_BODY_MAX);
}

void pfs_deinit(struct pfs *p)
{
	BUG_ON(p->lent);
	drop_handshake(p);
	drop_next(p);
	authkey_deinit(&p->perm);
}

/* The session's key is of no use any more. */
static void forget_temp(struct pfs *p)
{
	p->expires_sec = 0;
	p->bound = false;
	p->renew_at = MONO_NEVER;
}

enum err pfs_set_perm(struct pfs *p, const uint8_t key[AUTHKEY_LEN])
{
	struct authkey fresh;
	enum err rc = authkey_init(&fresh, key);

	if (rc)
		return rc;
	authkey_deinit(&p->perm);
	p->perm = fresh;
	p->invalid = 0;
	drop_next(p);
	forget_temp(p);
	return ERR_OK;
}

/* ---- making a key */

static enum err begin(struct pfs *p, struct mono now, struct err_info *ei)
{
	const struct handshake_client_config hc = {
		.keys = p->cfg.keys,
		.key_count = p->cfg.key_count,
		.dc = p->cfg.dc,
		.expires_in_sec = lifetime(p),
		.rnd = p->cfg.rnd,
	};
	enum err rc;

	drop_handshake(p);
	p->started = now;
	rc = handshake_client_new(&hc, &p->handshake);
	if (!rc)
		rc = handshake_client_start(p->handshake, &p->out);
	return rc ? err_set(ei, rc, "begin a temporary key") : ERR_OK;
}

/* A failure hurts only if there is no key to go on with. */
static enum err gave_up(struct pfs *p, enum err rc, struct mono now,
			struct err_info *ei)
{
	drop_handshake(p);
	if (p->state == PFS_MAKING)
		return err_wrap(ei, rc, "make a temporary key");
	p->renew_at = mono_add(now, PFS_RETRY_US);
	return ERR_OK;
}

static int64_t server_sec(const struct pfs *p, struct mono now)
{
	return session_time(p->session, now).us / US_PER_SEC;
}

/* The session begins anew under the key that was made. */
static enum err adopt(struct pfs *p, struct mono now, struct err_info *ei)
{
	const struct handshake_result *made = &p->next->made;
	int64_t life_us = (int64_t)lifetime(p) * US_PER_SEC;
	enum err rc;

	rc = session_set_key(p->session, made->key.secret.bytes, made->salt);
	if (rc)
		return err_set(ei, rc, "take a temporary key");
	p->expires_sec = p->next->expires_sec;
	p->bound = false;
	p->state = PFS_BINDING;
	p->renew_at = mono_add(
		now, rnd_jitter(p->cfg.rnd, life_us / 100 * RENEW_PERCENT, 10));
	drop_next(p);
	rc = session_set_bind(p->session, &p->perm, (int32_t)p->expires_sec,
			      ei);
	if (!rc && !p->session->connected)
		session_connected(p->session, now);
	return rc;
}

/* May the key that waits be taken? */
static bool timely(const struct pfs *p, struct mono now)
{
	int64_t left = p->expires_sec - server_sec(p, now);

	return p->state == PFS_MAKING || p->session->queries.n == 0 ||
	       left < (int64_t)lifetime(p) * (100 - FORCE_PERCENT) / 100;
}

static enum err done(struct pfs *p, struct mono now, struct err_info *ei)
{
	struct pfs_key *next = calloc(1, sizeof(*next));
	const struct handshake_result *made;
	enum err rc = next ? handshake_client_result(p->handshake, &next->made)
			   : ERR_NOMEM;

	if (rc) {
		free(next);
		return err_set(ei, rc, "take a temporary key");
	}
	drop_handshake(p);
	drop_next(p);
	made = &next->made;
	session_set_time(p->session, now,
			 (struct srvtime){ now.us + made->time_offset_us },
			 true);
	next->expires_sec = server_sec(p, p->started) + made->expires_in_sec;
	p->next = next;
	p->renew_at = MONO_NEVER;
	return timely(p, now) ? adopt(p, now, ei) : ERR_OK;
}

enum err pfs_recv(struct pfs *p, const uint8_t *packet, size_t len,
		  struct mono now, struct err_info *ei)
{
	struct handshake_packet in = { .now = now };
	enum handshake_step step = HANDSHAKE_WANT_WORK;
	const uint8_t *body = NULL;
	uint64_t msg_id;
	enum err rc;

	if (!p->handshake || p->work)
		return err_set(ei, ERR_PROTO,
			       "a plain message nobody asked for");
	rc = envelope_plain_open(packet, len, &msg_id, &body, &in.len, ei);
	if (!rc && (msg_id & 3) != 1)
		rc = err_set(ei, ERR_PROTO, "plain answer: wrong msg_id");
	in.body = body;
	if (!rc)
		rc = handshake_client_feed(p->handshake, &in, &step, ei);
	if (rc)
		return gave_up(p, rc, now, ei);
	if (step == HANDSHAKE_DONE)
		return done(p, now, ei);
	p->work = true;
	return ERR_OK;
}

struct handshake_client *pfs_take_work(struct pfs *p)
{
	if (!p->work || !p->handshake)
		return NULL;
	p->lent = p->handshake;
	p->handshake = NULL;
	return p->lent;
}

enum err pfs_give_back(struct pfs *p, struct handshake_client *h,
		       struct mono now, struct err_info *ei)
{
	enum err rc;

	if (p->lent != h) {
		handshake_client_free(h); /* of a connection that is gone */
		return ERR_OK;
	}
	p->handshake = h;
	p->lent = NULL;
	p->work = false;
	rc = handshake_client_resume(h, &p->out, ei);
	return rc ? gave_up(p, rc, now, ei) : ERR_OK;
}

/* Plain messages have ids of their own: even a session may not exist yet. */
static uint64_t plain_id(struct pfs *p, struct mono now)
{
	int64_t us = session_time(p->session, now).us;
	uint64_t id = (uint64_t)(us / US_PER_SEC) << 32 |
		      ((uint64_t)(us % US_PER_SEC) << 32) / US_PER_SEC;

	id &= ~UINT64_C(3);
	if (id <= p->last_msg_id)
		id = p->last_msg_id + 4;
	p->last_msg_id = id;
	return id;
}

enum err pfs_next_packet(struct pfs *p, struct mono now, struct buf *out,
			 bool *ret_has, struct err_info *ei)
{
	enum err rc;

	*ret_has = buf_len(&p->out) > 0;
	if (!*ret_has)
		return ERR_OK;
	rc = envelope_plain_seal(plain_id(p, now), buf_head(&p->out),
				 buf_len(&p->out), out);
	buf_wipe(&p->out);
	buf_init(&p->out, HANDSHAKE_BODY_MAX);
	return rc ? err_set(ei, rc, "plain message") : ERR_OK;
}

/* ---- life */

/* A key that is about to end is not worth a connection. */
static bool lasts(const struct pfs *p, int64_t expires_sec, struct mono now)
{
	return expires_sec > server_sec(p, now) + 60;
}

bool pfs_needs_key(const struct pfs *p, struct mono now)
{
	return !lasts(p, p->expires_sec, now) &&
	       !(p->next && lasts(p, p->next->expires_sec, now));
}

enum err pfs_connected(struct pfs *p, struct mono now, struct err_info *ei)
{
	BUG_ON(!authkey_present(&p->perm));
	p->verdict = ERR_OK;
	if (lasts(p, p->expires_sec, now)) {
		p->state = p->bound ? PFS_READY : PFS_BINDING;
		session_connected(p->session, now);
		return ERR_OK;
	}
	forget_temp(p);
	p->state = PFS_MAKING;
	return p->next && lasts(p, p->next->expires_sec, now)
		       ? adopt(p, now, ei)
		       : begin(p, now, ei);
}

void pfs_disconnected(struct pfs *p)
{
	drop_handshake(p);
	p->state = PFS_OFF;
	if (p->session->connected)
		session_disconnected(p->session);
}

static bool named(const struct session_event *ev, const char *name)
{
	return ev->data && ev->len == strlen(name) &&
	       memcmp(ev->data, name, ev->len) == 0;
}

/*
 * What the server says to a proof it does not like.  Whatever it is, the key is
 * of no use and a new one is made; only this one may mean more, as a server that
 * is confused says it, too.
 */
static const struct {
	const char *name;
	uint8_t times; /* in a row, until it is believed */
	enum err verdict;
} refusals[] = {
	{ "ENCRYPTED_MESSAGE_INVALID", PFS_INVALID_MAX, ERR_AUTH_GONE },
	{ "TEMP_AUTH_KEY_EMPTY", 0, ERR_PROTO },
	{ "TEMP_AUTH_KEY_ALREADY_BOUND", 0, ERR_PROTO },
	{ "EXPIRES_AT_INVALID", 0, ERR_PROTO },
};

/* FLOOD_WAIT_%d and its kin end in the seconds to wait. */
static int32_t wait_of(const struct session_event *ev)
{
	int32_t sec = 0;

	for (size_t i = 0; i < ev->len; i++) {
		if (ev->data[i] < '0' || ev->data[i] > '9')
			sec = 0;
		else if (sec < WAIT_SEC_MAX)
			sec = sec * 10 + (ev->data[i] - '0');
	}
	return sec < WAIT_SEC_MAX ? sec : WAIT_SEC_MAX;
}

static enum err refusal(struct pfs *p, const struct session_event *ev)
{
	if (ev->rc != ERR_RPC)
		return ERR_PROTO;
	if (ev->code == 420) {
		p->wait_sec = wait_of(ev);
		return ERR_FLOOD;
	}
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		if (!named(ev, refusals[i].name))
			continue;
		if (refusals[i].times && ++p->invalid < refusals[i].times)
			return ERR_PROTO;
		return refusals[i].verdict;
	}
	return ERR_PROTO;
}

static void on_bound(struct pfs *p, const struct session_event *ev)
{
	if (!ev->rc) {
		p->bound = true;
		p->invalid = 0;
		p->state = PFS_READY;
		return;
	}
	forget_temp(p);
	p->verdict = refusal(p, ev);
}

bool pfs_on_event(struct pfs *p, const struct session_event *ev)
{
	switch (ev->type) {
	case SESSION_BOUND:
		on_bound(p, ev);
		return true;
	case SESSION_KEY_UNKNOWN:
		/* The temporary one: says nothing of the permanent one. */
		forget_temp(p);
		p->verdict = ERR_PROTO;
		return true;
	case SESSION_RPC_ERROR:
		if (named(ev, "AUTH_KEY_PERM_EMPTY")) {
			forget_temp(p);
			p->verdict = ERR_PROTO;
		}
		return false; /* somebody waits for it */
	case SESSION_RESULT:
	case SESSION_FAILED:
	case SESSION_OBJECT:
	case SESSION_NEW_SESSION:
	case SESSION_SALT:
	case SESSION_TIME:
	case SESSION_PONG:
		break;
	}
	return false;
}

enum err pfs_verdict(const struct pfs *p, struct err_info *ei)
{
	if (p->verdict == ERR_AUTH_GONE)
		return err_set(ei, ERR_AUTH_GONE,
			       "the server does not know the permanent key");
	if (p->verdict == ERR_FLOOD && ei)
		ei->arg = p->wait_sec;
	if (p->verdict == ERR_FLOOD)
		return err_set(ei, ERR_FLOOD,
			       "told to wait %d s before a temporary key is "
			       "bound",
			       p->wait_sec);
	if (p->verdict)
		return err_set(ei, p->verdict,
			       "the temporary key was refused; a new one will "
			       "be made");
	return ERR_OK;
}

static bool making(const struct pfs *p)
{
	return p->handshake || p->lent;
}

enum err pfs_tick(struct pfs *p, struct mono now, struct err_info *ei)
{
	if (p->state == PFS_OFF)
		return ERR_OK;
	if (making(p) && mono_diff(now, p->started) >= PFS_HANDSHAKE_US)
		return gave_up(p,
			       err_set(ei, ERR_TIMEOUT,
				       "the key exchange took too long"),
			       now, ei);
	if (p->next)
		return timely(p, now) ? adopt(p, now, ei) : ERR_OK;
	if (p->state == PFS_READY && !making(p) &&
	    !mono_before(now, p->renew_at))
		return begin(p, now, ei);
	return ERR_OK;
}

struct mono pfs_deadline(const struct pfs *p)
{
	int64_t force_us;

	if (p->state == PFS_OFF)
		return MONO_NEVER;
	if (making(p))
		return mono_add(p->started, PFS_HANDSHAKE_US);
	if (!p->next)
		return p->state == PFS_READY ? p->renew_at : MONO_NEVER;
	if (p->session->queries.n == 0)
		return (struct mono){ 0 };
	force_us = (p->expires_sec -
		    (int64_t)lifetime(p) * (100 - FORCE_PERCENT) / 100 + 1) *
		   US_PER_SEC;
	return (struct mono){ force_us - p->session->time_offset_us };
}
