/* SPDX-License-Identifier: MIT */
#include "cli/sign_in.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/session_load.h"
#include "cli/sign_in_int.h"
#include "cli/slurp.h"

#define DC_DEFAULT 2
#define FAILS_MAX 5
#define REDIAL_US (US_PER_SEC / 2)

#define OPT(field) offsetof(struct sign_in_options, field)
static const struct config_option option_rows[] = {
	{ "telegram", CONFIG_STR, CONFIG_REQUIRED, OPT(telegram), NULL, 0, 0,
	  "FILE", "data centres, their keys, api_id and api_hash (JSON)" },
	{ "phone", CONFIG_STR, CONFIG_NO_FILE, OPT(phone), NULL, 0, 0, "NUMBER",
	  "sign in with a code sent to this number" },
	{ "qr", CONFIG_BOOL, CONFIG_NO_FILE, OPT(qr), "no", 0, 0, NULL,
	  "sign in by a QR code: its link is printed, a phone scans it" },
	{ "bot-token-file", CONFIG_STR, CONFIG_NO_FILE, OPT(bot_token_file),
	  NULL, 0, 0, "FILE", "sign in as a bot; the token's first line" },
	{ "out", CONFIG_STR, CONFIG_REQUIRED | CONFIG_NO_FILE, OPT(out), NULL,
	  0, 0, "FILE", "where the session goes (mode 0600)" },
	{ "to", CONFIG_STR, CONFIG_NO_FILE, OPT(to), "telethon-string", 0, 0,
	  "FORMAT", "as for `session convert`" },
	{ "code-file", CONFIG_STR, CONFIG_NO_FILE, OPT(code_file), NULL, 0, 0,
	  "FILE", "read the code from here, once it is there" },
	{ "password-file", CONFIG_STR, CONFIG_NO_FILE, OPT(password_file), NULL,
	  0, 0, "FILE", "read the two-step verification password" },
	{ "dc", CONFIG_INT, CONFIG_NO_FILE, OPT(dc), "0", 0, 1000, "ID",
	  "data centre to begin at; 0: 2, or the first there is" },
	{ "timeout", CONFIG_DURATION, CONFIG_NO_FILE, OPT(timeout_us), "10m",
	  US_PER_SEC, INT64_C(3600) * US_PER_SEC, "TIME",
	  "give up after this long" },
	{ "json", CONFIG_BOOL, CONFIG_NO_FILE, OPT(json), "no", 0, 0, NULL,
	  "print the outcome as JSON" },
};

static const struct config_table table = { "session sign-in", option_rows,
					   ARRAY_LEN(option_rows) };
static const struct cli_cmd cmd = {
	.name = "session sign-in",
	.summary = "make a new session of an account, or of a bot",
	.options = &table,
};

static const struct config_option out_rows[] = {
	{ "telegram", CONFIG_STR, CONFIG_REQUIRED, OPT(telegram), NULL, 0, 0,
	  "FILE", "data centres, their keys, api_id and api_hash (JSON)" },
	{ "session", CONFIG_STR, CONFIG_REQUIRED | CONFIG_NO_FILE, OPT(session),
	  NULL, 0, 0, "FILE", "the session to be ended" },
	{ "timeout", CONFIG_DURATION, CONFIG_NO_FILE, OPT(timeout_us), "1m",
	  US_PER_SEC, INT64_C(3600) * US_PER_SEC, "TIME",
	  "give up after this long" },
};
static const struct config_table out_table = { "session sign-out", out_rows,
					       ARRAY_LEN(out_rows) };
static const struct cli_cmd out_cmd = {
	.name = "session sign-out",
	.summary = "end a session at Telegram; its file is worth nothing then",
	.options = &out_table,
};
#undef OPT

static struct mono now(const struct sign_in *s)
{
	return loop_now(s->loop);
}

/* ---- the connection */

