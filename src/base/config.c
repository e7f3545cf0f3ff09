/* SPDX-License-Identifier: MIT */
#include "base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/bug.h"
#include "base/files.h"
#include "base/secret.h"
#include "base/text.h"

#define FILE_MAX (256 * 1024)

static const char *const origin_names[] = { "default", "file", "environment",
					    "command line" };

static void *slot(void *values, const struct config_option *opt)
{
	return (char *)values + opt->offset;
}

static bool in_limits(const struct config_option *opt, int64_t v)
{
	return (opt->min == 0 && opt->max == 0) ||
	       (v >= opt->min && v <= opt->max);
}

static enum err parse_bool(const char *text, bool *ret)
{
	static const char *const yes[] = { "true", "yes", "on", "1" };
	static const char *const no[] = { "false", "no", "off", "0" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*ret = strcmp(text, yes[i]) == 0;
			return ERR_OK;
		}
	}
	return ERR_SYNTAX;
}

static const char *expected(enum config_type type)
{
	switch (type) {
	case CONFIG_STR:
		return "text";
	case CONFIG_INT:
		return "a whole number";
	case CONFIG_BOOL:
		return "true or false";
	case CONFIG_DURATION:
		return "a duration such as 30s, 500ms or 2m";
	case CONFIG_SIZE:
		return "a size such as 64k or 10m";
	}
	return "";
}

static enum err set_str(char **at, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return ERR_NOMEM;
	if (*at)
		secret_wipe(*at, strlen(*at));
	free(*at);
	*at = copy;
	return ERR_OK;
}

static enum err parse_number(const struct config_option *opt, void *at,
			     const char *text, int64_t *ret_value)
{
	uint64_t size;
	enum err rc;

	if (opt->type == CONFIG_SIZE) {
		rc = text_size(text, &size);
		if (rc || size > INT64_MAX)
			return ERR_SYNTAX;
		*(uint64_t *)at = size;
		*ret_value = (int64_t)size;
		return ERR_OK;
	}
	rc = opt->type == CONFIG_INT ? text_i64(text, ret_value)
				     : text_duration_us(text, ret_value);
	if (!rc)
		*(int64_t *)at = *ret_value;
	return rc;
}

static enum err set(const struct config_option *opt, void *values,
		    const char *text, struct err_info *ei)
{
	void *at = slot(values, opt);
	int64_t v = 0;
	enum err rc;

	if (opt->type == CONFIG_STR)
		return set_str(at, text);
	rc = opt->type == CONFIG_BOOL ? parse_bool(text, at)
				      : parse_number(opt, at, text, &v);
	if (rc)
		return err_set(ei, ERR_INVALID, "%s: '%s' is not %s", opt->name,
			       opt->flags & CONFIG_SECRET ? "***" : text,
			       expected(opt->type));
	if (opt->type != CONFIG_BOOL && !in_limits(opt, v))
		return err_set(ei, ERR_INVALID,
			       "%s: %s is not in %lld to %lld%s", opt->name,
			       text, (long long)opt->min, (long long)opt->max,
			       opt->type == CONFIG_DURATION ? " microseconds"
							    : "");
	return ERR_OK;
}

static const struct config_option *find(const struct config_table *t,
					const char *name, size_t len,
					size_t *ret_index)
{
	for (size_t i = 0; i < t->n; i++) {
		const char *have = t->options[i].name;

		if (strlen(have) == len && memcmp(have, name, len) == 0) {
			*ret_index = i;
			return &t->options[i];
		}
	}
	return NULL;
}

