/* SPDX-License-Identifier: MIT */
/*
 * What an API key may touch: words "GROUP:read" and "GROUP:write", or "*".
 *
 * The group is the first word of a route's path ("accounts" of
 * /api/v1/group-ai/accounts/{id}), so every row of the table has one by itself;
 * GET rows are read, all others write, and write includes read.  What is about
 * people and keys is for people: no key may make another one.
 *
 *   failure   scope_check() names the word that is wrong
 */
#ifndef CONTROL_SCOPE_H
#define CONTROL_SCOPE_H

#include "http/router.h"

#define SCOPE_TEXT_MAX 64

/* "accounts:read"; "" when no key may. */
void scope_of(const struct router_row *row, char ret[static SCOPE_TEXT_MAX]);
/* scopes: words with a space between. */
bool scope_allows(const char *scopes, const struct router_row *row);
/* One word, against the rows there are. */
enum err scope_check(const char *word, const struct router *r,
		     struct err_info *ei);

#endif /* CONTROL_SCOPE_H */
