/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/sm.h"
#include "cli/cli.h"
#include "cli/describe.h"
#include "cli/table.h"

#define OUT_MAX (1U << 20)

struct options {
	bool dot, json;
};

static const struct config_option option_rows[] = {
	{ "dot", CONFIG_BOOL, CONFIG_NO_FILE, offsetof(struct options, dot),
	  "no", 0, 0, NULL, "print a diagram for Graphviz" },
	{ "json", CONFIG_BOOL, CONFIG_NO_FILE, offsetof(struct options, json),
	  "no", 0, 0, NULL, "print JSON" },
};
static const struct config_table options = { "states", option_rows,
					     ARRAY_LEN(option_rows) };

static const struct table_column columns[] = {
	{ "MACHINE", "machine" }, { "STATE", "state" },
	{ "STATUS", "status" },	  { "CONNECTED", "connected" },
	{ "MEANS", "help" },	  { "MAY GO TO", "to" },
};

static void dot(const struct sm_class *class)
{
	printf("digraph %s {\n", class->name);
	for (size_t i = 0; i < class->nstates; i++) {
		const struct sm_state *s = &class->states[i];

		printf("\t%s [shape=%s%s];\n", s->name,
		       s->flags & SM_FINAL ? "doublecircle" : "box",
		       s->flags & SM_INITIAL ? ", style=bold" : "");
		for (size_t to = 0; to < class->nstates; to++)
			if (s->to & SM_TO(to))
				printf("\t%s -> %s;\n", s->name,
				       class->states[to].name);
	}
	puts("}");
}

static enum err show(const struct options *o, struct err_info *ei)
{
	struct json_doc doc;
	struct buf out;
	enum err rc;

	if (!o->json) {
		rc = describe_parsed("states", &doc, ei);
		if (rc)
			return rc;
		rc = table_print(json_root(&doc), columns, ARRAY_LEN(columns));
		json_free(&doc);
		return rc;
	}
	buf_init(&out, OUT_MAX);
	rc = describe("states", &out, ei);
	if (!rc && buf_cstr(&out))
		puts(buf_cstr(&out));
	buf_deinit(&out);
	return rc;
}

static void dot_all(void)
{
	size_t n;
	const struct sm_class *const *all = describe_machines(&n);

	for (size_t i = 0; i < n; i++)
		dot(all[i]);
}

static int run(int argc, char **argv)
{
	struct err_info ei = { .msg = "out of memory" };
	struct cli_call call;
	struct options o = { 0 };
	int status;

	status = cli_config(&cmd_states, &o, argc, argv, &call);
	if (status || call.help)
		return status;
	if (call.rest[0]) {
		fprintf(stderr, "tgfleet states: what is \"%s\"?\n",
			call.rest[0]);
		return CLI_USAGE;
	}
	if (o.dot)
		dot_all();
	else if (show(&o, &ei))
		return cli_fail("states", CLI_FAILED, &ei);
	return CLI_OK;
}

const struct cli_cmd cmd_states = {
	.name = "states",
	.summary = "the states of an account and what they mean",
	.run = run,
	.options = &options,
};
