/* SPDX-License-Identifier: MIT */
#include "worker/node.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/sealbox.h"

#define INTERVAL_MAX_US INT64_C(1000000000000000) /* the wire's limit */
#define NODE_FILE_MAX 16384

enum err node_path(const struct node *n, const char *name,
		   char ret[static NODE_PATH_MAX], struct err_info *ei)
{
	int len = snprintf(ret, NODE_PATH_MAX, "%s/%s", n->dir, name);

	if (len < 0 || len >= NODE_PATH_MAX)
		return err_set(ei, ERR_TOOBIG, "path too long: %s", n->dir);
	return ERR_OK;
}

static enum err make_key(struct node *n, const char *path, struct err_info *ei)
{
	char hex[2 * NODE_KEY_LEN + 1];
	enum err rc = sealbox_keypair(n->public_key, &n->key);

	if (rc)
		return err_set(ei, rc, "make the node's key");
	text_hex(hex, n->key.bytes, n->key.len);
	rc = files_write(path, hex, sizeof(hex) - 1, ei);
	secret_wipe(hex, sizeof(hex));
	return rc;
}

static enum err parse_key(struct node *n, const char *path, struct buf *text,
			  struct err_info *ei)
{
	uint8_t key[NODE_KEY_LEN];
	enum err rc = text_unhex(key, sizeof(key), (char *)buf_head(text),
				 buf_len(text));

	if (!rc)
		rc = secret_init(&n->key, key, sizeof(key));
	if (!rc)
		rc = sealbox_public(&n->key, n->public_key);
	secret_wipe(key, sizeof(key));
	if (rc)
		return err_set(ei, rc,
			       "%s is damaged: remove the folder and "
			       "enrol again",
			       path);
	return ERR_OK;
}

static enum err load_key(struct node *n, struct err_info *ei)
{
	char path[NODE_PATH_MAX];
	struct buf text;
	enum err rc = node_path(n, "node.key", path, ei);

	if (rc)
		return rc;
	buf_init(&text, 256);
	rc = files_read(path, &text, ei);
	if (rc == ERR_NOTFOUND)
		rc = make_key(n, path, ei);
	else if (!rc)
		rc = parse_key(n, path, &text, ei);
	buf_wipe(&text);
	return rc;
}

static enum err take_token(struct node *n, const char *token,
			   struct err_info *ei)
{
	enum err rc;

	secret_deinit(&n->token);
	rc = secret_init(&n->token, token, strlen(token) + 1);
	return rc ? err_set(ei, rc, "keep the node's token") : ERR_OK;
}

static enum err parse_node(struct node *n, struct json root,
			   struct err_info *ei)
{
	const char *server, *id, *token;
	enum err rc;

	rc = json_need_str(root, "server", sizeof(n->server) - 1, &server, ei);
	if (!rc)
		rc = json_need_str(root, "node_id", WIRE_ID_MAX, &id, ei);
	if (!rc)
		rc = json_need_str(root, "token", 1024, &token, ei);
	if (!rc)
		rc = json_need_int(root, "heartbeat_us", 1, INTERVAL_MAX_US,
				   &n->beat_us, ei);
	if (!rc)
		rc = json_need_int(root, "lease_ttl_us", 1, INTERVAL_MAX_US,
				   &n->ttl_us, ei);
	if (rc)
		return rc;
	snprintf(n->server, sizeof(n->server), "%s", server);
	snprintf(n->id, sizeof(n->id), "%s", id);
	return take_token(n, token, ei);
}

static enum err load_node(struct node *n, struct err_info *ei)
{
	char path[NODE_PATH_MAX];
	struct json_doc doc;
	struct buf text;
	enum err rc = node_path(n, "node.json", path, ei);

	if (rc)
		return rc;
	buf_init(&text, NODE_FILE_MAX);
	rc = files_read(path, &text, ei);
	if (rc == ERR_NOTFOUND) {
		buf_deinit(&text);
		return ERR_OK;
	}
	if (!rc)
		rc = json_parse(&doc, buf_head(&text), buf_len(&text),
				NODE_FILE_MAX, ei);
	if (!rc) {
		rc = parse_node(n, json_root(&doc), ei);
		json_free(&doc);
	}
	buf_wipe(&text);
	return rc ? err_wrap(ei, rc, "%s", path) : ERR_OK;
}

