/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/slurp.h"
#include "cli/verbs.h"
#include "tg/sessfile.h"

static const struct table_column list_columns[] = {
	{ "ACCOUNT", "account_id" }, { "VERSION", "version" },
	{ "FLAVOUR", "flavour" },    { "DC", "dc_id" },
	{ "FILE", "filename" },	     { "FINGERPRINT", "fingerprint" },
};

/* TGFLEET_PASSCODE: a passcode has no business on a command line. */
static const char *passcode(void)
{
	const char *text = getenv("TGFLEET_PASSCODE");

	return text ? text : "";
}

static enum err inspect_folder(const char *dir, struct sessfile *ret,
			       struct err_info *ei)
{
	static const char *const names[] = { SESSFILE_TDATA_KEY,
					     SESSFILE_TDATA_ACCOUNT };
	struct sessfile_blob blobs[ARRAY_LEN(names)];
	struct buf files[ARRAY_LEN(names)];
	size_t n = 0;
	enum err rc;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		buf_init(&files[n], 1 << 20);
		if (slurp_file(path, &files[n], NULL))
			continue;
		blobs[n] =
			(struct sessfile_blob){ names[i], buf_head(&files[n]),
						buf_len(&files[n]) };
		n++;
	}
	rc = sessfile_read_tdata(blobs, n, passcode(), ret, ei);
	while (n > 0)
		buf_wipe(&files[--n]);
	return rc ? err_wrap(ei, rc, "%s", dir) : ERR_OK;
}

static enum err inspect_file(const char *path, struct sessfile *ret,
			     struct err_info *ei)
{
	struct buf data;
	enum err rc;

	buf_init(&data, SLURP_MAX_BYTES);
	rc = slurp_file(path, &data, ei);
	if (!rc)
		rc = sessfile_read(buf_head(&data), buf_len(&data), path, ret,
				   ei);
	buf_wipe(&data);
	return rc;
}

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
		struct stat st;
		enum err rc;

		if (stat(call->args[i], &st) == 0 && S_ISDIR(st.st_mode))
			rc = inspect_folder(call->args[i], &s, &ei);
		else
			rc = inspect_file(call->args[i], &s, &ei);
		if (rc) {
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

static const struct verbs_verb verbs[] = {
	{ .name = "inspect",
	  .args = "FILE...",
	  .help = "what a session file is; offline, shows no key",
	  .run = inspect },
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
	.summary = "inspect session files, list the vault",
	.run = run,
	.noun = &noun,
};
