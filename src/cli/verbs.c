/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

#define TEXT_MAX_BYTES 65536

static const struct config_option options[] = {
	REMOTE_OPTIONS(struct verbs_options, remote),
	{ "node", CONFIG_STR, 0, offsetof(struct verbs_options, node), NULL, 0,
	  0, "NODE", "only of this node, or on this node" },
	{ "status", CONFIG_STR, 0, offsetof(struct verbs_options, status), NULL,
	  0, 0, "STATUS", "only with this status" },
	{ "search", CONFIG_STR, 0, offsetof(struct verbs_options, search), NULL,
	  0, 0, "TEXT", "only where the text occurs" },
	{ "sort-by", CONFIG_STR, 0, offsetof(struct verbs_options, sort_by),
	  NULL, 0, 0, "FIELD", "order of a list" },
	{ "wait", CONFIG_STR, 0, offsetof(struct verbs_options, wait), NULL, 0,
	  0, "TIME", "wait this long for a job to end" },
	{ "name", CONFIG_STR, 0, offsetof(struct verbs_options, name), NULL, 0,
	  0, "TEXT", "name or account id to give" },
	{ "page", CONFIG_INT, 0, offsetof(struct verbs_options, page), "1", 1,
	  1000000, "N", "page of a list" },
	{ "page-size", CONFIG_INT, 0, offsetof(struct verbs_options, page_size),
	  "100", 1, 100, "N", "rows a page" },
	{ "attested", CONFIG_BOOL, 0, offsetof(struct verbs_options, attested),
	  "no", 0, 0, NULL, "state that you own the accounts or may run them" },
	{ "strategy", CONFIG_STR, 0, offsetof(struct verbs_options, strategy),
	  NULL, 0, 0, "NAME", "balanced, least_loaded or round_robin" },
	{ "max-per-node", CONFIG_INT, 0,
	  offsetof(struct verbs_options, max_per_node), "0", 0, 1000000, "N",
	  "allocate at most this many to a node; 0: what each may have" },
	{ "dry-run", CONFIG_BOOL, CONFIG_NO_FILE,
	  offsetof(struct verbs_options, dry_run), "no", 0, 0, NULL,
	  "only say what would be done" },
	{ "include-allocated", CONFIG_BOOL, CONFIG_NO_FILE,
	  offsetof(struct verbs_options, include_allocated), "no", 0, 0, NULL,
	  "also move accounts that have a node, as few as possible" },
	{ "move-running", CONFIG_BOOL, CONFIG_NO_FILE,
	  offsetof(struct verbs_options, move_running), "no", 0, 0, NULL,
	  "running accounts, too: they are stopped and started elsewhere" },
	{ "yes", CONFIG_BOOL, CONFIG_NO_FILE,
	  offsetof(struct verbs_options, yes), "no", 0, 0, NULL,
	  "do what would otherwise only be shown" },
	{ "note", CONFIG_STR, CONFIG_NO_FILE,
	  offsetof(struct verbs_options, note), NULL, 0, 0, "TEXT",
	  "why a script is changed" },
	{ "encoding", CONFIG_STR, CONFIG_NO_FILE,
	  offsetof(struct verbs_options, encoding), NULL, 0, 0, "NAME",
	  "of a script that is no UTF-8: gbk, gb2312, gb18030, big5" },
	{ "force", CONFIG_BOOL, CONFIG_NO_FILE,
	  offsetof(struct verbs_options, force), "no", 0, 0, NULL,
	  "also to nodes that have it" },
	{ "to", CONFIG_STR, CONFIG_NO_FILE, offsetof(struct verbs_options, to),
	  NULL, 0, 0, "FORMAT",
	  "telethon, pyrogram, kurigram, pyrofork, telethon-string, "
	  "gramjs-string, pyrogram-string, mtcute-string, mtkruto-string; "
	  "or a version of one: telethon-v8" },
	{ "user-id", CONFIG_INT, CONFIG_NO_FILE,
	  offsetof(struct verbs_options, user_id), "0", 0, INT64_MAX, "ID",
	  "whose session it is, where a format needs to know" },
};

