/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/secret.h"
#include "cli/remote.h"
#include "cli/slurp.h"

#define PASSWORD_MAX 1024

struct options {
	struct remote remote;
	char *user, *password_file;
};

static const struct config_option option_rows[] = {
	REMOTE_OPTIONS(struct options, remote),
	{ "user", CONFIG_STR, 0, offsetof(struct options, user), "admin", 0, 0,
	  "NAME", "who signs in" },
	{ "password-file", CONFIG_STR, 0,
	  offsetof(struct options, password_file), NULL, 0, 0, "FILE",
	  "read the password from here instead of asking; - is stdin" },
};
static const struct config_table options = { "login", option_rows,
					     ARRAY_LEN(option_rows) };

/* From the terminal without echo. */
static enum err ask(struct buf *out, struct err_info *ei)
{
	struct termios was, quiet;
	enum err rc;

	if (tcgetattr(STDIN_FILENO, &was) != 0)
		return err_set(ei, ERR_USAGE,
			       "no terminal to ask on; give --password-file");
	fputs("password: ", stderr);
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	{
		char line[PASSWORD_MAX];

		rc = fgets(line, sizeof(line), stdin)
			     ? buf_append(out, line, strcspn(line, "\r\n"))
			     : err_set(ei, ERR_EOF, "no password given");
		secret_wipe(line, sizeof(line));
	}
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	fputc('\n', stderr);
	return rc;
}

static enum err call_login(const struct options *o, const char *password,
			   struct err_info *ei)
{
	struct remote_call call = { .method = "POST",
				    .path = "/auth/login",
				    .anonymous = true };
	const char *token = NULL;
	struct json_doc doc;
	struct jsonw w;
	struct buf body;
	enum err rc;

	buf_init(&body, 8192);
	jsonw_init(&w, &body);
	jsonw_object(&w, NULL);
	jsonw_str(&w, "username", o->user);
	jsonw_str(&w, "password", password);
	jsonw_object_end(&w);
	rc = jsonw_end(&w);
	call.body = buf_head(&body);
	call.body_len = buf_len(&body);
	if (!rc)
		rc = remote_do(&o->remote, &call, &doc, ei);
	buf_wipe(&body);
	if (rc)
		return rc;
	rc = json_need_str(json_root(&doc), "access_token", 4096, &token, ei);
	if (!rc)
		rc = remote_profile_write(o->remote.server, token, ei);
	json_free(&doc);
	return rc;
}

static enum err login(struct options *o, struct err_info *ei)
{
	struct buf password;
	enum err rc;

	buf_init(&password, PASSWORD_MAX);
	rc = o->password_file && *o->password_file
		     ? slurp_line(o->password_file, &password, ei)
		     : ask(&password, ei);
	if (!rc)
		rc = call_login(o, buf_cstr(&password), ei);
	buf_wipe(&password);
	return rc;
}

static int run(int argc, char **argv)
{
	struct options o = { 0 };
	struct cli_call call;
	struct err_info ei = { .msg = "out of memory" };
	int status = cli_config(&cmd_login, &o, argc, argv, &call);

	if (status == CLI_OK && !call.help) {
		if (remote_resolve(&o.remote, &ei))
			status = cli_fail("login", CLI_USAGE, &ei);
		else if (login(&o, &ei))
			status = cli_fail("login", CLI_FAILED, &ei);
		else
			fprintf(stderr, "signed in to %s as %s\n",
				o.remote.server, o.user);
	}
	config_free(&options, &o);
	return status;
}

const struct cli_cmd cmd_login = {
	.name = "login",
	.summary = "sign in to a control plane and remember it",
	.run = run,
	.options = &options,
};
