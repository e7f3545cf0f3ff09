/* SPDX-License-Identifier: MIT */
/*
 * `tgfleet session sign-in`, inside.
 *
 *	sign_in.c	options, the loop, the connection, the outcome
 *	sign_in_ask.c	what the person is shown and says
 *	sign_in_env.c	the environment file
 */
#ifndef CLI_SIGN_IN_INT_H
#define CLI_SIGN_IN_INT_H

#include <termios.h>

#include "cli/sign_in_env.h"
#include "net/link.h"
#include "net/loop.h"
#include "tg/signin_conn.h"

struct sign_in_options {
	char *telegram, *phone, *bot_token_file, *out, *to;
	char *code_file, *password_file;
	char *session; /* sign-out: the file */
	bool qr, json;
	int64_t dc, timeout_us;
};

struct sign_in {
	struct workpool_job job; /* first */
	const struct sign_in_options *o;
	struct sign_in_env env;
	struct loop *loop;
	struct signin flow;
	struct signin_conn conn;
	uint64_t link;
	struct wheel_timer tick, redial, wait, give_up;
	struct loop_fd *terminal;
	struct termios was; /* to be restored when quiet */
	uint64_t asked;	    /* the flow's tag when it was asked last */
	int fails;
	bool working, over, quiet, interrupted;
};

/* sign_in.c: whatever has to happen next. */
void sign_in_drive(struct sign_in *s);

/* sign_in_ask.c */
void sign_in_ask_init(struct sign_in *s);
void sign_in_ask_deinit(struct sign_in *s);
void sign_in_ask_code(struct sign_in *s);
void sign_in_ask_password(struct sign_in *s);
void sign_in_ask_scan(struct sign_in *s);

#endif /* CLI_SIGN_IN_INT_H */