static void lost(struct sign_in *s, enum err rc, const struct err_info *ei)
{
	link_close(s->loop, s->link, CLOSE_LOCAL);
	s->link = 0;
	loop_cancel(s->loop, &s->tick);
	signin_conn_disconnected(&s->conn);
	s->fails++;
	/* what is being worked on may not go now: then the next time */
	if (s->fails > FAILS_MAX && !s->working)
		signin_fail(&s->flow, rc, ei, now(s));
	else
		loop_arm(s->loop, &s->redial, REDIAL_US * s->fails);
}

static void rearm(struct sign_in *s)
{
	struct mono due = signin_conn_deadline(&s->conn);

	if (due.us == MONO_NEVER.us)
		loop_cancel(s->loop, &s->tick);
	else
		loop_arm_at(s->loop, &s->tick, due);
}

static void pump(struct sign_in *s)
{
	struct err_info ei = { 0 };
	struct buf out;
	enum err rc;

	if (!s->link || s->working)
		return;
	buf_init(&out, 4U << 20);
	rc = signin_conn_output(&s->conn, now(s), &out, &ei);
	if (!rc && buf_len(&out))
		rc = link_send(s->loop, s->link, buf_head(&out), buf_len(&out));
	buf_wipe(&out);
	if (rc)
		lost(s, rc, &ei);
	else
		rearm(s);
}

static void on_open(void *ctx, uint64_t link)
{
	struct sign_in *s = ctx;
	struct err_info ei = { 0 };
	enum err rc;

	if (link != s->link)
		return;
	rc = signin_conn_connected(&s->conn, now(s), loop_wall(s->loop), &ei);
	if (rc)
		lost(s, rc, &ei);
	sign_in_drive(s);
}

static void on_data(void *ctx, uint64_t link, const uint8_t *data, size_t len)
{
	struct sign_in *s = ctx;
	struct err_info ei = { 0 };
	enum err rc;

	if (link != s->link || s->over)
		return;
	rc = signin_conn_feed(&s->conn, data, len, now(s), &ei);
	if (rc)
		lost(s, rc, &ei);
	else if (signin_conn_key(&s->conn))
		s->fails = 0;
	sign_in_drive(s);
}

static void on_close(void *ctx, uint64_t link, enum close_reason reason,
		     const struct err_info *ei)
{
	struct sign_in *s = ctx;
	struct err_info why = { 0 };

	if (link != s->link || s->over)
		return;
	(void)!err_set(&why, ERR_EOF, "%s",
		       ei && ei->msg[0] ? ei->msg : link_reason_text(reason));
	lost(s, ERR_EOF, &why);
	sign_in_drive(s);
}

static const struct link_ops ops = {
	.on_open = on_open,
	.on_data = on_data,
	.on_close = on_close,
};

static void dial(struct sign_in *s)
{
	const struct addr_host *at =
		telegram_find(&s->env.telegram, s->conn.dc_id);
	struct link_dial_options o = { 0 };
	struct err_info ei = { 0 };
	enum err rc;

	if (!at) {
		rc = err_set(&ei, ERR_NOTFOUND,
			     "the telegram file names no data centre %d",
			     s->conn.dc_id);
		signin_fail(&s->flow, rc, &ei, now(s));
		return;
	}
	o.to = *at;
	rc = link_dial(s->loop, &o, &ops, s, &s->link, &ei);
	if (rc)
		signin_fail(&s->flow, rc, &ei, now(s));
}

static void move(struct sign_in *s)
{
	link_close(s->loop, s->link, CLOSE_LOCAL);
	s->link = 0;
	loop_cancel(s->loop, &s->tick);
	loop_cancel(s->loop, &s->redial);
	signin_conn_move(&s->conn, now(s));
	dial(s);
}

/* ---- work that would stall the loop */

static void work_run(struct workpool_job *job)
{
	signin_conn_work(&((struct sign_in *)(void *)job)->conn);
}

