/* SPDX-License-Identifier: MIT */
#include "dc/dc_script.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "tl/schema.h"

#define ARENA_MAX (8U << 20)

struct word {
	const char *text;
	uint32_t column;
};

struct line {
	struct dc_script *s;
	struct dc_step *step;
	struct word words[DC_SCRIPT_WORDS_MAX];
	uint32_t n, at, number;
	struct err_info *ei;
};

/* About the word read last. */
#define bad(l, ...) bad_at(l, (l)->at ? (l)->at - 1 : 0, __VA_ARGS__)
static enum err bad_at(struct line *l, uint32_t word, const char *what)
{
	uint32_t column = word < l->n ? l->words[word].column : 1;

	return err_set(l->ei, ERR_SYNTAX, "line %u, column %u: %s", l->number,
		       column, what);
}

/* ---- words */

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* In quotes a word may hold blanks: \" \\ \n. */
static enum err quoted(struct line *l, const char **at, const char *end,
		       char *dst, size_t *len)
{
	const char *p = *at + 1;

	for (; p < end && *p != '"'; p++) {
		char c = *p;

		if (c == '\\' && p + 1 < end) {
			c = *++p;
			if (c == 'n')
				c = '\n';
			else if (c != '"' && c != '\\')
				return bad(l, "\\\", \\\\ or \\n after \\");
		}
		dst[(*len)++] = c;
	}
	if (p == end)
		return bad(l, "a quote is not closed");
	*at = p + 1;
	return ERR_OK;
}

static enum err take_word(struct line *l, const char *begin, const char **at,
			  const char *end)
{
	char *dst = arena_alloc(&l->s->arena, (size_t)(end - *at) + 1);
	enum err rc = ERR_OK;
	size_t len = 0;

	if (!dst)
		return err_set(l->ei, ERR_NOMEM, "scenario");
	if (l->n == DC_SCRIPT_WORDS_MAX)
		return bad(l, "too many words on this line");
	l->words[l->n++] = (struct word){ dst, (uint32_t)(*at - begin) + 1 };
	l->at = l->n;
	while (*at < end && !blank(**at) && !rc) {
		if (**at == '"')
			rc = quoted(l, at, end, dst, &len);
		else
			dst[len++] = *(*at)++;
	}
	return rc;
}

static enum err split(struct line *l, const char *begin, const char *end)
{
	const char *at = begin;
	enum err rc = ERR_OK;

	while (!rc) {
		while (at < end && blank(*at))
			at++;
		if (at == end || *at == '#')
			break;
		rc = take_word(l, begin, &at, end);
	}
	l->at = 0;
	return rc;
}

static const char *peek(const struct line *l)
{
	return l->at < l->n ? l->words[l->at].text : NULL;
}

static const char *next(struct line *l)
{
	return l->at < l->n ? l->words[l->at++].text : NULL;
}

static bool next_is(struct line *l, const char *text)
{
	const char *p = peek(l);

	if (!p || strcmp(p, text) != 0)
		return false;
	l->at++;
	return true;
}

static enum err need(struct line *l, const char **ret, const char *what)
{
	*ret = next(l);
	return *ret ? ERR_OK : bad(l, what);
}

/* ---- kinds of words */

static enum err number(struct line *l, int64_t *ret)
{
	const char *text = NULL;
	enum err rc = need(l, &text, "a number is missing");

	if (rc)
		return rc;
	if (text_i64(text, ret) || *ret < 0 || *ret > DC_SCRIPT_NUMBER_MAX)
		return bad(l, "not a number of 0 or more");
	return ERR_OK;
}

/* 30s, 250ms */
static enum err duration(struct line *l, int64_t *ret_us)
{
	const char *text = NULL;
	int64_t n = 0, unit = 0;
	enum err rc = need(l, &text, "a duration is missing, as 2s or 250ms");

	if (rc)
		return rc;
	for (; *text >= '0' && *text <= '9' && n < 1000000; text++)
		n = n * 10 + (*text - '0');
	if (!strcmp(text, "s"))
		unit = US_PER_SEC;
	else if (!strcmp(text, "ms"))
		unit = US_PER_MS;
	if (!unit || l->words[l->at - 1].text == text)
		return bad(l, "not a duration: 2s or 250ms");
	*ret_us = n * unit;
	return ERR_OK;
}