/*
 * At least the time of day, should the file be lost.  A full disk is no reason
 * not to run: the number is only kept for the next start.
 */
static enum err count_boot(struct node *n, struct err_info *ei)
{
	char path[NODE_PATH_MAX], text[24];
	const int64_t sec = clock_wall(clock_system()).us / US_PER_SEC;
	struct err_info why = { 0 };
	struct buf old;
	enum err rc = node_path(n, "boots", path, ei);

	if (rc)
		return rc;
	buf_init(&old, sizeof(text));
	if (files_read(path, &old, &why) || text_i64(buf_cstr(&old), &n->boots))
		n->boots = 0;
	buf_deinit(&old);
	n->boots = n->boots >= sec && n->boots < INT64_MAX ? n->boots + 1 : sec;
	snprintf(text, sizeof(text), "%lld", (long long)n->boots);
	rc = files_write(path, text, strlen(text), &why);
	if (rc)
		log_fail(LOG_WARN, LOGEV_NODE, rc, &why, log_str("what", path));
	return ERR_OK;
}

enum err node_open(struct node *n, const char *dir, struct err_info *ei)
{
	char path[NODE_PATH_MAX];
	enum err rc;

	*n = (struct node){ .lock_fd = -1 };
	if (snprintf(n->dir, sizeof(n->dir), "%s", dir) >=
	    (int)sizeof(n->dir) - 80)
		return err_set(ei, ERR_TOOBIG, "path too long: %s", dir);
	rc = files_mkdir(dir, ei);
	if (!rc)
		rc = node_path(n, "sessions", path, ei);
	if (!rc)
		rc = files_mkdir(path, ei);
	if (!rc)
		rc = node_path(n, "scripts", path, ei);
	if (!rc)
		rc = files_mkdir(path, ei);
	if (!rc)
		rc = node_path(n, "lock", path, ei);
	if (!rc)
		rc = files_lock(path, &n->lock_fd, ei);
	if (!rc)
		rc = load_key(n, ei);
	if (!rc)
		rc = load_node(n, ei);
	return rc ? rc : count_boot(n, ei);
}

void node_close(struct node *n)
{
	secret_deinit(&n->token);
	secret_deinit(&n->key);
	if (n->lock_fd > 0)
		close(n->lock_fd);
	*n = (struct node){ .lock_fd = -1 };
}

static enum err store_node(const struct node *n, struct err_info *ei)
{
	char path[NODE_PATH_MAX];
	struct jsonw w;
	struct buf out;
	enum err rc;

	buf_init(&out, NODE_FILE_MAX);
	jsonw_init(&w, &out);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "server", n->server);
	jsonw_str(&w, "node_id", n->id);
	jsonw_str(&w, "token", (const char *)n->token.bytes);
	jsonw_int(&w, "heartbeat_us", n->beat_us);
	jsonw_int(&w, "lease_ttl_us", n->ttl_us);
	jsonw_object_end(&w);
	rc = jsonw_end(&w);
	if (!rc)
		rc = node_path(n, "node.json", path, ei);
	if (!rc)
		rc = files_write(path, buf_head(&out), buf_len(&out), ei);
	buf_wipe(&out);
	return rc;
}

enum err node_enrolled(struct node *n, const char *server,
		       const struct wire_enrolled *e, struct err_info *ei)
{
	enum err rc = take_token(n, e->node_token, ei);

	if (rc)
		return rc;
	snprintf(n->id, sizeof(n->id), "%s", e->node_id);
	snprintf(n->server, sizeof(n->server), "%s", server);
	n->beat_us = e->heartbeat_interval_ms * US_PER_MS;
	n->ttl_us = e->lease_ttl_ms * US_PER_MS;
	return store_node(n, ei);
}
