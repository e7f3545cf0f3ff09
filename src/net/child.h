/* SPDX-License-Identifier: MIT */
/*
 * Child processes: an argument array (never a shell), lines of its output, one
 * exit.
 *
 *   owner     the loop, until on_exit returned; others hold the pointer no
 *             longer than that.  loop_free() kills what still runs (SIGKILL).
 *   memory    one line buffer per captured stream, up to CHILD_LINE_MAX;
 *             longer lines come in pieces
 *   failure   child_spawn() names the program
 */
#ifndef NET_CHILD_H
#define NET_CHILD_H

#include "net/loop.h"

#define CHILD_LINE_MAX 65536

struct child;

struct child_ops {
	/* NULL: the stream is inherited.  No newline; NUL-terminated. */
	void (*on_stdout)(void *ctx, const char *line, size_t len);
	void (*on_stderr)(void *ctx, const char *line, size_t len);
	/* After all output.  signum is 0 when it exited by itself. */
	void (*on_exit)(void *ctx, int status, int signum);
};

struct child_options {
	const char *file;	 /* searched in PATH unless it has a '/' */
	const char *const *argv; /* argv[0] included, NULL-terminated */
	const char *const *env;	 /* NULL: inherited */
	const char *cwd;	 /* NULL: inherited */
	bool new_group;		 /* not hit by the terminal's ^C */
};

enum err child_spawn(struct loop *l, const struct child_options *o,
		     const struct child_ops *ops, void *ctx, struct child **ret,
		     struct err_info *ei);
enum err child_kill(struct child *c, int signum);
int child_pid(const struct child *c);

#endif /* NET_CHILD_H */
