/* SPDX-License-Identifier: MIT */
/*
 * The program's tables as JSON: what it can be told, what it says, why it fails.
 *
 * Everything comes from the tables the code itself runs by, so the reference in
 * docs/, the manual page and the program cannot disagree.
 *
 *   memory    appended to the caller's buffer
 *   failure   ERR_NOTFOUND for a section there is not, naming those there are
 */
#ifndef CLI_DESCRIBE_H
#define CLI_DESCRIBE_H

#include "base/config.h"
#include "base/json.h"

struct cli_cmd;
struct sm_class;

/* One section, or all of them as one object when name is NULL. */
enum err describe(const char *name, struct buf *out, struct err_info *ei);
/* The section again, parsed: the rows of a table. */
enum err describe_parsed(const char *name, struct json_doc *ret,
			 struct err_info *ei);

/* The state machines there are. */
const struct sm_class *const *describe_machines(size_t *ret_n);

/* The parts of describe_command.c. */
void describe_commands(struct jsonw *w);
void describe_libraries(struct jsonw *w);
void describe_exits(struct jsonw *w);

#endif /* CLI_DESCRIBE_H */