const struct config_table verbs_options_table = { "", options,
						  ARRAY_LEN(options) };

static size_t count_words(const char *text)
{
	size_t n = 0;

	for (; *text; n++) {
		text += strcspn(text, " ");
		text += strspn(text, " ");
	}
	return n;
}

static int usage(const struct verbs_noun *noun, FILE *out, int status)
{
	struct buf text;

	fprintf(out, "usage: tgfleet %s VERB [OPTIONS] [ARGS]\n\n%s\n\n",
		noun->name, noun->summary);
	for (size_t i = 0; i < noun->nverbs; i++)
		fprintf(out, "  %-14s %-22s %s\n", noun->verbs[i].name,
			noun->verbs[i].args, noun->verbs[i].help);
	buf_init(&text, TEXT_MAX_BYTES);
	if (!config_usage(&verbs_options_table, &text) && buf_cstr(&text))
		fprintf(out, "\n%s", buf_cstr(&text));
	buf_deinit(&text);
	return status;
}

/* Puts the arguments in for %1..%9, each as `put` wants it. */
static enum err expand(const char *template, const struct verbs_call *call,
		       enum err (*put)(struct buf *out, const char *text),
		       struct buf *out)
{
	enum err rc = ERR_OK;

	BUG_ON(!template);
	for (const char *p = template; *p && !rc; p++) {
		size_t n = p[0] == '%' ? (size_t)(p[1] - '1') : SIZE_MAX;

		if (n < call->nargs) {
			rc = put(out, call->args[n]);
			p++;
		} else {
			rc = buf_append_byte(out, (uint8_t)*p);
		}
	}
	return rc;
}

static enum err put_json(struct buf *out, const char *text)
{
	struct jsonw w;

	jsonw_init(&w, out);
	jsonw_str(&w, NULL, text);
	return jsonw_end(&w);
}

/* remote_segment() writes the slash too; the template has it already. */
static enum err put_segment(struct buf *out, const char *text)
{
	out->len--;
	return remote_segment(out, text);
}

static enum err put_query(const struct verbs_verb *v,
			  const struct verbs_options *o, struct buf *path)
{
	char page[24], page_size[24];
	const struct {
		const char *option, *param, *value;
	} all[] = {
		{ "node", "node_id", o->node },
		{ "status", "status", o->status },
		{ "search", "search", o->search },
		{ "sort-by", "sort_by", o->sort_by },
		{ "wait", "wait", o->wait },
		{ "page", "page", page },
		{ "page-size", "page_size", page_size },
	};
	enum err rc = ERR_OK;

	snprintf(page, sizeof(page), "%lld", (long long)o->page);
	snprintf(page_size, sizeof(page_size), "%lld", (long long)o->page_size);
	for (size_t i = 0; v->query && !rc && i < ARRAY_LEN(all); i++) {
		const char *at = strstr(v->query, all[i].option);

		while (at && at[strlen(all[i].option)] != ',' &&
		       at[strlen(all[i].option)])
			at = strstr(at + 1, all[i].option);
		if (at)
			rc = remote_query(path, all[i].param, all[i].value);
	}
	return rc;
}

enum err verbs_show(const struct verbs_verb *v, const struct remote *r,
		    struct json answer)
{
	struct json rows =
		v->items && *v->items ? json_get(answer, v->items) : answer;
	struct buf text;
	enum err rc = ERR_OK;

	if (!r->json && v->columns)
		return table_print(rows, v->columns, v->ncolumns);
	if (!r->json && json_is_object(answer))
		return table_print_one(answer);
	if (!r->json && json_is_null(answer)) {
		puts("done");
		return ERR_OK;
	}
	buf_init(&text, 64U << 20);
	rc = json_dump(answer, &text);
	if (!rc && buf_cstr(&text))
		puts(buf_cstr(&text));
	buf_deinit(&text);
	return rc;
}

