/* SPDX-License-Identifier: MIT */
/*
 * A command is one file cmd_x.c that exports one const struct, and one line in
 * commands.def.  argv[0] is the command's own name.  stdout is data, stderr is talk.
 * run() returns the exit status: CLI_OK, CLI_FAILED (the reason on stderr, one
 * line) or CLI_USAGE.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/config.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
};

struct verbs_noun;

struct cli_cmd {
	const char *name;    /* "serve" */
	const char *summary; /* one line for `tgfleet help` */
	int (*run)(int argc, char **argv);
	const struct config_table *options; /* for help and docs; may be NULL */
	const struct verbs_noun *noun;	    /* its verbs; may be NULL */
	const char *args; /* "[NAME]", what stands behind the options */
	/* Values that fit each alone but not together; may be NULL. */
	enum err (*check)(const void *values, struct err_info *ei);
};

#define COMMAND(name) extern const struct cli_cmd cmd_##name;
#include "cli/commands.def"
#undef COMMAND

/* All of them, in the order of `tgfleet help`. */
const struct cli_cmd *const *cli_commands(size_t *ret_n);
/* NULL if there is none of that name. */
const struct cli_cmd *cli_command(const char *name);

/* "tgfleet x: reason" on stderr; returns `status`, so `return cli_fail(...)`. */
int cli_fail(const char *command, int status, const struct err_info *ei);
struct cli_call {
	struct config_origins origins; /* of each value */
	char **rest;		       /* words behind the options, then NULL */
	bool help;		       /* was asked for and is out already */
};
/*
 * Defaults, --config FILE, environment, command line, required options.
 * CLI_OK, or a status to return: the reason is out already.
 */
int cli_config(const struct cli_cmd *cmd, void *values, int argc, char **argv,
	       struct cli_call *ret);

#endif /* CLI_CLI_H */
