/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

static const struct table_column list_columns[] = {
	{ "JOB", "job_id" },
	{ "KIND", "kind" },
	{ "STATE", "state" },
	{ "CREATED", "created_at" },
};

static const struct verbs_verb verbs[] = {
	{ .name = "list",
	  .args = "",
	  .help = "jobs, newest first",
	  .method = "GET",
	  .path = "/jobs",
	  .query = "page,page-size",
	  .items = "items",
	  .columns = list_columns,
	  .ncolumns = ARRAY_LEN(list_columns) },
	{ .name = "show",
	  .args = "JOB",
	  .help = "state, progress and result; --wait 30s waits for its end",
	  .method = "GET",
	  .path = "/jobs/%1",
	  .query = "wait" },
};

static const struct verbs_noun noun = { "job", "long work and its results",
					verbs, ARRAY_LEN(verbs) };

static int run(int argc, char **argv)
{
	return verbs_run(&noun, argc, argv);
}

const struct cli_cmd cmd_job = {
	.name = "job",
	.summary = "list and show jobs",
	.run = run,
	.noun = &noun,
};
