/* SPDX-License-Identifier: MIT */
/*
 * The control plane: `tgfleet serve`.
 *
 * One loop, one store, one HTTP server.  Nodes report, operators decide, and this
 * decides who may run what; nobody is connected to Telegram here.
 *
 *   owner     cli/cmd_serve.c
 *   memory    O(nodes + accounts under lease + waiting requests)
 *   threads   the loop's; password hashing runs on its work pool
 *   failure   control_new() says what is wrong with the settings, the data
 *             folder, the key or the database
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "base/buf.h"
#include "base/config.h"

struct control;
struct loop;

struct control_config {
	char *config; /* file of settings */
	char *listen;
	char *db;
	char *data;
	int64_t heartbeat_interval_us;
	int64_t lease_ttl_us;
	int64_t lease_grace_us;
	bool failover;
	int64_t start_timeout_us;
	int64_t login_ttl_us;
	int64_t confirm_ttl_us;
	int64_t join_ttl_us;
	int64_t command_ttl_us;
	int64_t grant_ttl_us;
	int64_t quarantine_keep_us;
	uint64_t upload_max_bytes;
	int64_t login_attempts;
	bool reset_admin_password;
	bool print_routes;
};

extern const struct config_table control_options;

/* ttl >= 3 x interval and the like, with what to change. */
enum err control_config_check(const struct control_config *cfg,
			      struct err_info *ei);

/* Opens or creates everything and listens.  `cfg` is borrowed. */
enum err control_new(struct loop *l, const struct control_config *cfg,
		     struct control **ret, struct err_info *ei);
/* Accepts NULL. */
void control_free(struct control *c);
/* No new requests; long polls are answered; the rest may finish. */
void control_drain(struct control *c);
/* No request is without its answer. */
bool control_idle(const struct control *c);

/*
 * One JSON line: {"ready":true,"url":…} and, only when this start created the
 * admin or reset its password, that: the only place it ever appears.
 */
enum err control_ready_line(struct control *c, struct buf *out);
/* The route table as JSON lines: what may be called and by whom. */
enum err control_print_routes(struct buf *out);

#endif /* CONTROL_CONTROL_H */
