/* SPDX-License-Identifier: MIT */
#include "dc/dc.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "dc/dc_int.h"

#define PEM_MAX 4096
#define META_KEY "rsa"
#define META_SECRET "secret"
#define META_PORTS "ports"
#define PORT_MIN 20000
#define PORT_MAX 32000
#define PORT_TRIES 50
#define LINKS_MAX 60000

struct wall dc_wall(const struct dc *dc)
{
	struct wall t = loop_wall(dc->loop);

	t.us += dc->skew_sec * US_PER_SEC;
	return t;
}

int32_t dc_now(const struct dc *dc)
{
	return (int32_t)wall_sec(dc_wall(dc));
}

struct dc_node *dc_node(struct dc *dc, int id)
{
	return id >= 1 && id <= dc->n_nodes ? &dc->nodes[id - 1] : NULL;
}

void dc_fail(struct dc *dc, enum err rc, const struct err_info *ei)
{
	if (!dc->failure) {
		dc->failure = rc;
		dc->why = *ei;
		log_fail(LOG_ERROR, LOGEV_DB, rc, ei);
	}
	loop_stop(dc->loop);
}

enum err dc_failure(const struct dc *dc, struct err_info *ei)
{
	if (dc->failure)
		return err_set(ei, dc->failure, "%s", dc->why.msg);
	return ERR_OK;
}

/* ---- what must stay the same from start to start */

static enum err load_rsa(struct dc *dc, struct err_info *ei)
{
	char pem[PEM_MAX];
	struct buf out;
	size_t len;
	enum err rc;

	rc = dc_store_get_meta(dc->store, META_KEY, pem, sizeof(pem), &len, ei);
	if (rc)
		return rc;
	if (len) {
		rc = rsa_private_parse(pem, len, &dc->rsa, ei);
		secret_wipe(pem, sizeof(pem));
		return rc;
	}
	rc = rsa_generate(&dc->rsa, ei);
	if (rc)
		return rc;
	buf_init(&out, PEM_MAX);
	rc = rsa_private_pem(dc->rsa, &out);
	if (!rc)
		dc_store_put_meta(dc->store, META_KEY, buf_head(&out),
				  buf_len(&out));
	buf_wipe(&out);
	return rc;
}

static enum err load_secret(struct dc *dc, uint64_t *ret, struct err_info *ei)
{
	uint64_t secret;
	size_t len;
	enum err rc;

	rc = dc_store_get_meta(dc->store, META_SECRET, &secret, sizeof(secret),
			       &len, ei);
	if (rc)
		return rc;
	if (len != sizeof(secret)) {
		secret = rnd_u64(rnd_system());
		dc_store_put_meta(dc->store, META_SECRET, &secret,
				  sizeof(secret));
	}
	*ret = secret;
	return ERR_OK;
}

static enum err on_key(void *ctx, const struct dc_store_key *k)
{
	struct dc_key *key;

	return dc_key_add(ctx, k, &key);
}

static enum err load(struct dc *dc, struct err_info *ei)
{
	uint64_t secret = 0;
	enum err rc;

	rc = dc_store_open(&dc->store, dc->o.state, ei);
	if (!rc)
		rc = load_rsa(dc, ei);
	if (!rc)
		rc = load_secret(dc, &secret, ei);
	if (rc)
		return rc;
	dc->world.secret = secret;
	rc = dc_store_load(dc->store, &dc->world, on_key, dc, ei);
	if (!rc)
		rc = dc_upload_load(dc, ei);
	if (!rc)
		rc = dc_knobs_load(dc, ei);
	if (!rc)
		rc = dc_rules_load(dc, ei);
	if (rc)
		return rc;
	dc->world.observer = &dc_push_observer;
	dc->world.observer_ctx = dc;
	if (dc->o.seed_demo && !dc->world.users.len)
		rc = dc_seed_demo(dc, ei);
	return rc ? rc : dc_store_commit(dc->store, ei);
}

/* ---- listening */

