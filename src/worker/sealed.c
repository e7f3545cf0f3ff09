/* SPDX-License-Identifier: MIT */
#include "worker/sealed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/sealbox.h"

#define SEALED_TIMEOUT_US (INT64_C(30) * US_PER_SEC)

/* A fetch under way: the account may be gone when it ends. */
struct sealed_fetch {
	struct sealed *sealed;
	uint64_t account;
};

/* Account ids are phone numbers or "@names", checked by wire; hex to be sure. */
static enum err file_of(const struct sealed *s, const struct account *a,
			char ret[static NODE_PATH_MAX], struct err_info *ei)
{
	char hex[2 * WIRE_ID_MAX + 1], name[2 * WIRE_ID_MAX + 32];

	text_hex(hex, a->account_id, strlen(a->account_id));
	snprintf(name, sizeof(name), "sessions/%s.sealed", hex);
	return node_path(s->node, name, ret, ei);
}

enum err sealed_open(const struct sealed *s, const void *box, size_t len,
		     struct arena *arena, struct wire_session *ret,
		     struct err_info *ei)
{
	size_t plain_len;
	uint8_t *plain;
	enum err rc;

	if (len <= SEALBOX_OVERHEAD || len > SEALED_MAX)
		return err_set(ei, ERR_CORRUPT, "sealed session of %zu bytes",
			       len);
	plain_len = len - SEALBOX_OVERHEAD;
	plain = malloc(plain_len);
	if (!plain)
		return err_set(ei, ERR_NOMEM, "open a sealed session");
	rc = sealbox_open(&s->node->key, box, len, plain);
	if (rc)
		rc = err_set(ei, rc,
			     "the session was not sealed for this node");
	else
		rc = wire_session_decode(plain, plain_len, arena, ret, ei);
	secret_wipe(plain, plain_len);
	free(plain);
	return rc;
}

static enum err give(const struct sealed *s, struct account *a, const void *box,
		     size_t len, int64_t version, struct err_info *ei)
{
	struct wire_session doc = { 0 };
	struct arena arena;
	enum err rc;

	arena_init(&arena, SEALED_MAX * 2);
	rc = sealed_open(s, box, len, &arena, &doc, ei);
	if (!rc && version && doc.version != version)
		rc = err_set(ei, ERR_CONFLICT, "session version %lld, not %lld",
			     (long long)doc.version, (long long)version);
	if (!rc && version && doc.route_version != a->grant_route)
		rc = err_set(ei, ERR_CONFLICT, "route version %lld, not %lld",
			     (long long)doc.route_version,
			     (long long)a->grant_route);
	if (!rc && doc.account_id && strcmp(doc.account_id, a->account_id) != 0)
		rc = err_set(ei, ERR_CONFLICT,
			     "the session is another account's");
	if (!rc)
		account_take_session(a, &doc);
	wire_session_deinit(&doc);
	arena_deinit(&arena);
	return rc;
}

static bool from_disk(const struct sealed *s, struct account *a)
{
	char path[NODE_PATH_MAX];
	struct err_info ei = { 0 };
	struct buf box;
	enum err rc = file_of(s, a, path, &ei);

	buf_init(&box, SEALED_MAX);
	if (!rc)
		rc = files_read(path, &box, &ei);
	if (!rc)
		rc = give(s, a, buf_head(&box), buf_len(&box), a->grant_version,
			  &ei);
	buf_deinit(&box);
	return !rc;
}

static enum err took(struct sealed *s, struct account *a,
		     const struct client_response *rsp, struct err_info *ei)
{
	char path[NODE_PATH_MAX];
	enum err rc = rsp->rc;

	if (rc)
		return err_set(ei, rc, "fetch session: %s", rsp->ei.msg);
	if (rsp->status != 200)
		return err_set(ei, ERR_SESSION_MISSING,
			       "fetch session: the control plane answered %d",
			       rsp->status);
	rc = file_of(s, a, path, ei);
	if (!rc)
		rc = files_write(path, rsp->body, rsp->body_len, ei);
	if (!rc)
		rc = give(s, a, rsp->body, rsp->body_len, 0, ei);
	return rc;
}