static void work_done(struct workpool_job *job)
{
	struct sign_in *s = (struct sign_in *)(void *)job;
	struct err_info ei = { 0 };
	enum err rc;

	s->working = false;
	if (s->over)
		return;
	rc = signin_conn_worked(&s->conn, now(s), &ei);
	if (rc)
		lost(s, rc, &ei);
	sign_in_drive(s);
}

static void start_work(struct sign_in *s)
{
	struct err_info ei = { 0 };
	enum err rc;

	s->job.run = work_run;
	s->job.done = work_done;
	rc = loop_submit(s->loop, &s->job);
	s->working = !rc;
	if (rc)
		signin_fail(&s->flow, rc, &ei, now(s));
}

/* ---- the course of things */

static void end(struct sign_in *s)
{
	s->over = true;
	loop_stop(s->loop);
}

static bool asked(const struct sign_in *s)
{
	return s->asked == s->flow.tag;
}

void sign_in_drive(struct sign_in *s)
{
	if (s->over || s->working)
		return;
	if (signin_step(&s->flow) == SIGNIN_STEP_MOVE)
		move(s);
	if (signin_conn_wants_work(&s->conn))
		start_work(s);
	if (s->working)
		return;
	pump(s);
	switch (signin_step(&s->flow)) {
	case SIGNIN_STEP_ASK_CODE:
		if (!asked(s) || s->flow.problem[0])
			sign_in_ask_code(s);
		break;
	case SIGNIN_STEP_ASK_PASSWORD:
		if (!asked(s))
			sign_in_ask_password(s);
		break;
	case SIGNIN_STEP_ASK_SCAN:
		if (!asked(s))
			sign_in_ask_scan(s);
		break;
	case SIGNIN_STEP_DONE:
	case SIGNIN_STEP_FAILED:
		end(s);
		break;
	default:
		break;
	}
}

static void on_tick(struct wheel_timer *t, void *ctx)
{
	struct sign_in *s = ctx;
	struct err_info ei = { 0 };
	enum err rc;

	(void)t;
	if (s->working)
		return;
	rc = signin_conn_tick(&s->conn, now(s), &ei);
	if (rc)
		lost(s, rc, &ei);
	sign_in_drive(s);
}

static void on_redial(struct wheel_timer *t, void *ctx)
{
	struct sign_in *s = ctx;

	if (s->working)
		loop_arm(s->loop, t, REDIAL_US); /* it uses the old link's */
	else if (!s->link)
		dial(s);
	sign_in_drive(s);
}

/* The code's file may be there now; the QR code is too old. */
static void on_wait(struct wheel_timer *t, void *ctx)
{
	struct sign_in *s = ctx;

	(void)t;
	if (s->working)
		return;
	if (signin_step(&s->flow) == SIGNIN_STEP_ASK_CODE)
		sign_in_ask_code(s);
	else
		signin_refresh(&s->flow, now(s));
	sign_in_drive(s);
}

static void on_give_up(struct wheel_timer *t, void *ctx)
{
	struct sign_in *s = ctx;
	struct err_info ei = { 0 };
	enum err rc =
		err_set(&ei, ERR_TIMEOUT, "gave up: %s",
			signin_state_help((enum signin_state)s->flow.sm.state));

	(void)t;
	if (s->working) {
		loop_arm(s->loop, &s->give_up, US_PER_SEC);
		return;
	}
	signin_fail(&s->flow, rc, &ei, now(s));
	sign_in_drive(s);
}

/* The first takes the code back; the second does not wait for that. */
static void on_signal(void *ctx, int signum)
{
	struct sign_in *s = ctx;

	(void)signum;
	if (!s->working && !s->interrupted)
		signin_cancel(&s->flow, now(s));
	if (!s->working &&
	    (s->interrupted || signin_step(&s->flow) != SIGNIN_STEP_SEND))
		signin_fail(&s->flow, ERR_CANCELED, NULL, now(s));
	s->interrupted = true;
	sign_in_drive(s);
}

/* ---- beginning and end */

