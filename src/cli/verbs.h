/* SPDX-License-Identifier: MIT */
/*
 * "tgfleet NOUN VERB ARGS": most verbs are one call of the API, so most verbs
 * are one row of a table.
 */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/remote.h"
#include "cli/table.h"

#define VERBS_ARGS_MAX 4

/* Options every noun understands; a verb uses what its row names. */
struct verbs_options {
	struct remote remote;
	char *node, *status, *search, *sort_by, *wait, *name, *to;
	char *strategy;
	int64_t max_per_node;
	bool dry_run, include_allocated, move_running, yes;
	char *note, *encoding;
	int64_t user_id;
	int64_t page, page_size;
	bool attested, force;
};

struct verbs_call {
	const struct verbs_options *opt;
	char **args;
	size_t nargs;
};

/* One verb: a call, or `run`, which with a `path` finds the remote resolved. */
struct verbs_verb {
	const char *name;
	const char *args; /* "ACCOUNT NODE", for usage; counted */
	const char *help;
	const char *method;
	const char *path;  /* "/workers/%1": %N is argument N, encoded */
	const char *body;  /* "{\"server_id\":%2}": %N is a JSON string */
	const char *query; /* comma list of options sent as query */
	const char *items; /* member that holds the rows; NULL = one object */
	const struct table_column *columns;
	size_t ncolumns;
	/* Takes any number of arguments from `args` up; exit status. */
	int (*run)(const struct verbs_call *call);
	/* Has options of its own; argv[0] is the verb. */
	int (*own)(int argc, char **argv);
};

struct verbs_noun {
	const char *name;
	const char *summary;
	const struct verbs_verb *verbs;
	size_t nverbs;
};

extern const struct config_table verbs_options_table;

int verbs_run(const struct verbs_noun *noun, int argc, char **argv);
/* The table's or the JSON's way of printing an answer. */
enum err verbs_show(const struct verbs_verb *v, const struct remote *r,
		    struct json answer);

#endif /* CLI_VERBS_H */