static enum err do_call(const struct verbs_verb *v,
			const struct verbs_call *call, struct err_info *ei)
{
	struct remote_call rc_call = { .method = v->method };
	struct buf path, body;
	struct json_doc doc;
	enum err rc;

	buf_init(&path, TEXT_MAX_BYTES);
	buf_init(&body, TEXT_MAX_BYTES);
	rc = expand(v->path, call, put_segment, &path);
	if (!rc)
		rc = put_query(v, call->opt, &path);
	if (!rc && v->body)
		rc = expand(v->body, call, put_json, &body);
	rc_call.path = buf_cstr(&path);
	rc_call.body = v->body ? buf_head(&body) : NULL;
	rc_call.body_len = buf_len(&body);
	if (!rc)
		rc = remote_do(&call->opt->remote, &rc_call, &doc, ei);
	if (!rc) {
		rc = verbs_show(v, &call->opt->remote, json_root(&doc));
		json_free(&doc);
	}
	buf_deinit(&path);
	buf_deinit(&body);
	return rc;
}

static int run_verb(const struct verbs_noun *noun, const struct verbs_verb *v,
		    struct verbs_call *call)
{
	size_t want = count_words(v->args);
	bool more = strstr(v->args, "...") != NULL;
	struct err_info ei = { .msg = "out of memory" };

	if (call->nargs < want || (call->nargs > want && !more)) {
		fprintf(stderr, "usage: tgfleet %s %s [OPTIONS] %s\n",
			noun->name, v->name, v->args);
		return CLI_USAGE;
	}
	if (v->run)
		return v->run(call);
	if (do_call(v, call, &ei))
		return cli_fail(noun->name, CLI_FAILED, &ei);
	return CLI_OK;
}

/* Options may stand before, between and after the arguments. */
static enum err split(struct verbs_options *opt, struct config_origins *o,
		      int argc, char **argv, char **args, size_t *ret_nargs,
		      struct err_info *ei)
{
	size_t n = 0;

	for (int i = 0; i < argc;) {
		int used = 0;
		enum err rc;

		rc = config_args(&verbs_options_table, opt, o, argc - i,
				 argv + i, &used, ei);
		if (rc)
			return rc;
		i += used;
		if (i < argc)
			args[n++] = argv[i++];
	}
	*ret_nargs = n;
	return ERR_OK;
}

static int with_options(const struct verbs_noun *noun,
			const struct verbs_verb *v, int argc, char **argv)
{
	struct verbs_options opt = { 0 };
	struct verbs_call call = { .opt = &opt };
	struct config_origins o;
	struct err_info ei = { .msg = "out of memory" };
	int status = CLI_USAGE;
	enum err rc;

	call.args = calloc((size_t)argc + 1, sizeof(*call.args));
	if (!call.args)
		return cli_fail(noun->name, CLI_FAILED, &ei);
	rc = config_defaults(&verbs_options_table, &opt, &o, &ei);
	if (!rc)
		rc = config_env(&verbs_options_table, &opt, &o, &ei);
	if (!rc)
		rc = split(&opt, &o, argc, argv, call.args, &call.nargs, &ei);
	if (!rc && v->path)
		rc = remote_resolve(&opt.remote, &ei);
	if (rc)
		status = cli_fail(noun->name, CLI_USAGE, &ei);
	else
		status = run_verb(noun, v, &call);
	config_free(&verbs_options_table, &opt);
	free(call.args);
	return status;
}

static const struct verbs_verb *find(const struct verbs_noun *noun,
				     const char *name)
{
	for (size_t i = 0; i < noun->nverbs; i++)
		if (!strcmp(noun->verbs[i].name, name))
			return &noun->verbs[i];
	return NULL;
}

int verbs_run(const struct verbs_noun *noun, int argc, char **argv)
{
	const struct verbs_verb *v = argc > 1 ? find(noun, argv[1]) : NULL;

	if (v && v->own)
		return v->own(argc - 1, argv + 1);
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help"))
			return usage(noun, stdout, CLI_OK);
	if (argc < 2)
		return usage(noun, stderr, CLI_USAGE);
	if (v)
		return with_options(noun, v, argc - 2, argv + 2);
	fprintf(stderr, "tgfleet %s: no verb \"%s\"; see `tgfleet %s -h`\n",
		noun->name, argv[1], noun->name);
	return CLI_USAGE;
}