static void on_accept(void *ctx, uint64_t link, const struct addr *peer)
{
	(void)peer;
	dc_conn_accept(ctx, link);
}

/*
 * "Any port" means a low one: clients outside hold the address in their session
 * files, some as 16 signed bits, and after a restart it must not have become
 * the local end of somebody's connection.  So the kernel is not asked, and what
 * was used last is tried first.
 */
static uint16_t any_port(void)
{
	return (uint16_t)(PORT_MIN +
			  rnd_below(rnd_system(), PORT_MAX - PORT_MIN));
}

static enum err listen_at(struct dc_node *n, uint16_t port, int tries,
			  struct err_info *ei)
{
	struct listener_options o = { .at = n->dc->o.listen,
				      .max_links = LINKS_MAX };
	enum err rc;

	o.at.port = port;
	do {
		rc = listener_new(n->dc->loop, &o, on_accept, n, &n->listener,
				  ei);
		o.at.port = any_port();
	} while (rc && tries-- > 0);
	return rc;
}

static enum err listen_all(struct dc *dc, struct err_info *ei)
{
	uint16_t ports[DC_NODES_MAX] = { 0 }, first = dc->o.listen.port;
	enum err rc = ERR_OK;
	size_t len;
	int i;

	if (!first)
		rc = dc_store_get_meta(dc->store, META_PORTS, ports,
				       sizeof(ports), &len, ei);
	for (i = 0; i < dc->o.count && !rc; i++) {
		struct dc_node *n = &dc->nodes[i];

		n->dc = dc;
		n->id = i + 1;
		if (first)
			ports[i] = (uint16_t)(first + i);
		rc = listen_at(n, ports[i] ? ports[i] : any_port(),
			       first ? 0 : PORT_TRIES, ei);
		if (rc)
			break;
		ports[i] = listener_addr(n->listener).port;
		dc->n_nodes++;
	}
	if (rc)
		return rc;
	dc_store_put_meta(dc->store, META_PORTS, ports, sizeof(ports));
	return dc_store_commit(dc->store, ei);
}