enum err config_defaults(const struct config_table *t, void *values,
			 struct config_origins *o, struct err_info *ei)
{
	BUG_ON(t->n > CONFIG_OPTIONS_MAX);
	*o = (struct config_origins){ 0 };
	for (size_t i = 0; i < t->n; i++) {
		const struct config_option *opt = &t->options[i];
		enum err rc;

		if (!opt->dflt)
			continue;
		rc = set(opt, values, opt->dflt, ei);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

struct file_state {
	const struct config_table *t;
	void *values;
	struct config_origins *o;
	const char *path;
	const struct config_option *key; /* its value comes next */
	size_t key_index;
	unsigned int depth;
};

static enum err on_scalar(struct file_state *s, const yaml_event_t *ev,
			  struct err_info *ei)
{
	const char *text = (const char *)ev->data.scalar.value;
	size_t line = ev->start_mark.line + 1;
	enum err rc;

	if (s->depth != 1)
		return err_set(ei, ERR_SYNTAX,
			       "%s:%zu: 'name: value' lines are expected",
			       s->path, line);
	if (!s->key) {
		s->key =
			find(s->t, text, ev->data.scalar.length, &s->key_index);
		if (!s->key || s->key->flags & CONFIG_NO_FILE)
			return err_set(ei, ERR_INVALID,
				       "%s:%zu: unknown setting '%s'; `tgfleet "
				       "%s --help` lists them",
				       s->path, line, text, s->t->command);
		return ERR_OK;
	}
	rc = set(s->key, s->values, text, ei);
	if (rc)
		return err_wrap(ei, rc, "%s:%zu", s->path, line);
	s->o->origin[s->key_index] = CONFIG_FROM_FILE;
	s->key = NULL;
	return ERR_OK;
}

static enum err on_event(struct file_state *s, const yaml_event_t *ev,
			 struct err_info *ei)
{
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(s, ev, ei);
	case YAML_MAPPING_START_EVENT:
		if (s->depth++ == 0)
			return ERR_OK;
		break;
	case YAML_MAPPING_END_EVENT:
		s->depth--;
		return ERR_OK;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_ALIAS_EVENT:
		break;
	default:
		return ERR_OK;
	}
	return err_set(ei, ERR_SYNTAX, "%s:%zu: 'name: value' lines only",
		       s->path, ev->start_mark.line + 1);
}

static enum err parse_yaml(struct file_state *s, const struct buf *text,
			   struct err_info *ei)
{
	yaml_parser_t parser;
	yaml_event_t ev;
	enum err rc = ERR_OK;
	bool end = false;

	if (!yaml_parser_initialize(&parser))
		return ERR_NOMEM;
	yaml_parser_set_input_string(&parser, buf_head(text), buf_len(text));
	while (!rc && !end) {
		if (!yaml_parser_parse(&parser, &ev)) {
			rc = err_set(ei, ERR_SYNTAX, "%s:%zu: %s", s->path,
				     parser.problem_mark.line + 1,
				     parser.problem ? parser.problem : "YAML");
			break;
		}
		rc = on_event(s, &ev, ei);
		end = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&parser);
	return rc;
}

enum err config_file(const struct config_table *t, void *values,
		     struct config_origins *o, const char *path,
		     struct err_info *ei)
{
	struct file_state s = { t, values, o, path, NULL, 0, 0 };
	struct buf text;
	enum err rc;

	buf_init(&text, FILE_MAX);
	rc = files_read(path, &text, ei);
	/* libyaml does not stand nothing at all */
	if (!rc && buf_len(&text) > 0)
		rc = parse_yaml(&s, &text, ei);
	buf_wipe(&text);
	return rc;
}

const char *config_type_name(enum config_type type)
{
	static const char *const names[] = {
		[CONFIG_STR] = "text",	     [CONFIG_INT] = "number",
		[CONFIG_BOOL] = "yes or no", [CONFIG_DURATION] = "duration",
		[CONFIG_SIZE] = "size",
	};

	return names[type];
}

void config_env_name(const char *name, char ret[static CONFIG_ENV_MAX])
{
	size_t n = (size_t)snprintf(ret, CONFIG_ENV_MAX, "TGFLEET_%s", name);

	for (size_t i = 0; i < n && i < CONFIG_ENV_MAX; i++) {
		if (ret[i] >= 'a' && ret[i] <= 'z')
			ret[i] = (char)(ret[i] - 'a' + 'A');
		else if (ret[i] == '-')
			ret[i] = '_';
	}
}

enum err config_env(const struct config_table *t, void *values,
		    struct config_origins *o, struct err_info *ei)
{
	for (size_t i = 0; i < t->n; i++) {
		char name[CONFIG_ENV_MAX];
		const char *text;
		enum err rc;

		config_env_name(t->options[i].name, name);
		text = getenv(name);
		if (!text)
			continue;
		rc = set(&t->options[i], values, text, ei);
		if (rc)
			return err_wrap(ei, rc, "%s", name);
		o->origin[i] = CONFIG_FROM_ENV;
	}
	return ERR_OK;
}

/* One option at argv[0]; *ret_words of argv were used. */
static enum err take_arg(const struct config_table *t, void *values,
			 struct config_origins *o, char **argv, int argc,
			 int *ret_words, struct err_info *ei)
{
	const char *name = argv[0] + 2;
	const char *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	const struct config_option *opt;
	const char *text = eq ? eq + 1 : NULL;
	size_t i;
	enum err rc;

	opt = find(t, name, len, &i);
	if (!opt)
		return err_set(ei, ERR_USAGE,
			       "unknown option '--%.*s'; see `tgfleet %s "
			       "--help`",
			       (int)len, name, t->command);
	if (opt->flags & CONFIG_SECRET)
		return err_set(ei, ERR_USAGE,
			       "--%s: a secret on the command line is seen by "
			       "everyone; use the environment or a file",
			       opt->name);
	*ret_words = 1;
	if (!text && opt->type == CONFIG_BOOL)
		text = "true";
	if (!text) {
		if (argc < 2)
			return err_set(ei, ERR_USAGE, "--%s needs a value",
				       opt->name);
		text = argv[1];
		*ret_words = 2;
	}
	rc = set(opt, values, text, ei);
	if (rc)
		return rc == ERR_INVALID ? ERR_USAGE : rc;
	o->origin[i] = CONFIG_FROM_CLI;
	return ERR_OK;
}

enum err config_args(const struct config_table *t, void *values,
		     struct config_origins *o, int argc, char **argv,
		     int *ret_used, struct err_info *ei)
{
	int at = 0;

	while (at < argc && strncmp(argv[at], "--", 2) == 0) {
		int words = 0;
		enum err rc;

		if (!argv[at][2]) {
			at++;
			break;
		}
		rc = take_arg(t, values, o, argv + at, argc - at, &words, ei);
		if (rc)
			return rc;
		at += words;
	}
	*ret_used = at;
	return ERR_OK;
}

enum err config_check(const struct config_table *t, const void *values,
		      struct err_info *ei)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct config_option *opt = &t->options[i];
		const char *const *at =
			(const char *const *)(const void *)((const char *)
								    values +
							    opt->offset);

