/* SPDX-License-Identifier: MIT */
#include "cli/describe.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/sm.h"
#include "net/link.h"
#include "tg/rpcerr.h"
#include "tg/signin.h"
#include "worker/account_state.h"

#define TEXT_MAX_BYTES (4U << 20)

static const struct sm_class *const machines[] = {
	&account_sm_class,
	&signin_sm_class,
};

static const char *const retry_names[] = {
	[ERR_RETRY_NEVER] = "never",
	[ERR_RETRY_SOON] = "soon",
	[ERR_RETRY_AFTER] = "after",
	[ERR_RETRY_ELSEWHERE] = "elsewhere",
};

static const char *const scope_names[] = {
	[RPCERR_SCOPE_ACCOUNT] = "account",
	[RPCERR_SCOPE_CHAT] = "chat",
	[RPCERR_SCOPE_METHOD] = "method",
	[RPCERR_SCOPE_NODE] = "node",
};

static const char *const effect_names[] = {
	[RPCERR_STATE_KEEP] = "keep",
	[RPCERR_STATE_LIMITED] = "limited",
	[RPCERR_STATE_REVOKED] = "revoked",
	[RPCERR_STATE_BANNED] = "banned",
	[RPCERR_STATE_FROZEN] = "frozen",
	[RPCERR_STATE_DUPLICATED] = "duplicated",
};

const struct sm_class *const *describe_machines(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(machines);
	return machines;
}

static void errors(struct jsonw *w)
{
	static const enum err all[] = {
#define ERR(name, number, retry, http, code, text) ERR_##name,
#include "base/err.def"
#undef ERR
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		jsonw_object(w, NULL);
		jsonw_str(w, "name", err_name(all[i]));
		jsonw_int(w, "number", (int64_t)all[i]);
		jsonw_str(w, "code", err_code(all[i]));
		jsonw_int(w, "http_status", err_http_status(all[i]));
		jsonw_str(w, "retry", retry_names[err_retry(all[i])]);
		jsonw_str(w, "text", err_text(all[i]));
		jsonw_object_end(w);
	}
}

static void telegram_error(struct jsonw *w, const char *name,
			   const struct rpcerr_row *row,
			   const struct rpcerr_known *known, const char *advice)
{
	jsonw_object(w, NULL);
	jsonw_str(w, "pattern", name);
	jsonw_str(w, "scope", scope_names[row->scope]);
	jsonw_str(w, "retry", retry_names[row->retry]);
	jsonw_str(w, "account_becomes", effect_names[row->state]);
	jsonw_str(w, "code", err_code(row->err));
	jsonw_str(w, "advice", advice);
	if (known) {
		jsonw_int(w, "number", known->code);
		jsonw_str(w, "description", known->description);
		jsonw_int(w, "methods", known->methods);
	} else {
		jsonw_null(w, "number");
		jsonw_null(w, "description");
		jsonw_null(w, "methods");
	}
	jsonw_object_end(w);
}

static bool has_row(const struct rpcerr_row *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(rows[i].pattern, name))
			return true;
	return false;
}

/* Those with a rule of their own in the order they are tried, then the rest. */
static void telegram_errors(struct jsonw *w)
{
	size_t n, nknown;
	const struct rpcerr_row *rows = rpcerr_rows(&n);
	const struct rpcerr_known *known = rpcerr_list(&nknown);

	for (size_t i = 0; i < n; i++)
		telegram_error(w, rows[i].pattern, &rows[i],
			       rpcerr_list_find(rows[i].pattern),
			       rows[i].advice);
	for (size_t i = 0; i < nknown; i++) {
		struct rpcerr e;

		if (has_row(rows, n, known[i].name))
			continue;
		rpcerr_classify(&e, known[i].code, known[i].name,
				strlen(known[i].name));
		telegram_error(w, known[i].name, e.row, &known[i],
			       rpcerr_advice(&e));
	}
}

