/* SPDX-License-Identifier: MIT */
/*
 * Settings as a table.
 *
 * A role declares `struct config_option` rows; the values live in its own struct
 * at `offset`.  One function each reads a file (flat YAML `name: value`), the
 * environment (TGFLEET_NAME) and the command line (--name value); a later source
 * wins, and every value remembers its origin for `tgfleet config show`.
 *
 *   failure   ERR_INVALID naming the option, the value and what is accepted
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/buf.h"

enum config_type {
	CONFIG_STR,	 /* char * (owned) */
	CONFIG_INT,	 /* int64_t */
	CONFIG_BOOL,	 /* bool */
	CONFIG_DURATION, /* int64_t microseconds */
	CONFIG_SIZE,	 /* uint64_t bytes */
};

enum {
	CONFIG_SECRET = 1U << 0, /* shown as ***, never from the command line */
	CONFIG_REQUIRED = 1U << 1, /* must not be empty after all sources */
	CONFIG_NO_FILE = 1U << 2,  /* only command line and environment */
};

struct config_option {
	const char *name; /* "heartbeat-interval" */
	enum config_type type;
	unsigned int flags;
	size_t offset;
	const char *dflt; /* text, as a user would write it; NULL = empty/0 */
	int64_t min, max; /* numbers, in the type's unit; both 0 = no limit */
	const char *arg;  /* "SECONDS", for usage */
	const char *help; /* one sentence, for usage, man page and sample */
};

struct config_table {
	const char *command; /* "serve" */
	const struct config_option *options;
	size_t n;
};

enum config_origin {
	CONFIG_FROM_DEFAULT,
	CONFIG_FROM_FILE,
	CONFIG_FROM_ENV,
	CONFIG_FROM_CLI,
};

#define CONFIG_OPTIONS_MAX 64
struct config_origins {
	uint8_t origin[CONFIG_OPTIONS_MAX];
};

enum err config_defaults(const struct config_table *t, void *values,
			 struct config_origins *o, struct err_info *ei);
enum err config_file(const struct config_table *t, void *values,
		     struct config_origins *o, const char *path,
		     struct err_info *ei);
enum err config_env(const struct config_table *t, void *values,
		    struct config_origins *o, struct err_info *ei);
/*
 * Takes --name value, --name=value and, for bools, --name; stops at the first
 * word that is no option or after "--"; *ret_used words were taken.
 */
enum err config_args(const struct config_table *t, void *values,
		     struct config_origins *o, int argc, char **argv,
		     int *ret_used, struct err_info *ei);
/* Required options present? */
enum err config_check(const struct config_table *t, const void *values,
		      struct err_info *ei);
/* Frees the strings. */
void config_free(const struct config_table *t, void *values);

/* "TGFLEET_LEASE_TTL" of "lease-ttl". */
#define CONFIG_ENV_MAX 64
void config_env_name(const char *name, char ret[static CONFIG_ENV_MAX]);
/* "text", "duration": what `type` is called. */
const char *config_type_name(enum config_type type);

enum err config_usage(const struct config_table *t, struct buf *out);
enum err config_show(const struct config_table *t, const void *values,
		     const struct config_origins *o, struct buf *out);

/* The linked library's own word for its version. */
const char *config_library_version(void);

#endif /* BASE_CONFIG_H */