static enum err start_bot(struct sign_in *s, struct err_info *ei)
{
	struct buf token;
	const char *text;
	enum err rc;

	buf_init(&token, 512);
	rc = slurp_line(s->o->bot_token_file, &token, ei);
	text = rc ? NULL : buf_cstr(&token);
	if (text)
		signin_start_bot(&s->flow, text, now(s));
	buf_wipe(&token);
	return rc;
}

/* With the key of the file, at its data centre. */
static enum err start_log_out(struct sign_in *s, struct err_info *ei)
{
	struct sessfile file;
	enum err rc = session_load(s->o->session, &file, ei);

	if (rc)
		return rc;
	s->conn.dc_id = file.dc_id;
	rc = signin_conn_set_key(&s->conn, file.auth_key.bytes, ei);
	sessfile_deinit(&file);
	if (!rc)
		signin_start_log_out(&s->flow, now(s));
	return rc;
}

static enum err start(struct sign_in *s, struct err_info *ei)
{
	if (s->o->session)
		return start_log_out(s, ei);
	if (s->o->bot_token_file)
		return start_bot(s, ei);
	if (s->o->qr)
		signin_start_qr(&s->flow, now(s));
	else
		signin_start_phone(&s->flow, s->o->phone, now(s));
	return ERR_OK;
}

static int first_dc(const struct sign_in *s)
{
	if (s->o->dc)
		return (int)s->o->dc;
	if (telegram_find(&s->env.telegram, DC_DEFAULT))
		return DC_DEFAULT;
	return s->env.telegram.dcs[0].id;
}

static void init(struct sign_in *s)
{
	const struct signin_config fc = { .api_id = s->env.api_id,
					  .api_hash = s->env.api_hash,
					  .rnd = rnd_system() };
	const struct signin_conn_config cc = {
		.flow = &s->flow,
		.env = &s->env.telegram.env,
		.keys = s->env.keys,
		.key_count = s->env.nkeys,
		.test_mode = s->env.telegram.test_mode,
		.rnd = rnd_system(),
	};

	signin_init(&s->flow, &fc, NULL, now(s));
	signin_conn_init(&s->conn, &cc, first_dc(s));
	wheel_timer_init(&s->tick, on_tick, s);
	wheel_timer_init(&s->redial, on_redial, s);
	wheel_timer_init(&s->wait, on_wait, s);
	wheel_timer_init(&s->give_up, on_give_up, s);
	loop_arm(s->loop, &s->give_up, s->o->timeout_us);
	sign_in_ask_init(s);
}

static enum err save(struct sign_in *s, const struct sessfile_target *to,
		     struct err_info *ei)
{
	const struct addr_host *at =
		telegram_find(&s->env.telegram, s->conn.dc_id);
	const struct sessfile_new n = {
		.dc_id = s->conn.dc_id,
		.address = at->host,
		.port = at->port,
		.key = signin_conn_key(&s->conn)->secret.bytes,
		.user_id = s->flow.user.id,
		.is_bot = s->flow.user.bot,
		.test_mode = s->env.telegram.test_mode,
		.api_id = s->env.api_id,
	};
	struct sessfile file;
	enum err rc;

	rc = sessfile_make(&n, &file, ei);
	if (!rc) {
		rc = session_save(&file, to, s->o->out, ei);
		sessfile_deinit(&file);
	}
	if (rc)
		return err_wrap(ei, rc,
				"signed in, but the session could not be "
				"kept (end it in Telegram's settings)");
	return ERR_OK;
}