static enum err phone(struct line *l, const char **ret)
{
	enum err rc = need(l, ret, "a phone number is missing");
	const char *p = rc ? NULL : *ret;

	if (rc)
		return rc;
	if (*p == '+')
		p++;
	if (strlen(p) < 5 || strlen(p) > 15 ||
	    strspn(p, "0123456789") != strlen(p))
		return bad(l, "not a phone number");
	*ret = p;
	return ERR_OK;
}

static enum err method(struct line *l)
{
	const char *text = NULL;
	enum err rc = need(l, &text, "a method is missing");

	if (rc)
		return rc;
	for (int i = 1; i < TLN_COUNT; i++) {
		if (strcmp(schema_name_text((uint16_t)i), text) != 0)
			continue;
		l->step->method = (uint16_t)i;
		return ERR_OK;
	}
	return bad(l, "there is no such method in any layer");
}

static enum err field(struct line *l)
{
	struct dc_step *st = l->step;
	const char *text = next(l), *eq = text ? strchr(text, '=') : NULL;
	char *name;

	if (!eq || eq == text)
		return bad(l, "field=value, or -> and a reaction, expected");
	if (st->n_fields == DC_SCRIPT_FIELDS_MAX)
		return bad(l, "too many fields");
	name = arena_str(&l->s->arena, text, (size_t)(eq - text));
	if (!name)
		return err_set(l->ei, ERR_NOMEM, "scenario");
	st->fields[st->n_fields++] = (struct dc_step_field){ name, eq + 1 };
	return ERR_OK;
}

static bool known_field(const char *name)
{
	for (int i = 1; i < TLF_COUNT; i++) {
		if (!strcmp(schema_field_text((uint16_t)i), name))
			return true;
	}
	return false;
}

/* ---- reactions */

static enum err react_error(struct line *l)
{
	enum err rc = number(l, &l->step->value);

	if (!rc && (l->step->value < 1 || l->step->value > 999))
		rc = bad(l, "an error's code is 1 to 999");
	if (!rc)
		rc = need(l, &l->step->error, "the error's name is missing");
	return rc;
}

static enum err react_flood(struct line *l)
{
	int64_t sec = 0;
	enum err rc = number(l, &sec);

	l->step->reaction = DC_REACT_ERROR;
	l->step->value = 420;
	l->step->error =
		arena_printf(&l->s->arena, "FLOOD_WAIT_%lld", (long long)sec);
	if (!rc && !l->step->error)
		rc = err_set(l->ei, ERR_NOMEM, "scenario");
	return rc;
}

static enum err react_late(struct line *l)
{
	return duration(l, &l->step->value);
}

static const struct {
	const char *name;
	enum dc_reaction reaction;
	enum err (*rest)(struct line *l);
} reactions[] = {
	{ "answer", DC_REACT_ANSWER, NULL },
	{ "error", DC_REACT_ERROR, react_error },
	{ "flood", DC_REACT_ERROR, react_flood },
	{ "hold", DC_REACT_HOLD, NULL },
	{ "swallow", DC_REACT_SWALLOW, NULL },
	{ "late", DC_REACT_LATE, react_late },
	{ "drop", DC_REACT_DROP, NULL },
	{ "ignore", DC_REACT_IGNORE, NULL },
};

static enum err reaction(struct line *l)
{
	const char *name = NULL;
	enum err rc = need(l, &name, "after -> a reaction is missing");
	size_t i;

	for (i = 0; i < ARRAY_LEN(reactions) && !rc; i++) {
		if (strcmp(reactions[i].name, name) != 0)
			continue;
		l->step->reaction = reactions[i].reaction;
		return reactions[i].rest ? reactions[i].rest(l) : ERR_OK;
	}
	return rc ? rc
		  : bad(l, "answer, error, flood, hold, swallow, late, drop or "
			   "ignore expected");
}

/* ---- statements */

static enum err call_fields(struct line *l, const char *until)
{
	enum err rc = ERR_OK;