		if (opt->type == CONFIG_STR && opt->flags & CONFIG_REQUIRED &&
		    (!*at || !**at))
			return err_set(ei, ERR_USAGE, "--%s is required",
				       opt->name);
	}
	return ERR_OK;
}

void config_free(const struct config_table *t, void *values)
{
	for (size_t i = 0; i < t->n; i++) {
		char **at = slot(values, &t->options[i]);

		if (t->options[i].type != CONFIG_STR || !*at)
			continue;
		secret_wipe(*at, strlen(*at));
		free(*at);
		*at = NULL;
	}
}

enum err config_usage(const struct config_table *t, struct buf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct config_option *opt = &t->options[i];
		char head[48];
		enum err rc;

		snprintf(head, sizeof(head), "--%s%s%s", opt->name,
			 opt->arg ? " " : "", opt->arg ? opt->arg : "");
		rc = buf_printf(out, "  %-28s %s%s%s%s\n", head, opt->help,
				opt->dflt && *opt->dflt ? " (default " : "",
				opt->dflt ? opt->dflt : "",
				opt->dflt && *opt->dflt ? ")" : "");
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static enum err show_value(const struct config_option *opt, const void *at,
			   struct buf *out)
{
	const char *text;

	if (opt->flags & CONFIG_SECRET)
		return buf_append_str(out, *(char *const *)at ? "***" : "");
	switch (opt->type) {
	case CONFIG_STR:
		text = *(char *const *)at;
		return buf_append_str(out, text ? text : "");
	case CONFIG_BOOL:
		return buf_append_str(out,
				      *(const bool *)at ? "true" : "false");
	case CONFIG_DURATION:
		return buf_printf(out, "%lldms",
				  (long long)(*(const int64_t *)at / 1000));
	case CONFIG_INT:
		return buf_printf(out, "%lld", (long long)*(const int64_t *)at);
	case CONFIG_SIZE:
		return buf_printf(out, "%llu",
				  (unsigned long long)*(const uint64_t *)at);
	}
	return ERR_OK;
}

enum err config_show(const struct config_table *t, const void *values,
		     const struct config_origins *o, struct buf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct config_option *opt = &t->options[i];
		enum err rc;

		rc = buf_printf(out, "%s: ", opt->name);
		if (!rc)
			rc = show_value(opt, (const char *)values + opt->offset,
					out);
		if (!rc)
			rc = buf_printf(out, "  # %s\n",
					origin_names[o->origin[i]]);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

const char *config_library_version(void)
{
	return yaml_get_version_string();
}
