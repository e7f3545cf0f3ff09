/* SPDX-License-Identifier: MIT */
/* tgfleet serve: the control plane. */
#include <stdio.h>

#include "base/log.h"
#include "cli/cli.h"
#include "control/control.h"
#include "net/loop.h"

#define LINE_MAX_BYTES 4096
#define ROUTES_MAX_BYTES 262144
#define DRAIN_US (5 * US_PER_SEC)

struct serving {
	struct loop *loop;
	struct control *control;
	struct wheel_timer drain;
	struct mono drain_until;
	bool ending;
};

static int print_routes(void)
{
	struct err_info ei = { 0 };
	struct buf out;
	enum err rc;

	buf_init(&out, ROUTES_MAX_BYTES);
	rc = control_print_routes(&out);
	if (!rc)
		fwrite(buf_head(&out), 1, buf_len(&out), stdout);
	buf_deinit(&out);
	if (!rc)
		return CLI_OK;
	snprintf(ei.msg, sizeof(ei.msg), "%s", err_text(rc));
	return cli_fail("serve", CLI_FAILED, &ei);
}

static void on_drain(struct wheel_timer *t, void *ctx)
{
	struct serving *s = ctx;

	if (control_idle(s->control) ||
	    !mono_before(loop_now(s->loop), s->drain_until))
		loop_stop(s->loop);
	else
		loop_arm(s->loop, &s->drain, 20 * US_PER_MS);
}

/* The second signal does not wait. */
static void on_signal(void *ctx, int signum)
{
	struct serving *s = ctx;

	if (s->ending) {
		loop_stop(s->loop);
		return;
	}
	s->ending = true;
	s->drain_until = mono_add(loop_now(s->loop), DRAIN_US);
	control_drain(s->control);
	loop_arm(s->loop, &s->drain, 0);
}

static void on_stall(void *ctx, int64_t took_us)
{
	log_warn(LOGEV_WATCHDOG, log_i64("ms", took_us / US_PER_MS));
}

static enum err say_ready(struct control *c)
{
	struct buf out;
	enum err rc;

	buf_init(&out, LINE_MAX_BYTES);
	rc = control_ready_line(c, &out);
	if (!rc) {
		fwrite(buf_head(&out), 1, buf_len(&out), stdout);
		fputc('\n', stdout);
		if (fflush(stdout))
			rc = ERR_IO;
	}
	buf_wipe(&out);
	return rc;
}

static enum err serve(const struct control_config *cfg, struct err_info *ei)
{
	struct serving s = { 0 };
	enum err rc;

	rc = loop_new(&s.loop, NULL, ei);
	if (rc)
		return rc;
	wheel_timer_init(&s.drain, on_drain, &s);
	loop_on_stall(s.loop, 0, on_stall, NULL);
	rc = loop_on_signal(s.loop, on_signal, &s, ei);
	if (!rc)
		rc = control_new(s.loop, cfg, &s.control, ei);
	if (!rc)
		rc = say_ready(s.control);
	if (!rc) {
		log_info(LOGEV_START, log_str("listen", cfg->listen));
		loop_run(s.loop);
		log_info(LOGEV_STOP, log_str("why", "signal"));
	}
	loop_cancel(s.loop, &s.drain);
	control_free(s.control);
	loop_free(s.loop);
	return rc;
}

static enum err check(const void *values, struct err_info *ei)
{
	return control_config_check(values, ei);
}

static int start(const struct control_config *cfg, const char *stray)
{
	struct err_info ei = { 0 };
	enum err rc;

	if (stray) {
		snprintf(ei.msg, sizeof(ei.msg), "what is \"%s\"?", stray);
		return cli_fail("serve", CLI_USAGE, &ei);
	}
	if (cfg->print_routes)
		return print_routes();
	rc = control_config_check(cfg, &ei);
	if (rc)
		return cli_fail("serve", CLI_USAGE, &ei);
	rc = serve(cfg, &ei);
	return rc ? cli_fail("serve", CLI_FAILED, &ei) : CLI_OK;
}

static int run(int argc, char **argv)
{
	struct control_config cfg = { 0 };
	struct cli_call call;
	int status;

	status = cli_config(&cmd_serve, &cfg, argc, argv, &call);
	log_set_role("serve");
	if (!status && !call.help)
		status = start(&cfg, call.rest[0]);
	config_free(&control_options, &cfg);
	return status;
}

const struct cli_cmd cmd_serve = {
	.name = "serve",
	.summary = "the control plane: REST interface, leases, sessions",
	.run = run,
	.options = &control_options,
	.check = check,
};