	while (!rc && peek(l) && strcmp(peek(l), until) != 0) {
		rc = field(l);
		if (!rc &&
		    !known_field(l->step->fields[l->step->n_fields - 1].name))
			rc = bad(l, "no method has such a field");
	}
	return rc;
}

static enum err read_title(struct line *l)
{
	enum err rc = need(l, &l->step->text, "a title is missing");
	struct arena *a = &l->s->arena;

	while (!rc && peek(l)) {
		l->step->text =
			arena_printf(a, "%s %s", l->step->text, next(l));
		if (!l->step->text)
			rc = err_set(l->ei, ERR_NOMEM, "scenario");
	}
	if (!rc)
		l->s->title = l->step->text;
	return rc;
}

static enum err read_user(struct line *l)
{
	enum err rc = phone(l, &l->step->who);

	l->step->text = peek(l) ? next(l) : "Test";
	return rc;
}

static enum err read_duration(struct line *l)
{
	return duration(l, &l->step->n);
}

static enum err read_accept(struct line *l)
{
	l->step->n = 1;
	return peek(l) ? number(l, &l->step->n) : ERR_OK;
}

static enum err read_call(struct line *l)
{
	enum err rc = method(l);

	if (!rc)
		rc = call_fields(l, "->");
	if (!rc && next_is(l, "->"))
		rc = reaction(l);
	return rc;
}

static enum err read_never(struct line *l)
{
	enum err rc = method(l);

	if (!rc)
		rc = call_fields(l, "for");
	if (!rc && !next_is(l, "for"))
		rc = bad(l, "for and a duration expected");
	return rc ? rc : duration(l, &l->step->n);
}

static enum err read_say(struct line *l)
{
	enum err rc = phone(l, &l->step->who);

	l->step->n = 1;
	if (!rc)
		rc = phone(l, &l->step->whom);
	if (!rc)
		rc = need(l, &l->step->text, "what is said is missing");
	if (!rc && next_is(l, "times"))
		rc = number(l, &l->step->n);
	if (!rc && l->step->n > 100000)
		rc = bad(l, "at most 100000 times");
	return rc;
}

static enum err read_who(struct line *l)
{
	return phone(l, &l->step->who);
}

static enum err read_drop(struct line *l)
{
	if (next_is(l, "after")) {
		enum err rc = number(l, &l->step->n);

		if (!rc && !l->step->n)
			rc = bad(l, "after at least 1");
		if (rc)
			return rc;
	}
	return peek(l) ? phone(l, &l->step->who) : ERR_OK;
}

static enum err read_fault(struct line *l)
{
	static const char *const keys[] = { "phone", "method", "after",
					    "count", "value",  "delay_ms" };
	enum err rc = need(l, &l->step->text, "a kind of fault is missing");
	size_t i;

	while (!rc && peek(l)) {
		rc = field(l);
		for (i = 0; !rc && i < ARRAY_LEN(keys); i++) {
			if (!strcmp(keys[i],
				    l->step->fields[l->step->n_fields - 1]
					    .name))
				break;
		}
		if (!rc && i == ARRAY_LEN(keys))
			rc = bad(l, "phone, method, after, count, value or "
				    "delay_ms expected");
	}
	return rc;
}

static enum err read_state(struct line *l)
{
	enum err rc = phone(l, &l->step->who);

	return rc ? rc
		  : need(l, &l->step->text,
			 "ok, banned, frozen or deactivated expected");
}

static enum err read_check(struct line *l)
{
	static const char *const ops[] = { "==", "!=", "<", "<=", ">", ">=" };
	const char *op = NULL;
	enum err rc = need(l, &l->step->text, "a counter is missing");
	size_t i;

	if (!rc)
		rc = need(l, &op, "== != < <= > or >= expected");
	for (i = 0; !rc && i < ARRAY_LEN(ops); i++) {
		if (!strcmp(ops[i], op))
			break;
	}
	if (!rc && i == ARRAY_LEN(ops))
		rc = bad(l, "== != < <= > or >= expected");
	l->step->op = (enum dc_script_op)i;
	return rc ? rc : number(l, &l->step->n);
}

