/* SPDX-License-Identifier: MIT */
#include "control/scope.h"

#include <stdio.h>
#include <string.h>

#include "control/control_int.h"

static const char *group_of(const struct router_row *row, size_t *ret_len)
{
	/* what stands before the word, in this order */
	static const char *const outer[] = { API "/", "/", "group-ai/",
					     "chat-features/" };
	const char *p = row->path;

	for (size_t i = 0; i < ARRAY_LEN(outer); i++)
		if (!strncmp(p, outer[i], strlen(outer[i])))
			p += strlen(outer[i]);
	*ret_len = strcspn(p, "/.");
	return p;
}

static bool for_people(const char *group, size_t len)
{
	static const char *const groups[] = { "auth", "users", "api-keys" };

	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (strlen(groups[i]) == len && !memcmp(groups[i], group, len))
			return true;
	return false;
}

static bool is_read(const struct router_row *row)
{
	return !strcmp(row->method, "GET") && !(row->flags & CHANGE_GET);
}

void scope_of(const struct router_row *row, char ret[static SCOPE_TEXT_MAX])
{
	size_t len;
	const char *group = group_of(row, &len);

	if (!(row->auth & AUTH_READ) || row->flags & AUTH_CONFIRMED ||
	    for_people(group, len))
		ret[0] = '\0';
	else
		snprintf(ret, SCOPE_TEXT_MAX, "%.*s:%s", (int)len, group,
			 is_read(row) ? "read" : "write");
}

/* have: one word of len bytes. */
static bool covers(const char *have, size_t len, const char *need)
{
	const size_t group = strcspn(need, ":") + 1;

	if (len == 1 && *have == '*')
		return true;
	if (len == strlen(need) && !memcmp(have, need, len))
		return true;
	return len == group + strlen("write") && !memcmp(have, need, group) &&
	       !memcmp(have + group, "write", strlen("write"));
}

bool scope_allows(const char *scopes, const struct router_row *row)
{
	char need[SCOPE_TEXT_MAX];
	size_t len;

	scope_of(row, need);
	if (!*need)
		return false;
	for (; *scopes; scopes += len) {
		scopes += strspn(scopes, " ");
		len = strcspn(scopes, " ");
		if (len && covers(scopes, len, need))
			return true;
	}
	return false;
}

enum err scope_check(const char *word, const struct router *r,
		     struct err_info *ei)
{
	const struct router_row *row;
	char need[SCOPE_TEXT_MAX];

	if (!strcmp(word, "*"))
		return ERR_OK;
	for (size_t i = 0; (row = router_row_at(r, i)); i++) {
		scope_of(row, need);
		if (*need && covers(word, strlen(word), need))
			return ERR_OK;
	}
	return err_set(
		ei, ERR_INVALID,
		"there is no scope \"%.40s\": it is *, or the first word "
		"of a path with :read or :write, like accounts:read",
		word);
}
