/* SPDX-License-Identifier: MIT */
/*
 * Questions go to stderr, answers come from a file, from the terminal (while
 * the loop goes on), or from whatever stdin is.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/secret.h"
#include "cli/sign_in_int.h"
#include "cli/slurp.h"

#define LINE_MAX_BYTES 1024
#define POLL_US (US_PER_SEC / 4) /* for a file that is not there yet */

static struct mono now(const struct sign_in *s)
{
	return loop_now(s->loop);
}

static void fail(struct sign_in *s, enum err rc, const char *why)
{
	struct err_info ei = { 0 };

	rc = err_set(&ei, rc, "%s", why);
	signin_fail(&s->flow, rc, &ei, now(s));
}

static void echo(struct sign_in *s, bool on)
{
	struct termios quiet;

	if (on && s->quiet) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &s->was);
		fputc('\n', stderr);
		s->quiet = false;
	} else if (!on && !s->quiet && tcgetattr(STDIN_FILENO, &s->was) == 0) {
		quiet = s->was;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
		s->quiet = true;
	}
}

/* An answer to whatever is being asked. */
static void take(struct sign_in *s, char *line)
{
	line[strcspn(line, "\r\n")] = '\0';
	if (signin_step(&s->flow) == SIGNIN_STEP_ASK_PASSWORD)
		signin_give_password(&s->flow, line, now(s));
	else if (!strcmp(line, "resend"))
		signin_resend(&s->flow, now(s));
	else if (!strcmp(line, "cancel"))
		signin_cancel(&s->flow, now(s));
	else
		signin_give_code(&s->flow, line, now(s));
}

static bool is_asking(const struct sign_in *s)
{
	enum signin_step step = signin_step(&s->flow);

	return step == SIGNIN_STEP_ASK_CODE || step == SIGNIN_STEP_ASK_PASSWORD;
}

static void read_line(struct sign_in *s)
{
	char line[LINE_MAX_BYTES];

	if (fgets(line, sizeof(line), stdin)) {
		echo(s, true);
		take(s, line);
	} else {
		echo(s, true);
		fail(s, ERR_EOF, "nobody answered");
	}
	secret_wipe(line, sizeof(line));
	sign_in_drive(s);
}

static void on_terminal(void *ctx, int fd, unsigned int events)
{
	struct sign_in *s = ctx;

	(void)fd;
	(void)events;
	if (is_asking(s))
		read_line(s);
}

void sign_in_ask_init(struct sign_in *s)
{
	/* what is typed ahead stays where the loop sees it */
	setvbuf(stdin, NULL, _IONBF, 0);
	if (isatty(STDIN_FILENO) &&
	    !loop_fd_new(s->loop, STDIN_FILENO, on_terminal, s, &s->terminal,
			 NULL))
		(void)!loop_fd_set(s->terminal, LOOP_FD_READ);
}

void sign_in_ask_deinit(struct sign_in *s)
{
	echo(s, true);
	if (s->terminal)
		loop_fd_free(s->terminal);
	s->terminal = NULL;
}

/* True: it was there, and taken. */
static bool from_file(struct sign_in *s, const char *path)
{
	struct err_info ei = { 0 };
	char line[LINE_MAX_BYTES] = "";
	struct buf text;
	enum err rc;

	buf_init(&text, sizeof(line) - 1);
	rc = slurp_line(path, &text, &ei);
	if (!rc && buf_len(&text)) {
		memcpy(line, buf_head(&text), buf_len(&text));
		take(s, line);
		secret_wipe(line, sizeof(line));
	} else if (rc && rc != ERR_NOTFOUND) {
		signin_fail(&s->flow, rc, &ei, now(s));
	}
	rc = rc == ERR_NOTFOUND || (!rc && !buf_len(&text)) ? ERR_NOTFOUND
							    : ERR_OK;
	buf_wipe(&text);
	return !rc;
}

static void from_person(struct sign_in *s)
{
	if (!s->terminal)
		read_line(s);
}

static void describe_code(const struct sign_in *s)
{
	const struct signin_code *c = &s->flow.code;

	if (s->flow.problem[0])
		fprintf(stderr, "not accepted: %s\n", s->flow.problem);
	fprintf(stderr, "a code was sent %s%s%s", signin_via_text(c->via),
		c->hint[0] ? ": " : "", c->hint);
	if (c->length)
		fprintf(stderr, " (%d characters)", c->length);
	if (c->next != SIGNIN_VIA_NONE)
		fprintf(stderr, "; \"resend\" sends it %s",
			signin_via_text(c->next));
	if (c->next != SIGNIN_VIA_NONE && c->timeout_sec)
		fprintf(stderr, " after %d s", c->timeout_sec);
	fputc('\n', stderr);
}

void sign_in_ask_code(struct sign_in *s)
{
	bool again = s->flow.problem[0] != '\0';

	if (s->o->code_file && again) {
		fail(s, ERR_INVALID, "the code in the file was not accepted");
		sign_in_drive(s);
		return;
	}
	if (s->asked != s->flow.tag || again)
		describe_code(s);
	s->asked = s->flow.tag;
	if (s->o->code_file) {
		if (from_file(s, s->o->code_file))
			sign_in_drive(s);
		else
			loop_arm(s->loop, &s->wait, POLL_US);
		return;
	}
	fputs("code: ", stderr);
	from_person(s);
}

void sign_in_ask_password(struct sign_in *s)
{
	bool again = s->flow.problem[0] != '\0';

	s->asked = s->flow.tag;
	if (s->o->password_file) {
		if (again)
			fail(s, ERR_UNAUTHORIZED,
			     "the password in the file is wrong");
		else if (!from_file(s, s->o->password_file))
			fail(s, ERR_NOTFOUND,
			     "the password file is missing or empty");
		sign_in_drive(s);
		return;
	}
	if (again)
		fputs("the password is wrong\n", stderr);
	fprintf(stderr, "two-step verification password%s%s%s: ",
		s->flow.hint[0] ? " (hint: " : "", s->flow.hint,
		s->flow.hint[0] ? ")" : "");
	echo(s, false);
	from_person(s);
}

void sign_in_ask_scan(struct sign_in *s)
{
	int64_t left_us = (int64_t)s->flow.qr.expires * US_PER_SEC -
			  signin_conn_time(&s->conn, now(s)).us;

	s->asked = s->flow.tag;
	fprintf(stderr,
		"open on a phone that is signed in (Settings, Devices, Link "
		"desktop device), as a QR code:\n");
	printf("%s\n", s->flow.qr.url);
	fflush(stdout);
	if (left_us < US_PER_SEC)
		left_us = US_PER_SEC;
	loop_arm(s->loop, &s->wait, left_us);
}