static enum err read_client(struct line *l)
{
	const char **words = arena_array(&l->s->arena, l->n, sizeof(*words));

	if (!words)
		return err_set(l->ei, ERR_NOMEM, "scenario");
	while (peek(l))
		words[l->step->n_words++] = next(l);
	l->step->words = words;
	return l->step->n_words ? ERR_OK
				: bad(l, "what the client does is missing");
}

static const struct {
	const char *name;
	enum dc_step_kind kind;
	enum err (*read)(struct line *l);
} statements[] = {
	{ "title", DC_STEP_TITLE, read_title },
	{ "user", DC_STEP_USER, read_user },
	{ "timeout", DC_STEP_TIMEOUT, read_duration },
	{ "accept", DC_STEP_ACCEPT, read_accept },
	{ "expect", DC_STEP_EXPECT, read_call },
	{ "next", DC_STEP_NEXT, read_call },
	{ "never", DC_STEP_NEVER, read_never },
	{ "say", DC_STEP_SAY, read_say },
	{ "wait", DC_STEP_WAIT, read_duration },
	{ "online", DC_STEP_ONLINE, read_who },
	{ "offline", DC_STEP_OFFLINE, read_who },
	{ "drop", DC_STEP_DROP, read_drop },
	{ "fault", DC_STEP_FAULT, read_fault },
	{ "state", DC_STEP_STATE, read_state },
	{ "revoke", DC_STEP_REVOKE, read_who },
	{ "check", DC_STEP_CHECK, read_check },
	{ "client", DC_STEP_CLIENT, read_client },
};

/* ---- lines */

static enum err add_step(struct line *l)
{
	struct dc_script *s = l->s;
	uint32_t cap = s->cap ? s->cap * 2 : 16;
	struct dc_step *more;

	if (s->n == DC_SCRIPT_STEPS_MAX)
		return err_set(l->ei, ERR_TOOBIG, "line %u: more than %u steps",
			       l->number, DC_SCRIPT_STEPS_MAX);
	if (s->n == s->cap) {
		more = realloc(s->steps, cap * sizeof(*more));
		if (!more)
			return err_set(l->ei, ERR_NOMEM, "scenario");
		s->steps = more;
		s->cap = cap;
	}
	l->step = &s->steps[s->n++];
	*l->step = (struct dc_step){ .line = l->number };
	return ERR_OK;
}

static enum err statement(struct line *l)
{
	const char *name = next(l);
	enum err rc;
	size_t i;

	for (i = 0; i < ARRAY_LEN(statements); i++) {
		if (!strcmp(statements[i].name, name))
			break;
	}
	if (i == ARRAY_LEN(statements))
		return bad(l, "no such statement");
	rc = add_step(l);
	if (rc)
		return rc;
	l->step->kind = statements[i].kind;
	rc = statements[i].read(l);
	if (!rc && next(l))
		rc = bad(l, "nothing more was expected on this line");
	return rc;
}

void dc_script_deinit(struct dc_script *s)
{
	arena_deinit(&s->arena);
	free(s->steps);
	*s = (struct dc_script){ 0 };
}

enum err dc_script_parse(struct dc_script *s, const char *text, size_t len,
			 struct err_info *ei)
{
	const char *at = text, *end = text + len, *eol;
	struct line l = { .s = s, .ei = ei };
	enum err rc = ERR_OK;

	*s = (struct dc_script){ .title = "" };
	arena_init(&s->arena, ARENA_MAX);
	if (len > DC_SCRIPT_BYTES_MAX)
		rc = err_set(ei, ERR_TOOBIG, "a scenario has at most %u bytes",
			     DC_SCRIPT_BYTES_MAX);
	else if (len && memchr(text, '\0', len))
		rc = err_set(ei, ERR_SYNTAX, "a scenario is text");
	for (; !rc && at < end; at = eol + 1) {
		eol = memchr(at, '\n', (size_t)(end - at));
		if (!eol)
			eol = end;
		l.number++;
		l.n = l.at = 0;
		rc = split(&l, at, eol);
		if (!rc && l.n)
			rc = statement(&l);
		if (eol == end)
			break;
	}
	if (rc)
		dc_script_deinit(s);
	return rc;
}
