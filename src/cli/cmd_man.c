/* SPDX-License-Identifier: MIT */
/* tgfleet man: the manual page, written from the tables. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/verbs.h"

static const struct config_table table = { "man", NULL, 0 };

/* Text that roff takes as text, whatever it begins with. */
static void text(const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", stdout);
	for (; *s; s++) {
		if (*s == '\\')
			fputs("\\e", stdout);
		else if (*s == '-')
			fputs("\\-", stdout);
		else
			putchar(*s);
	}
}

static void line(const char *s)
{
	text(s);
	putchar('\n');
}

static void bold(const char *s)
{
	fputs("\\fB", stdout);
	text(s);
	fputs("\\fR", stdout);
}

static void italic(const char *s)
{
	fputs(" \\fI", stdout);
	text(s);
	fputs("\\fR", stdout);
}

static void section(const char *name)
{
	printf(".SH %s\n", name);
}

static void entry(const char *tag, const char *arg, const char *help)
{
	puts(".TP");
	bold(tag);
	if (arg && *arg)
		italic(arg);
	putchar('\n');
	line(help);
}

static void option(const struct config_option *o)
{
	char tag[CONFIG_ENV_MAX];

	snprintf(tag, sizeof(tag), "--%s", o->name);
	entry(tag, o->arg, o->help);
	if (o->flags & CONFIG_SECRET) {
		char env[CONFIG_ENV_MAX];

		config_env_name(o->name, env);
		puts("(not on the command line:");
		bold(env);
		puts("or a file)");
	}
	if (o->flags & CONFIG_REQUIRED && !o->dflt)
		puts("(required)");
	if (o->dflt && *o->dflt) {
		fputs("(default ", stdout);
		text(o->dflt);
		puts(")");
	}
}

static void options(const struct config_table *t)
{
	for (size_t i = 0; t && i < t->n; i++)
		option(&t->options[i]);
}

static void command(const struct cli_cmd *c)
{
	fputs(".SS \"tgfleet ", stdout);
	text(c->name);
	if (c->noun)
		fputs(" VERB", stdout);
	if (c->args) {
		putchar(' ');
		text(c->args);
	}
	puts("\"");
	line(c->summary);
	for (size_t i = 0; c->noun && i < c->noun->nverbs; i++)
		entry(c->noun->verbs[i].name, c->noun->verbs[i].args,
		      c->noun->verbs[i].help);
	options(c->options);
}

static void commands(void)
{
	size_t n;
	const struct cli_cmd *const *all = cli_commands(&n);

	section("COMMANDS");
	for (size_t i = 0; i < n; i++)
		command(all[i]);
	section("OPTIONS OF THE COMMANDS WITH VERBS");
	options(&verbs_options_table);
}

static void head(void)
{
	puts(".TH TGFLEET 1 \"\" \"tgfleet " TGFLEET_VERSION
	     "\" \"User Commands\"");
	section("NAME");
	puts("tgfleet \\- run a fleet of Telegram accounts on many nodes");
	section("SYNOPSIS");
	puts("\\fBtgfleet\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] "
	     "[\\fIARGUMENTS\\fR]");
	section("DESCRIPTION");
	puts("\\fBtgfleet serve\\fR is the control plane: it keeps accounts "
	     "and their sealed sessions and decides which node runs which.\n"
	     "\\fBtgfleet worker\\fR runs on every node and connects the "
	     "accounts to Telegram.\n"
	     "\\fBtgfleet dc\\fR is a data centre for tests, and \\fBtgfleet "
	     "demo\\fR shows all of them together.\n"
	     "The other commands speak to the control plane.");
}

static void tail(void)
{
	section("EXIT STATUS");
	entry("0", NULL, "done");
	entry("1", NULL, "failed; the reason is on standard error");
	entry("2", NULL, "the command line or a setting is wrong");
	section("ENVIRONMENT");
	entry("TGFLEET_NAME", NULL,
	      "Every option can be given in the environment: --lease-ttl is "
	      "TGFLEET_LEASE_TTL.  The command line wins over the environment, "
	      "the environment over the file of settings.");
	entry("TGFLEET_SERVER", NULL, "the control plane to speak to");
	entry("TGFLEET_TOKEN", NULL, "the token to speak to it with");
	entry("TGFLEET_PASSCODE", NULL,
	      "local passcode of a tdata folder, for session inspect");
	section("FILES");
	entry("~/.config/tgfleet/config.yaml", NULL,
	      "server and token, written by tgfleet login, mode 0600");
	entry("DATA/tgfleet.db", NULL, "the database of tgfleet serve");
	entry("DATA/vault.key", NULL,
	      "the key of the sealed sessions; they are lost without it");
	entry("STATE/node.key", NULL, "secret key of a node");
	entry("STATE/node.json", NULL, "identity and token of a node");
	entry("STATE/positions", NULL,
	      "how far the accounts have read their updates");
	section("SEE ALSO");
	puts("The documents in docs/, first of all docs/operate.md.");
}

static int run(int argc, char **argv)
{
	struct cli_call call;
	int status = cli_config(&cmd_man, NULL, argc, argv, &call);

	if (status || call.help)
		return status;
	head();
	commands();
	tail();
	return ferror(stdout) ? CLI_FAILED : CLI_OK;
}

const struct cli_cmd cmd_man = {
	.name = "man",
	.summary = "write the manual page: tgfleet man | man -l -",
	.run = run,
	.options = &table,
};
