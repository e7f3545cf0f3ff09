/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/session_load.h"
#include "cli/sign_in.h"
#include "cli/verbs.h"

static const struct table_column list_columns[] = {
	{ "ACCOUNT", "account_id" }, { "VERSION", "version" },
	{ "FLAVOUR", "flavour" },    { "DC", "dc_id" },
	{ "FILE", "filename" },	     { "FINGERPRINT", "fingerprint" },
};

/* Everything but the key. */
static void describe(const char *path, const struct sessfile *s,
		     struct jsonw *w)
{
	char fingerprint[SESSFILE_FINGERPRINT_HEX + 1], key_id[17];

	sessfile_fingerprint(s, fingerprint);
	sessfile_key_id(s, key_id);
	jsonw_object(w, NULL);
	jsonw_str(w, "file", path);
	jsonw_str(w, "flavour", sessfile_flavour_name(s->flavour));
	jsonw_int(w, "version", s->version);
	jsonw_int(w, "dc_id", s->dc_id);
	jsonw_str_or_null(w, "server_address", s->server_address);
	jsonw_int(w, "port", s->port);
	if (s->user_id)
		jsonw_int(w, "user_id", s->user_id);
	else
		jsonw_null(w, "user_id");
	jsonw_bool(w, "is_bot", s->is_bot);
	jsonw_bool(w, "test_mode", s->test_mode);
	if (s->api_id)
		jsonw_int(w, "api_id", s->api_id);
	else
		jsonw_null(w, "api_id");
	jsonw_str(w, "fingerprint", fingerprint);
	jsonw_str(w, "auth_key_id", key_id);
	jsonw_u64(w, "peers", s->npeers);
	jsonw_u64(w, "update_states", s->nstates);
	jsonw_object_end(w);
}

static int show(struct buf *text, bool json)
{
	struct json_doc d;
	struct json_iter it;
	bool first = true;

	if (json) {
		puts(buf_cstr(text) ? buf_cstr(text) : "[]");
		return CLI_OK;
	}
	if (json_parse(&d, buf_head(text), buf_len(text), SIZE_MAX, NULL))
		return CLI_FAILED;
	it = json_iter(json_root(&d));
	while (json_next(&it)) {
		if (!first)
			putchar('\n');
		first = false;
		if (table_print_one(it.val))
			break;
	}
	json_free(&d);
	return CLI_OK;
}

static int inspect(const struct verbs_call *call)
{
	int status = CLI_OK;
	struct jsonw w;
	struct buf text;

	buf_init(&text, 16U << 20);
	jsonw_init(&w, &text);
	jsonw_array(&w, NULL);
	for (size_t i = 0; i < call->nargs; i++) {
		struct err_info ei = { .msg = "out of memory" };
		struct sessfile s = { 0 };

		if (session_load(call->args[i], &s, &ei)) {
			status = cli_fail("session", CLI_FAILED, &ei);
			continue;
		}
		describe(call->args[i], &s, &w);
		sessfile_deinit(&s);
	}
	jsonw_array_end(&w);
	if (jsonw_end(&w) || show(&text, call->opt->remote.json))
		status = CLI_FAILED;
	buf_deinit(&text);
	return status;
}

/* What stays behind is said, not passed over. */
static enum err tell_lost(const struct sessfile *s,
			  const struct sessfile_target *to)
{
	struct buf lost;
	enum err rc;

	buf_init(&lost, 4096);
	rc = sessfile_target_lost(to, s, &lost);
	if (!rc && buf_len(&lost) > 0)
		fprintf(stderr,
			"session convert: left out, as %s holds none: "
			"%s\n",
			to->name, buf_cstr(&lost));
	buf_deinit(&lost);
	return rc;
}

static enum err convert_one(const char *in, const char *out,
			    const struct verbs_options *o, struct err_info *ei)
{
	const struct sessfile_target *to = NULL;
	struct sessfile s = { 0 };
	enum err rc;

	if (!o->to)
		return err_set(ei, ERR_USAGE,
			       "into which format? say --to, for instance "
			       "--to telethon");
	rc = sessfile_target_find(o->to, &to, ei);
	if (!rc)
		rc = session_load(in, &s, ei);
	if (rc)
		return rc;
	if (o->user_id)
		s.user_id = o->user_id;
	rc = session_save(&s, to, out, ei);
	if (!rc)
		rc = tell_lost(&s, to);
	sessfile_deinit(&s);
	return rc;
}

static int convert(const struct verbs_call *call)
{
	struct err_info ei = { .msg = "out of memory" };
	enum err rc = convert_one(call->args[0], call->args[1], call->opt, &ei);

	if (rc)
		return cli_fail("session convert",
				rc == ERR_USAGE ? CLI_USAGE : CLI_FAILED, &ei);
	return CLI_OK;
}

static const struct verbs_verb verbs[] = {
	{ .name = "convert",
	  .args = "IN OUT",
	  .help = "the same session in the format of --to; offline",
	  .run = convert },
	{ .name = "inspect",
	  .args = "FILE...",
	  .help = "what a session file is; offline, shows no key",
	  .run = inspect },
	{ .name = "sign-in",
	  .args = "",
	  .help = "a new session; see its own -h",
	  .own = sign_in_run },
	{ .name = "sign-out",
	  .args = "",
	  .help = "end a session; see its own -h",
	  .own = sign_in_out_run },
	{ .name = "list",
	  .args = "",
	  .help = "sessions in the vault",
	  .method = "GET",
	  .path = "/group-ai/sessions",
	  .query = "page,page-size",
	  .items = "items",
	  .columns = list_columns,
	  .ncolumns = ARRAY_LEN(list_columns) },
};

static const struct verbs_noun noun = { "session",
					"session files and the vault", verbs,
					ARRAY_LEN(verbs) };

static int run(int argc, char **argv)
{
	return verbs_run(&noun, argc, argv);
}

const struct cli_cmd cmd_session = {
	.name = "session",
	.summary = "inspect and convert session files, list the vault",
	.run = run,
	.noun = &noun,
};
