/* SPDX-License-Identifier: MIT */
#include "cli/script_file.h"
#include "cli/verbs.h"

#define SCRIPTS "/group-ai/scripts"

static const struct table_column list_columns[] = {
	{ "SCRIPT", "script_id" },   { "VERSION", "version" },
	{ "LABEL", "label" },	     { "BYTES", "size" },
	{ "CREATED", "created_at" }, { "BY", "author" },
	{ "NOTE", "note" },
};

static const struct table_column deployment_columns[] = {
	{ "NODE", "node_id" },	     { "VERSION", "version" },
	{ "STATE", "state" },	     { "CREATED", "created_at" },
	{ "COMMAND", "command_id" }, { "MESSAGE", "message" },
};

static const struct verbs_verb verbs[] = {
	{ .name = "list",
	  .args = "",
	  .help = "all scripts, their newest version",
	  .method = "GET",
	  .path = SCRIPTS,
	  .query = "page,page-size",
	  .items = "items",
	  .columns = list_columns,
	  .ncolumns = ARRAY_LEN(list_columns) },
	{ .name = "show",
	  .args = "SCRIPT",
	  .help = "one script and its text",
	  .method = "GET",
	  .path = SCRIPTS "/%1" },
	{ .name = "create",
	  .args = "FILE",
	  .help = "store a new script (- is standard input)",
	  .path = SCRIPTS,
	  .run = script_file_create },
	{ .name = "edit",
	  .args = "SCRIPT FILE",
	  .help = "store its next version",
	  .path = SCRIPTS,
	  .run = script_file_edit },
	{ .name = "validate",
	  .args = "FILE",
	  .help = "what is wrong with it, and where; stores nothing",
	  .path = SCRIPTS,
	  .run = script_file_validate },
	{ .name = "download",
	  .args = "SCRIPT",
	  .help = "its text, to standard output",
	  .path = SCRIPTS,
	  .run = script_file_download },
	{ .name = "deploy",
	  .args = "SCRIPT NODE...",
	  .help = "give it to nodes; --force: again",
	  .path = SCRIPTS,
	  .run = script_file_deploy },
	{ .name = "deployments",
	  .args = "SCRIPT",
	  .help = "which nodes were given it, and what became of that",
	  .method = "GET",
	  .path = SCRIPTS "/%1/deployments",
	  .query = "node,page,page-size",
	  .items = "items",
	  .columns = deployment_columns,
	  .ncolumns = ARRAY_LEN(deployment_columns) },
	{ .name = "versions",
	  .args = "SCRIPT",
	  .help = "its versions, newest first",
	  .method = "GET",
	  .path = SCRIPTS "/%1/versions",
	  .query = "page,page-size",
	  .items = "items",
	  .columns = list_columns,
	  .ncolumns = ARRAY_LEN(list_columns) },
	{ .name = "restore",
	  .args = "SCRIPT VERSION",
	  .help = "make an earlier version the newest",
	  .method = "POST",
	  .path = SCRIPTS "/%1/versions/%2/restore" },
	{ .name = "delete",
	  .args = "SCRIPT",
	  .help = "remove it with its versions; no account may have it",
	  .method = "DELETE",
	  .path = SCRIPTS "/%1" },
};

static const struct verbs_noun noun = { "script", "chat scripts as documents",
					verbs, ARRAY_LEN(verbs) };

static int run(int argc, char **argv)
{
	return verbs_run(&noun, argc, argv);
}

const struct cli_cmd cmd_script = {
	.name = "script",
	.summary = "store, validate, deploy chat scripts",
	.run = run,
	.noun = &noun,
};