static void fetch_next(struct sealed *s);

static void on_response(void *ctx, const struct client_response *rsp)
{
	struct sealed_fetch *f = ctx;
	struct sealed *s = f->sealed;
	struct account *a = fleet_get(s->fleet, f->account);
	struct err_info ei = { 0 };
	enum err rc;

	s->under_way--;

	if (a && account_state(a) == ACCOUNT_FETCHING) {
		rc = took(s, a, rsp, &ei);
		if (rc)
			account_session_failed(a, rc, &ei);
	}
	free(f);
	fetch_next(s);
}

static enum err url_of(const struct sealed *s, const char *ref, char *dst,
		       size_t size, struct err_info *ei)
{
	int n;

	if (!strncmp(ref, "http://", 7) || !strncmp(ref, "https://", 8))
		n = snprintf(dst, size, "%s", ref);
	else
		n = snprintf(dst, size, "%s%s", s->node->server, ref);
	if (n < 0 || (size_t)n >= size)
		return err_set(ei, ERR_TOOBIG, "session address too long");
	return ERR_OK;
}

static enum err start(struct sealed *s, struct account *a, struct err_info *ei)
{
	char url[2048];
	struct client_request r = { .url = url,
				    .bearer = (char *)s->node->token.bytes,
				    .max_response = SEALED_MAX,
				    .timeout_us = SEALED_TIMEOUT_US };
	struct sealed_fetch *f;
	uint64_t id;
	enum err rc;

	if (!a->grant_url)
		return err_set(ei, ERR_SESSION_MISSING,
			       "no session here, and none was granted");
	rc = url_of(s, a->grant_url, url, sizeof(url), ei);
	if (rc)
		return rc;
	f = malloc(sizeof(*f));
	if (!f)
		return err_set(ei, ERR_NOMEM, "fetch a session");
	*f = (struct sealed_fetch){ .sealed = s, .account = a->id };
	rc = client_start(s->http, &r, on_response, f, &id, ei);
	if (rc)
		free(f);
	else
		s->under_way++;
	return rc;
}

static void fetch(struct sealed *s, struct account *a)
{
	struct err_info ei = { 0 };
	enum err rc = start(s, a, &ei);

	/* the address is good once, whatever comes of it */
	free(a->grant_url);
	a->grant_url = NULL;
	if (rc)
		account_session_failed(a, rc, &ei);
}

/* Who was stopped meanwhile, or already has its answer, is passed over. */
static void fetch_next(struct sealed *s)
{
	uint32_t bit = 0;

	while (s->under_way < SEALED_FETCHES &&
	       bset_next(&s->waiting, bit, &bit)) {
		struct account *a = fleet_at(s->fleet, bit);

		bset_remove(&s->waiting, bit);
		if (a && a->grant_url && account_state(a) == ACCOUNT_FETCHING)
			fetch(s, a);
	}
}

void sealed_fetch(struct sealed *s, struct account *a)
{
	/* a grant first: it is the newest, and unused ones are kept track of */
	if (!a->grant_url && from_disk(s, a))
		return;
	if (a->grant_url && s->under_way >= SEALED_FETCHES &&
	    !bset_add(&s->waiting, idtab_index(a->id)))
		return;
	fetch(s, a);
}

void sealed_init(struct sealed *s, struct http_client *http, struct node *node,
		 struct fleet *fleet)
{
	*s = (struct sealed){ .http = http, .node = node, .fleet = fleet };
	bset_init(&s->waiting);
}

void sealed_deinit(struct sealed *s)
{
	bset_deinit(&s->waiting);
}

void sealed_forget(struct sealed *s, struct account *a)
{
	char path[NODE_PATH_MAX];
	struct err_info ei = { 0 };
	enum err rc = file_of(s, a, path, &ei);

	if (!rc)
		rc = files_remove(path, &ei);
	if (rc)
		log_fail(LOG_ERROR, LOGEV_SESSION, rc, &ei,
			 log_str("acc", a->account_id));
}
