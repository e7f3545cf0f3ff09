/* SPDX-License-Identifier: MIT */
#include "http/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 4096

/* The next segment of *path, without slashes; false at the end. */
static bool segment(const char **path, const char *end, const char **ret,
		    size_t *ret_len)
{
	const char *slash;

	if (*path >= end)
		return false;
	++*path; /* the slash */
	slash = memchr(*path, '/', (size_t)(end - *path));
	*ret = *path;
	*ret_len = (size_t)((slash ? slash : end) - *path);
	*path += *ret_len;
	return true;
}

static bool is_param(const char *seg, size_t len)
{
	return len > 2 && seg[0] == '{' && seg[len - 1] == '}';
}

/* Literals before parameters; all parameters are alike. */
static int compare_paths(const char *a, const char *b)
{
	const char *aend = a + strlen(a), *bend = b + strlen(b), *as, *bs;
	size_t alen, blen, n;
	bool amore, bmore, ap, bp;
	int c;

	for (;;) {
		amore = segment(&a, aend, &as, &alen);
		bmore = segment(&b, bend, &bs, &blen);
		if (!amore || !bmore)
			return (int)amore - (int)bmore;
		ap = is_param(as, alen);
		bp = is_param(bs, blen);
		if (ap != bp)
			return (int)ap - (int)bp;
		if (ap)
			continue;
		n = alen < blen ? alen : blen;
		c = memcmp(as, bs, n);
		if (!c)
			c = (alen > blen) - (alen < blen);
		if (c)
			return c;
	}
}

static int compare_rows(const void *a, const void *b)
{
	const struct router_row *x = *(const struct router_row *const *)a;
	const struct router_row *y = *(const struct router_row *const *)b;
	int c = compare_paths(x->path, y->path);

	return c ? c : strcmp(x->method, y->method);
}

void router_init(struct router *r)
{
	*r = (struct router){ 0 };
}

void router_deinit(struct router *r)
{
	free(r->rows);
	*r = (struct router){ 0 };
}

static enum err check_row(const struct router_row *row, struct err_info *ei)
{
	const char *p = row->path, *end = p + strlen(p), *seg;
	size_t len, params = 0;

	if (*p != '/' || !row->handler)
		return err_set(ei, ERR_INVALID, "route \"%s\"", p);
	while (segment(&p, end, &seg, &len)) {
		if (is_param(seg, len))
			params++;
		else if (memchr(seg, '{', len) || memchr(seg, '}', len))
			return err_set(ei, ERR_INVALID, "route \"%s\"",
				       row->path);
	}
	if (params > ROUTER_PARAMS_MAX)
		return err_set(ei, ERR_INVALID,
			       "route \"%s\": more than %d parameters",
			       row->path, ROUTER_PARAMS_MAX);
	return ERR_OK;
}

enum err router_add(struct router *r, const struct router_row *rows, size_t n,
		    struct err_info *ei)
{
	const struct router_row **grown;
	size_t i;
	enum err rc;

	for (i = 0; i < n; i++) {
		rc = check_row(&rows[i], ei);
		if (rc)
			return rc;
	}
	if (r->count + n > ROWS_MAX)
		return err_set(ei, ERR_TOOBIG, "more than %d routes", ROWS_MAX);
	grown = realloc(r->rows, (r->count + n) * sizeof(*grown));
	if (!grown)
		return err_set(ei, ERR_NOMEM, "routes");
	r->rows = grown;
	for (i = 0; i < n; i++)
		r->rows[r->count++] = &rows[i];
	qsort(r->rows, r->count, sizeof(*grown), compare_rows);
	for (i = 1; i < r->count; i++)
		if (!compare_rows(&r->rows[i - 1], &r->rows[i]))
			return err_set(ei, ERR_DUPLICATE, "route %s %s",
				       r->rows[i]->method, r->rows[i]->path);
	return ERR_OK;
}

static bool match(const struct router_row *row, const char *path, size_t len,
		  struct router_match *ret)
{
	const char *pat = row->path, *pend = pat + strlen(pat);
	const char *end = path + len, *ps, *s;
	size_t plen, slen;
	bool pmore, more;

	ret->row = row;
	ret->nparams = 0;
	for (;;) {
		pmore = segment(&pat, pend, &ps, &plen);
		more = segment(&path, end, &s, &slen);
		if (!pmore || !more)
			return pmore == more;
		if (is_param(ps, plen)) {
			if (!slen)
				return false;
			ret->params[ret->nparams++] =
				(struct router_param){ ps + 1, plen - 2, s,
						       slen };
		} else if (plen != slen || memcmp(ps, s, slen) != 0) {
			return false;
		}
	}
}

/* Adds a method to "GET, POST" unless it is there. */
static void allow_add(char allow[static ROUTER_ALLOW_MAX], const char *method)
{
	size_t len = strlen(allow), n = strlen(method);
	const char *at = strstr(allow, method);

	if (at && (at[n] == ',' || !at[n]))
		return;
	if (len + 2 + n >= ROUTER_ALLOW_MAX)
		return;
	snprintf(allow + len, ROUTER_ALLOW_MAX - len, "%s%s", len ? ", " : "",
		 method);
}

enum err router_find(const struct router *r, const char *method,
		     const char *path, size_t len, struct router_match *ret,
		     char allow[static ROUTER_ALLOW_MAX])
{
	const char *want = strcmp(method, "HEAD") ? method : "GET";
	struct router_match m;
	size_t i;

	allow[0] = 0;
	if (!len || *path != '/')
		return ERR_NOTFOUND;
	for (i = 0; i < r->count; i++) {
		if (!match(r->rows[i], path, len, &m))
			continue;
		if (!strcmp(r->rows[i]->method, want)) {
			*ret = m;
			return ERR_OK;
		}
		allow_add(allow, r->rows[i]->method);
		if (!strcmp(r->rows[i]->method, "GET"))
			allow_add(allow, "HEAD");
	}
	return allow[0] ? ERR_METHOD : ERR_NOTFOUND;
}

const struct router_row *router_row_at(const struct router *r, size_t i)
{
	return i < r->count ? r->rows[i] : NULL;
}
