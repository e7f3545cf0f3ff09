/* SPDX-License-Identifier: MIT */
/* Commands, their verbs and options; exit statuses; linked libraries. */
#include "base/config.h"
#include "cli/cli.h"
#include "cli/describe.h"
#include "cli/verbs.h"
#include "crypto/sealbox.h"
#include "crypto/sha.h"
#include "http/client.h"
#include "http/server.h"
#include "mtproto/gzip.h"
#include "net/loop.h"
#include "store/pg.h"
#include "store/sqlite.h"

static void option(struct jsonw *w, const struct config_option *o)
{
	char env[CONFIG_ENV_MAX];

	config_env_name(o->name, env);
	jsonw_object(w, NULL);
	jsonw_str(w, "name", o->name);
	jsonw_str(w, "type", config_type_name(o->type));
	jsonw_str_or_null(w, "arg", o->arg);
	jsonw_str_or_null(w, "default", o->dflt);
	if (o->min || o->max) {
		jsonw_int(w, "min", o->min);
		jsonw_int(w, "max", o->max);
	}
	jsonw_str(w, "environment", env);
	jsonw_bool(w, "required", o->flags & CONFIG_REQUIRED);
	jsonw_bool(w, "secret", o->flags & CONFIG_SECRET);
	jsonw_bool(w, "in_file", !(o->flags & CONFIG_NO_FILE));
	jsonw_str(w, "help", o->help);
	jsonw_object_end(w);
}

static void verb(struct jsonw *w, const struct verbs_verb *v)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "name", v->name);
	jsonw_str(w, "args", v->args);
	jsonw_str(w, "help", v->help);
	jsonw_str_or_null(w, "method", v->method);
	jsonw_str_or_null(w, "path", v->path);
	jsonw_str_or_null(w, "options", v->query);
	jsonw_object_end(w);
}

void describe_commands(struct jsonw *w)
{
	size_t n;
	const struct cli_cmd *const *all = cli_commands(&n);

	for (size_t i = 0; i < n; i++) {
		const struct config_table *t =
			all[i]->noun ? &verbs_options_table : all[i]->options;

		jsonw_object(w, NULL);
		jsonw_str(w, "name", all[i]->name);
		jsonw_str(w, "summary", all[i]->summary);
		jsonw_str_or_null(w, "args", all[i]->args);
		jsonw_array(w, "verbs");
		for (size_t v = 0; all[i]->noun && v < all[i]->noun->nverbs;
		     v++)
			verb(w, &all[i]->noun->verbs[v]);
		jsonw_array_end(w);
		jsonw_array(w, "options");
		for (size_t o = 0; t && o < t->n; o++)
			option(w, &t->options[o]);
		jsonw_array_end(w);
		jsonw_object_end(w);
	}
}

void describe_exits(struct jsonw *w)
{
	static const struct {
		enum cli_exit status;
		const char *text;
	} all[] = {
		{ CLI_OK, "done" },
		{ CLI_FAILED, "failed; the reason is on standard error" },
		{ CLI_USAGE, "the command line or a setting is wrong" },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		jsonw_object(w, NULL);
		jsonw_int(w, "status", all[i].status);
		jsonw_str(w, "text", all[i].text);
		jsonw_object_end(w);
	}
}

void describe_libraries(struct jsonw *w)
{
	const struct {
		const char *name, *version;
	} all[] = {
		{ "OpenSSL", sha_library_version() },
		{ "libsodium", sealbox_library_version() },
		{ "libuv", loop_library_version() },
		{ "llhttp", server_library_version() },
		{ "libcurl", client_library_version() },
		{ "SQLite", sqlite_library_version() },
		{ "libpq", pg_library_version() },
		{ "yyjson", json_library_version() },
		{ "libyaml", config_library_version() },
		{ "zlib", gzip_library_version() },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		jsonw_object(w, NULL);
		jsonw_str(w, "name", all[i].name);
		jsonw_str(w, "version", all[i].version);
		jsonw_object_end(w);
	}
}