static void state(struct jsonw *w, const struct sm_class *class, size_t at)
{
	const struct sm_state *s = &class->states[at];

	jsonw_object(w, NULL);
	jsonw_str(w, "machine", class->name);
	jsonw_str(w, "state", s->name);
	jsonw_bool(w, "initial", s->flags & SM_INITIAL);
	jsonw_bool(w, "final", s->flags & SM_FINAL);
	if (class == &account_sm_class) {
		enum account_state as = (enum account_state)at;

		jsonw_str(w, "status",
			  wire_status_name(account_state_status(as)));
		jsonw_bool(w, "connected", account_state_has_link(as));
		jsonw_str(w, "help", account_state_help(as));
	} else if (class == &signin_sm_class) {
		jsonw_str(w, "help", signin_state_help((enum signin_state)at));
	}
	jsonw_array(w, "to");
	for (size_t i = 0; i < class->nstates; i++)
		if (s->to & SM_TO(i))
			jsonw_str(w, NULL, class->states[i].name);
	jsonw_array_end(w);
	jsonw_object_end(w);
}

static void states(struct jsonw *w)
{
	for (size_t m = 0; m < ARRAY_LEN(machines); m++)
		for (size_t i = 0; i < machines[m]->nstates; i++)
			state(w, machines[m], i);
}

static void metrics(struct jsonw *w)
{
	static const char *const types[METRIC_COUNT] = {
#define COUNTER "counter"
#define GAUGE "gauge"
#define METRIC(sym, type, name, help) [METRIC_##sym] = (type),
#include "base/metrics.def"
#undef METRIC
#undef COUNTER
#undef GAUGE
	};

	for (int i = 0; i < METRIC_COUNT; i++) {
		jsonw_object(w, NULL);
		jsonw_str(w, "name", metrics_name((enum metric)i));
		jsonw_str(w, "type", types[i]);
		jsonw_str(w, "help", metrics_help((enum metric)i));
		jsonw_object_end(w);
	}
}

static void log_events(struct jsonw *w)
{
	for (int i = 0; i < LOGEV_COUNT; i++) {
		jsonw_object(w, NULL);
		jsonw_str(w, "event", log_event_name((enum log_event)i));
		jsonw_str(w, "help", log_event_help((enum log_event)i));
		jsonw_object_end(w);
	}
}

static void close_reasons(struct jsonw *w)
{
	static const struct {
		const char *name, *text;
		bool is_error;
	} all[] = {
#define CLOSE_REASON(sym, counter, is_error, sentence)                         \
	{ (counter), (sentence), (is_error) },
#include "net/close_reason.def"
#undef CLOSE_REASON
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		jsonw_object(w, NULL);
		jsonw_str(w, "reason", all[i].name);
		jsonw_bool(w, "error", all[i].is_error);
		jsonw_str(w, "text", all[i].text);
		jsonw_object_end(w);
	}
}

static const struct {
	const char *name;
	void (*write)(struct jsonw *w);
} sections[] = {
	{ "commands", describe_commands },
	{ "errors", errors },
	{ "telegram_errors", telegram_errors },
	{ "states", states },
	{ "close_reasons", close_reasons },
	{ "metrics", metrics },
	{ "log_events", log_events },
	{ "exit_statuses", describe_exits },
	{ "libraries", describe_libraries },
};

static void section(struct jsonw *w, const char *key, size_t i)
{
	jsonw_array(w, key);
	sections[i].write(w);
	jsonw_array_end(w);
}

static enum err no_section(const char *name, struct err_info *ei)
{
	char list[ERR_MSG_MAX] = "";

	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		size_t at = strlen(list);

		snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "",
			 sections[i].name);
	}
	return err_set(ei, ERR_NOTFOUND, "no section \"%.32s\"; there are: %s",
		       name, list);
}

enum err describe(const char *name, struct buf *out, struct err_info *ei)
{
	struct jsonw w;

	jsonw_init(&w, out);
	if (!name) {
		jsonw_object(&w, NULL);
		jsonw_str(&w, "version", TGFLEET_VERSION);
		for (size_t i = 0; i < ARRAY_LEN(sections); i++)
			section(&w, sections[i].name, i);
		jsonw_object_end(&w);
		return jsonw_end(&w);
	}
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		if (strcmp(name, sections[i].name) != 0)
			continue;
		section(&w, NULL, i);
		return jsonw_end(&w);
	}
	return no_section(name, ei);
}

enum err describe_parsed(const char *name, struct json_doc *ret,
			 struct err_info *ei)
{
	struct buf text;
	enum err rc;

	buf_init(&text, TEXT_MAX_BYTES);
	rc = describe(name, &text, ei);
	if (!rc)
		rc = json_parse(ret, buf_head(&text), buf_len(&text),
				TEXT_MAX_BYTES, ei);
	buf_deinit(&text);
	return rc;
}
