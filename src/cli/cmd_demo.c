/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/demo_int.h"

struct options {
	bool check;
	char *dir;
};

static const struct config_option option_rows[] = {
	{ "check", CONFIG_BOOL, CONFIG_NO_FILE, offsetof(struct options, check),
	  "no", 0, 0, NULL, "play the story without a person; exit 0 or 1" },
	{ "dir", CONFIG_STR, CONFIG_NO_FILE, offsetof(struct options, dir),
	  NULL, 0, 0, "DIR",
	  "keep everything here instead of a folder that "
	  "is removed at the end" },
};
static const struct config_table options = { "demo", option_rows,
					     ARRAY_LEN(option_rows) };

static void say(const char *mark, const char *text, int64_t took_us)
{
	printf("%-4s %s (%lld.%lld s)\n", mark, text,
	       (long long)(took_us / US_PER_SEC),
	       (long long)(took_us % US_PER_SEC / 100000));
	fflush(stdout);
}

static int run_steps(struct demo *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct demo_step *s = &demo_story_steps[i];
		struct mono start = clock_mono(clock_system());
		struct err_info ei = { .msg = "out of memory" };
		enum err rc = s->run(d, &ei);
		int64_t took = mono_diff(clock_mono(clock_system()), start);

		if (rc || d->interrupted) {
			say("FAIL", s->text, took);
			fprintf(stderr, "     %s\n",
				d->interrupted ? "interrupted" : ei.msg);
			d->keep_dir = !d->interrupted;
			return CLI_FAILED;
		}
		say("ok", s->text, took);
	}
	return CLI_OK;
}

static bool is_interrupted(struct demo *d)
{
	return d->interrupted;
}

static void hand_over(struct demo *d)
{
	printf("\nThe fleet is up; Ctrl-C ends everything and leaves nothing "
	       "behind.\n\n"
	       "  control plane  %s\n"
	       "  data centre    %s (admin)\n"
	       "  files, logs    %s\n\n"
	       "In another terminal:\n\n"
	       "  export TGFLEET_SERVER=%s TGFLEET_TOKEN=%s\n"
	       "  %s account list\n"
	       "  %s node list\n"
	       "  %s chat start-all\n\n",
	       d->url, d->admin, d->dir, d->url, d->token, d->program,
	       d->program, d->program);
	fflush(stdout);
	while (demo_world_wait(d, is_interrupted, 3600 * US_PER_SEC, "you",
			       NULL))
		;
}

static int play(struct demo *d, const struct options *o)
{
	struct err_info ei = { .msg = "out of memory" };
	int status;

	if (demo_world_init(d, o->dir, &ei))
		return cli_fail("demo", CLI_FAILED, &ei);
	status = run_steps(d, o->check ? demo_story_nsteps : demo_story_nsetup);
	if (status == CLI_OK && !o->check)
		hand_over(d);
	return status;
}

static int run(int argc, char **argv)
{
	struct options o = { 0 };
	struct cli_call call;
	struct demo *d = calloc(1, sizeof(*d));
	char *self = realpath("/proc/self/exe", NULL);
	int status;

	if (!d || !self) {
		free(d);
		free(self);
		return CLI_FAILED;
	}
	d->program = self;
	status = cli_config(&cmd_demo, &o, argc, argv, &call);
	if (status == CLI_OK && !call.help) {
		status = play(d, &o);
		demo_world_deinit(d);
	}
	config_free(&options, &o);
	free(self);
	free(d);
	return status;
}

const struct cli_cmd cmd_demo = {
	.name = "demo",
	.summary = "a small fleet on this machine, data centre included",
	.run = run,
	.options = &options,
};
