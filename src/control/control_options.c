/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "control/control.h"
#include "fleet/lease.h"

#define SEC INT64_C(1000000)
#define ROW(n, t, field, d, ...)                                               \
	{                                                                      \
		.name = (n), .type = (t),                                      \
		.offset = offsetof(struct control_config, field), .dflt = (d), \
		__VA_ARGS__                                                    \
	}

static const struct config_option options[] = {
	ROW("config", CONFIG_STR, config, NULL, .flags = CONFIG_NO_FILE,
	    .arg = "FILE", .help = "settings, one `name: value` a line"),
	ROW("listen", CONFIG_STR, listen, "127.0.0.1:8080",
	    .flags = CONFIG_REQUIRED, .arg = "ADDRESS:PORT",
	    .help = "where the REST interface listens; port 0 takes a free "
		    "one"),
	ROW("db", CONFIG_STR, db, NULL, .arg = "ADDRESS",
	    .help = "the database: sqlite:PATH, or postgresql://USER@HOST/NAME "
		    "with its password in a PGPASSFILE; default: tgfleet.db in "
		    "the data folder"),
	ROW("data", CONFIG_STR, data, "tgfleet-data", .flags = CONFIG_REQUIRED,
	    .arg = "DIR",
	    .help = "folder of the database and the vault key, mode 0700"),
	ROW("heartbeat-interval", CONFIG_DURATION, heartbeat_interval_us, "30s",
	    .min = SEC / 10, .max = 3600 * SEC, .arg = "DURATION",
	    .help = "how often a node beats"),
	ROW("lease-ttl", CONFIG_DURATION, lease_ttl_us, "90s", .min = SEC / 10,
	    .max = 24 * 3600 * SEC, .arg = "DURATION",
	    .help = "how long a node may run an account without an answer; "
		    "at least three heartbeat intervals"),
	ROW("lease-grace", CONFIG_DURATION, lease_grace_us, "30s",
	    .min = SEC / 20, .max = 3600 * SEC, .arg = "DURATION",
	    .help = "waited beyond the ttl before another node gets it"),
	ROW("failover", CONFIG_BOOL, failover, "true",
	    .help = "move wanted accounts of a lost node to other nodes"),
	ROW("start-timeout", CONFIG_DURATION, start_timeout_us, "60s",
	    .min = SEC / 10, .max = 600 * SEC, .arg = "DURATION",
	    .help = "how long a start is given until it counts as failed"),
	ROW("login-ttl", CONFIG_DURATION, login_ttl_us, "12h", .min = SEC,
	    .max = 90 * 24 * 3600 * SEC, .arg = "DURATION",
	    .help = "how long a sign-in lasts"),
	ROW("confirm-ttl", CONFIG_DURATION, confirm_ttl_us, "5m", .min = SEC,
	    .max = 24 * 3600 * SEC, .arg = "DURATION",
	    .help = "how long a password counts as just given, for calls "
		    "that give access away"),
	ROW("join-ttl", CONFIG_DURATION, join_ttl_us, "1h", .min = SEC,
	    .max = 30 * 24 * 3600 * SEC, .arg = "DURATION",
	    .help = "how long a join token may be used"),
	ROW("command-ttl", CONFIG_DURATION, command_ttl_us, "1h", .min = SEC,
	    .max = 7 * 24 * 3600 * SEC, .arg = "DURATION",
	    .help = "how long a command waits for its node"),
	ROW("grant-ttl", CONFIG_DURATION, grant_ttl_us, "60s", .min = SEC,
	    .max = 3600 * SEC, .arg = "DURATION",
	    .help = "how long a session may be fetched after a lease"),
	ROW("quarantine-keep", CONFIG_DURATION, quarantine_keep_us, "30d",
	    .min = SEC, .max = INT64_C(3650) * 24 * 3600 * SEC,
	    .arg = "DURATION",
	    .help = "how long a session that was replaced or deleted can be "
		    "restored; then its key is destroyed"),
	ROW("upload-max", CONFIG_SIZE, upload_max_bytes, "64m", .min = 65536,
	    .max = INT64_C(64) << 20, .arg = "BYTES",
	    .help = "the largest session upload"),
	ROW("login-attempts", CONFIG_INT, login_attempts, "10", .min = 1,
	    .max = 100000, .arg = "N",
	    .help = "failed sign-ins of an address in a minute before it "
		    "waits"),
	ROW("reset-admin-password", CONFIG_BOOL, reset_admin_password, "false",
	    .flags = CONFIG_NO_FILE,
	    .help = "give the user admin a new password, said by the ready "
		    "line, and end its sign-ins"),
	ROW("print-routes", CONFIG_BOOL, print_routes, "false",
	    .flags = CONFIG_NO_FILE,
	    .help = "print the table of routes as JSON lines and end"),
};

const struct config_table control_options = {
	.command = "serve",
	.options = options,
	.n = ARRAY_LEN(options),
};

enum err control_config_check(const struct control_config *cfg,
			      struct err_info *ei)
{
	const struct lease_rules rules = {
		.beat_us = cfg->heartbeat_interval_us,
		.ttl_us = cfg->lease_ttl_us,
		.grace_us = cfg->lease_grace_us,
	};

	if (cfg->lease_ttl_us < 3 * cfg->heartbeat_interval_us)
		return err_set(ei, ERR_INVALID,
			       "lease-ttl %gs is less than three heartbeat "
			       "intervals of %gs: raise --lease-ttl or lower "
			       "--heartbeat-interval",
			       (double)cfg->lease_ttl_us / 1e6,
			       (double)cfg->heartbeat_interval_us / 1e6);
	return lease_rules_check(&rules, ei);
}
