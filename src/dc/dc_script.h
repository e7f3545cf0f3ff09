/* SPDX-License-Identifier: MIT */
/*
 * Scenario files: what a data centre waits for and how it answers, a line a
 * step.  docs/emulator.md describes the language.
 *
 *	title  a wait is waited out
 *	user   9996610001 Ada
 *	expect messages.sendMessage message="one" -> flood 2
 *	never  messages.sendMessage for 1900ms
 *	expect messages.sendMessage message="one"
 *	check  calls_during_flood_wait == 0
 *
 * Only reading is done here; dc_play.c plays.
 *
 *   owner     the caller
 *   memory    the script's arena; the limits below
 *   threads   none
 *   failure   ERR_SYNTAX with line and column, ERR_TOOBIG, ERR_NOMEM
 */
#ifndef DC_DC_SCRIPT_H
#define DC_DC_SCRIPT_H

#include "base/arena.h"

#define DC_SCRIPT_BYTES_MAX (256U << 10)
#define DC_SCRIPT_STEPS_MAX 2000U
#define DC_SCRIPT_WORDS_MAX 24
#define DC_SCRIPT_FIELDS_MAX 8
#define DC_SCRIPT_NUMBER_MAX INT64_C(1000000000000)

enum dc_step_kind {
	DC_STEP_TITLE,	 /* text */
	DC_STEP_USER,	 /* who; text = name */
	DC_STEP_TIMEOUT, /* n us, for the steps after it */
	DC_STEP_ACCEPT,	 /* n connections */
	DC_STEP_EXPECT,	 /* method, fields, reaction: some call to come */
	DC_STEP_NEXT,	 /* the same: the very next call */
	DC_STEP_NEVER,	 /* method, fields; n us */
	DC_STEP_SAY,	 /* who, whom, text; n times */
	DC_STEP_WAIT,	 /* n us */
	DC_STEP_ONLINE,	 /* who */
	DC_STEP_OFFLINE, /* who */
	DC_STEP_DROP,	 /* who or NULL; n packets from now, 0: at once */
	DC_STEP_FAULT,	 /* text = kind; fields */
	DC_STEP_STATE,	 /* who; text */
	DC_STEP_REVOKE,	 /* who */
	DC_STEP_CHECK,	 /* text = counter; op, n */
	DC_STEP_CLIENT,	 /* words: for whoever drives the client */
};

enum dc_reaction {
	DC_REACT_ANSWER,  /* as always */
	DC_REACT_ERROR,	  /* not done; value = code, text */
	DC_REACT_HOLD,	  /* done; the answer is lost with the connection */
	DC_REACT_SWALLOW, /* done; the answer is lost */
	DC_REACT_LATE,	  /* done; the answer comes value us later */
	DC_REACT_DROP,	  /* not done; the connection ends */
	DC_REACT_IGNORE,  /* not done, not answered */
};

enum dc_script_op {
	DC_OP_EQ,
	DC_OP_NE,
	DC_OP_LT,
	DC_OP_LE,
	DC_OP_GT,
	DC_OP_GE
};

struct dc_step_field {
	const char *name, *value;
};

struct dc_step {
	enum dc_step_kind kind;
	uint32_t line;
	uint16_t method; /* TLN_* */
	const char *who, *whom, *text;
	int64_t n;
	enum dc_script_op op;
	struct dc_step_field fields[DC_SCRIPT_FIELDS_MAX];
	uint32_t n_fields;
	enum dc_reaction reaction;
	int64_t value;
	const char *error;
	const char *const *words; /* DC_STEP_CLIENT */
	uint32_t n_words;
};

struct dc_script {
	struct arena arena;
	struct dc_step *steps;
	uint32_t n, cap;
	const char *title; /* "" without one */
};

/* After a failure it is deinited already. */
enum err dc_script_parse(struct dc_script *s, const char *text, size_t len,
			 struct err_info *ei);
void dc_script_deinit(struct dc_script *s);

#endif /* DC_DC_SCRIPT_H */