static void tell(const struct sign_in *s)
{
	const struct signin_user *u = &s->flow.user;
	struct jsonw w;
	struct buf text;

	if (!s->o->json) {
		printf("signed in: %s, user id %lld, data centre %d; the "
		       "session is in %s\n",
		       u->name[0] ? u->name : "no name", (long long)u->id,
		       s->conn.dc_id, s->o->out);
		return;
	}
	buf_init(&text, 65536);
	jsonw_init(&w, &text);
	jsonw_object(&w, NULL);
	jsonw_int(&w, "user_id", u->id);
	jsonw_str(&w, "name", u->name);
	jsonw_str(&w, "username", u->username);
	jsonw_bool(&w, "bot", u->bot);
	jsonw_int(&w, "dc_id", s->conn.dc_id);
	jsonw_str(&w, "file", s->o->out);
	jsonw_object_end(&w);
	if (!jsonw_end(&w) && buf_cstr(&text))
		puts(buf_cstr(&text));
	buf_deinit(&text);
}

static enum err outcome(struct sign_in *s, const struct sessfile_target *to,
			struct err_info *ei)
{
	const struct signin_failure *f = &s->flow.failure;
	enum err rc;

	if (signin_step(&s->flow) != SIGNIN_STEP_DONE) {
		*ei = f->ei;
		return f->rc ? f->rc : ERR_CANCELED;
	}
	if (s->o->session) {
		printf("signed out: %s is worth nothing now\n", s->o->session);
		return ERR_OK;
	}
	rc = save(s, to, ei);
	if (!rc)
		tell(s);
	return rc;
}

static enum err go(struct sign_in *s, const struct sessfile_target *to,
		   struct err_info *ei)
{
	enum err rc;

	init(s);
	rc = loop_on_signal(s->loop, on_signal, s, ei);
	if (!rc)
		rc = start(s, ei);
	if (rc)
		return rc;
	dial(s);
	sign_in_drive(s);
	if (!s->over)
		loop_run(s->loop);
	s->over = true;
	sign_in_ask_deinit(s);
	return outcome(s, to, ei);
}

/* Before a code is asked for: what would make it worth nothing. */
static enum err check(const struct sign_in_options *o,
		      const struct sessfile_target **ret_to,
		      struct err_info *ei)
{
	struct stat st;
	int ways = (o->phone != NULL) + o->qr + (o->bot_token_file != NULL);

	if (ways != 1)
		return err_set(ei, ERR_USAGE,
			       "one of --phone, --qr and --bot-token-file is "
			       "needed");
	if (lstat(o->out, &st) == 0)
		return err_set(ei, ERR_CONFLICT,
			       "%s exists already; choose another name",
			       o->out);
	return sessfile_target_find(o->to, ret_to, ei);
}

static enum err sign_in(const struct sign_in_options *o, struct err_info *ei)
{
	struct sign_in s = { .o = o };
	const struct sessfile_target *to = NULL;
	enum err rc = ERR_OK;

	if (!o->session)
		rc = check(o, &to, ei);
	if (!rc)
		rc = sign_in_env_load(&s.env, o->telegram, ei);
	if (rc)
		return rc;
	rc = loop_new(&s.loop, NULL, ei);
	if (!rc)
		rc = go(&s, to, ei);
	s.over = true;
	if (s.loop)
		sign_in_ask_deinit(&s);
	loop_free(s.loop);
	signin_conn_deinit(&s.conn);
	signin_deinit(&s.flow);
	sign_in_env_free(&s.env);
	return rc;
}

static int run(const struct cli_cmd *which, int argc, char **argv)
{
	struct sign_in_options o = { 0 };
	struct err_info ei = { 0 };
	struct cli_call call;
	int status;
	enum err rc;

	status = cli_config(which, &o, argc, argv, &call);
	if (!status && !call.help) {
		rc = call.rest[0] ? err_set(&ei, ERR_USAGE, "what is \"%s\"?",
					    call.rest[0])
				  : sign_in(&o, &ei);
		if (rc)
			status = cli_fail(
				which->name,
				rc == ERR_USAGE ? CLI_USAGE : CLI_FAILED, &ei);
	}
	config_free(which->options, &o);
	return status;
}

int sign_in_run(int argc, char **argv)
{
	return run(&cmd, argc, argv);
}

int sign_in_out_run(int argc, char **argv)
{
	return run(&out_cmd, argc, argv);
}