static void on_delayed(struct wheel_timer *t, void *ctx)
{
	(void)t;
	dc_conn_flush_all(ctx);
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

enum err dc_new(struct dc **ret, struct loop *l, const struct dc_options *o,
		struct err_info *ei)
{
	struct dc *dc = calloc(1, sizeof(*dc));
	enum err rc;

	if (!dc)
		return err_set(ei, ERR_NOMEM, "data centre");
	dc->loop = l;
	dc->o = *o;
	dc->state_path = copy(o->state);
	dc->api_hash = copy(o->api_hash);
	dc->o.state = dc->state_path;
	dc->o.api_hash = dc->api_hash;
	world_init(&dc->world, 0);
	arena_init(&dc->arena, DC_ARENA_MAX);
	arena_init(&dc->push_arena, DC_ARENA_MAX);
	buf_init(&dc->answer, DC_ANSWER_MAX);
	buf_init(&dc->inflated, DC_ANSWER_MAX);
	buf_init(&dc->packet, 2 * (size_t)DC_ANSWER_MAX);
	buf_init(&dc->wire, 2 * (size_t)DC_ANSWER_MAX);
	wheel_timer_init(&dc->delayed, on_delayed, dc);
	dc->flush = (struct loop_call){ .fn = dc_conn_flush_all, .ctx = dc };
	router_init(&dc->router);
	rc = load(dc, ei);
	if (!rc)
		rc = listen_all(dc, ei);
	if (!rc)
		rc = dc_admin_start(dc, ei);
	if (!rc && dc->o.scenario)
		rc = dc_play_file(dc, dc->o.scenario, ei);
	dc->o.scenario = NULL; /* the caller's */
	if (rc) {
		dc_free(dc);
		return rc;
	}
	*ret = dc;
	return ERR_OK;
}

/* ---- the end */

static void free_values(struct imap *m)
{
	uint32_t cursor = 0;
	void *value;

	while ((value = imap_next(m, &cursor)))
		free(value);
	imap_deinit(m);
}

static void free_accounts(struct dc *dc)
{
	struct dc_account *a;
	uint32_t cursor = 0;

	while ((a = imap_next(&dc->accounts, &cursor)))
		dc_calls_clear(a);
	free_values(&dc->accounts);
}

static void close_all(struct dc *dc)
{
	struct dc_conn *c;
	uint32_t cursor = 0;

	while ((c = imap_next(&dc->conns, &cursor)))
		link_close(dc->loop, c->link, CLOSE_SHUTDOWN);
	/* on_close comes from the loop and takes them out of the map. */
	while (dc->conns.len)
		loop_turn(dc->loop, 0);
}

void dc_free(struct dc *dc)
{
	struct dc_key *k;
	uint32_t cursor;
	int i;

	if (!dc)
		return;
	for (i = 0; i < dc->n_nodes; i++)
		listener_free(dc->nodes[i].listener);
	server_free(dc->admin);
	close_all(dc);
	loop_undefer(dc->loop, &dc->flush);
	loop_cancel(dc->loop, &dc->delayed);
	for (cursor = 0; (k = imap_next(&dc->keys, &cursor)); cursor = 0)
		dc_key_free(dc, k);
	imap_deinit(&dc->keys);
	imap_deinit(&dc->conns);
	free_accounts(dc);
	free_values(&dc->codes);
	free_values(&dc->exports);
	dc_upload_free_all(dc);
	dc_rules_clear(dc);
	dc_faults_end(dc);
	dc_callbacks_end(dc);
	dc_play_end(dc);
	free_values(&dc->logins);
	dc->world.observer = NULL;
	world_deinit(&dc->world);
	dc_store_close(dc->store);
	rsa_free(dc->rsa);
	router_deinit(&dc->router);
	arena_deinit(&dc->arena);
	arena_deinit(&dc->push_arena);
	buf_deinit(&dc->answer);
	buf_deinit(&dc->inflated);
	buf_deinit(&dc->packet);
	buf_deinit(&dc->wire);
	free(dc->state_path);
	free(dc->api_hash);
	free(dc);
}

/* ---- what others need to find it */

static void put_dcs(const struct dc *dc, struct jsonw *w)
{
	int i;

	jsonw_array(w, "dcs");
	for (i = 0; i < dc->n_nodes; i++) {
		struct addr at = listener_addr(dc->nodes[i].listener);
		char ip[ADDR_TEXT_MAX];

		addr_format_ip(&at, ip);
		jsonw_object(w, NULL);
		jsonw_int(w, "id", dc->nodes[i].id);
		jsonw_str(w, "address", ip);
		jsonw_int(w, "port", at.port);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

enum err dc_ready_json(const struct dc *dc, struct buf *out)
{
	struct addr at = server_addr(dc->admin);
	char admin[ADDR_TEXT_MAX];
	struct jsonw w;

	addr_format(&at, admin);
	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "ready", true);
	put_dcs(dc, &w);
	jsonw_str(&w, "admin", admin);
	jsonw_object_end(&w);
	return jsonw_end(&w);
}

enum err dc_public_pem(const struct dc *dc, struct buf *out)
{
	return rsa_public_pem(dc->rsa, out);
}

enum err dc_env_json(const struct dc *dc, struct buf *out)
{
	struct jsonw w;
	struct buf pem;
	enum err rc;

	buf_init(&pem, PEM_MAX);
	rc = rsa_public_pem(dc->rsa, &pem);
	if (rc) {
		buf_deinit(&pem);
		return rc;
	}
	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	jsonw_int(&w, "api_id", dc->o.api_id);
	jsonw_str(&w, "api_hash", dc->o.api_hash ? dc->o.api_hash : "");
	jsonw_bool(&w, "test_mode", false);
	put_dcs(dc, &w);
	jsonw_array(&w, "keys");
	jsonw_strn(&w, NULL, (const char *)buf_head(&pem), buf_len(&pem));
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	buf_deinit(&pem);
	return jsonw_end(&w);
}
