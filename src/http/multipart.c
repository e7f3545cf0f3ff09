/* SPDX-License-Identifier: MIT */
#include "http/multipart.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/text.h"

#define PARTS_DEFAULT 100
#define HEADER_DEFAULT 4096
#define PART_DEFAULT (64U << 20)

enum {
	MP_START,    /* the first delimiter, without its CRLF */
	MP_HEADERS,  /* up to the empty line */
	MP_CONTENT,  /* up to the next delimiter */
	MP_AFTER,    /* behind a delimiter: CRLF or -- */
	MP_EPILOGUE, /* behind the last; ignored, but only CRLF is usual */
};

static enum err fail(struct multipart *m, enum err rc, const char *why)
{
	m->rc = err_set(&m->ei, rc, "multipart: %s", why);
	return m->rc;
}

static enum err stopped(struct multipart *m, struct err_info *ei)
{
	if (ei)
		*ei = m->ei;
	return m->rc;
}

/* ;name=value or ;name="va\"lue" of a header value; false if absent. */
static bool parameter(const char *text, const char *name, char *dst,
		      size_t size)
{
	const char *p = strchr(text, ';');
	size_t len = strlen(name), n;
	bool mine;

	while (p) {
		p += strspn(p, "; \t");
		mine = !strncasecmp(p, name, len) && p[len] == '=';
		p += strcspn(p, "=;");
		if (*p != '=') {
			p = *p ? p : NULL;
			continue;
		}
		n = 0;
		if (*++p == '"') {
			for (p++; *p && *p != '"'; p++) {
				if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
					p++;
				if (mine && n + 1 < size)
					dst[n] = *p;
				n++;
			}
			if (!*p)
				return false; /* no closing quote */
			p++;
		} else {
			for (; *p && !strchr("; \t", *p); p++, n++)
				if (mine && n + 1 < size)
					dst[n] = *p;
		}
		if (mine) {
			if (n + 1 > size)
				return false;
			dst[n] = 0;
			return true;
		}
		p = strchr(p, ';');
	}
	return false;
}

static bool boundary_ok(const char *b)
{
	if (!*b || b[strlen(b) - 1] == ' ')
		return false;
	for (; *b; b++)
		if (!((*b >= 'a' && *b <= 'z') || (*b >= 'A' && *b <= 'Z') ||
		      (*b >= '0' && *b <= '9') || strchr("'()+_,-./:=? ", *b)))
			return false;
	return true;
}

enum err multipart_init(struct multipart *m, const char *content_type,
			const struct multipart_limits *limits,
			const struct multipart_ops *ops, void *ctx,
			struct err_info *ei)
{
	char boundary[MULTIPART_BOUNDARY_MAX + 1];

	*m = (struct multipart){ .ops = ops, .ctx = ctx };
	if (limits)
		m->limits = *limits;
	if (!m->limits.parts)
		m->limits.parts = PARTS_DEFAULT;
	if (!m->limits.header_bytes)
		m->limits.header_bytes = HEADER_DEFAULT;
	if (!m->limits.part_bytes)
		m->limits.part_bytes = PART_DEFAULT;
	buf_init(&m->held,
		 m->limits.header_bytes + 2U * MULTIPART_BOUNDARY_MAX);
	if (strncasecmp(content_type, "multipart/form-data", 19) != 0 ||
	    !strchr("; \t", content_type[19]))
		return err_set(ei, ERR_MEDIA_TYPE,
			       "send the body as multipart/form-data");
	if (!parameter(content_type, "boundary", boundary, sizeof(boundary)) ||
	    !boundary_ok(boundary))
		return err_set(ei, ERR_SYNTAX,
			       "multipart: no usable boundary in Content-Type");
	m->delim_len = 4 + strlen(boundary);
	memcpy(m->delim, "\r\n--", 4);
	memcpy(m->delim + 4, boundary, m->delim_len - 4);
	return ERR_OK;
}

void multipart_deinit(struct multipart *m)
{
	buf_deinit(&m->held);
}

/* Only the last component: "C:\x\..\a.session" and "../../a" are both "a...". */
static void base_name(char *name)
{
	char *p = name, *last = name;

	for (; *p; p++)
		if (*p == '/' || *p == '\\')
			last = p + 1;
	memmove(name, last, strlen(last) + 1);
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		name[0] = 0;
}

static bool header_value(const char *line, const char *name, const char **ret)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return false;
	*ret = line + len + 1;
	*ret += strspn(*ret, " \t");
	return true;
}

static enum err disposition(struct multipart *m, const char *v,
			    struct multipart_part *part)
{
	if (part->name[0])
		return fail(m, ERR_SYNTAX, "two Content-Dispositions");
	if (strncasecmp(v, "form-data", 9) != 0 || !strchr("; \t", v[9]))
		return fail(m, ERR_SYNTAX, "a part is not form-data");
	if (!parameter(v, "name", part->name, sizeof(part->name)) ||
	    !part->name[0])
		return fail(m, ERR_SYNTAX, "a part has no name");
	if (parameter(v, "filename", part->filename, sizeof(part->filename)))
		base_name(part->filename);
	else if (strcasestr(v, "filename"))
		return fail(m, ERR_SYNTAX, "a file name is too long or odd");
	return ERR_OK;
}

static enum err one_header(struct multipart *m, const char *line,
			   struct multipart_part *part)
{
	const char *v;

	if (header_value(line, "content-disposition", &v))
		return disposition(m, v, part);
	if (header_value(line, "content-type", &v)) {
		if (!text_copy(part->content_type, sizeof(part->content_type),
			       v))
			return fail(m, ERR_TOOBIG, "a content type");
		if (!strncasecmp(v, "multipart/", 10))
			return fail(m, ERR_SYNTAX, "nested multipart");
		return ERR_OK;
	}
	if (header_value(line, "content-transfer-encoding", &v) &&
	    strcasecmp(v, "binary") != 0 && strcasecmp(v, "8bit") != 0 &&
	    strcasecmp(v, "7bit") != 0)
		return fail(m, ERR_SYNTAX, "an encoded part");
	if (*line == ' ' || *line == '\t' || !strchr(line, ':'))
		return fail(m, ERR_SYNTAX, "a malformed part header");
	return ERR_OK;
}

/* text: complete header lines, each ended by CRLF; changed in place. */
static enum err part_headers(struct multipart *m, char *text, size_t len)
{
	struct multipart_part part = { 0 };
	char *nl, *end = text + len;
	enum err rc;

	if (memchr(text, 0, len))
		return fail(m, ERR_SYNTAX, "NUL in a part header");
	if (!text_utf8_valid(text, len))
		return fail(m, ERR_SYNTAX, "a part header is not UTF-8");
	if (m->parts++ == m->limits.parts)
		return fail(m, ERR_TOOBIG, "too many parts");
	while (text < end) {
		nl = memmem(text, (size_t)(end - text), "\r\n", 2);
		*nl = 0;
		if (strpbrk(text, "\r\n"))
			return fail(m, ERR_SYNTAX, "a bare line end");
		rc = one_header(m, text, &part);
		if (rc)
			return rc;
		text = nl + 2;
	}
	if (!part.name[0])
		return fail(m, ERR_SYNTAX, "a part has no name");
	m->part_bytes = 0;
	m->rc = m->ops->on_part(m->ctx, &part, &m->ei);
	return m->rc;
}

static enum err content(struct multipart *m, const uint8_t *data, size_t len)
{
	if (!len)
		return ERR_OK;
	m->part_bytes += len;
	if (m->part_bytes > m->limits.part_bytes)
		return fail(m, ERR_TOOBIG, "a part is too big");
	m->rc = m->ops->on_data(m->ctx, data, len, &m->ei);
	return m->rc;
}

/*
 * Each step looks at all bytes held and not yet used, uses some of them, and says
 * whether it needs more before it can go on.
 */
static enum err step_start(struct multipart *m, const uint8_t *p, size_t len,
			   size_t *ret_used, bool *ret_more)
{
	size_t want = m->delim_len - 2;
	size_t n = len < want ? len : want;

	if (memcmp(p, m->delim + 2, n) != 0)
		return fail(m, ERR_SYNTAX,
			    "the body does not begin with its boundary");
	*ret_more = len < want;
	if (!*ret_more) {
		*ret_used = want;
		m->state = MP_AFTER;
	}
	return ERR_OK;
}

static enum err step_after(struct multipart *m, const uint8_t *p, size_t len,
			   size_t *ret_used, bool *ret_more)
{
	*ret_more = len < 2;
	if (*ret_more)
		return ERR_OK;
	*ret_used = 2;
	if (p[0] == '\r' && p[1] == '\n')
		m->state = MP_HEADERS;
	else if (p[0] == '-' && p[1] == '-')
		m->state = MP_EPILOGUE;
	else
		return fail(m, ERR_SYNTAX, "garbage behind a boundary");
	return ERR_OK;
}

static enum err step_headers(struct multipart *m, const uint8_t *p, size_t len,
			     size_t *ret_used, bool *ret_more)
{
	const uint8_t *end = memmem(p, len, "\r\n\r\n", 4);
	size_t n = end ? (size_t)(end - p) + 2 : len;
	char *copy;
	enum err rc;

	if (len >= 2 && p[0] == '\r' && p[1] == '\n')
		return fail(m, ERR_SYNTAX, "a part without headers");
	/* of an end that is not whole yet, up to 3 bytes may be here */
	if (end ? n > m->limits.header_bytes : n > m->limits.header_bytes + 1)
		return fail(m, ERR_TOOBIG, "the headers of a part");
	*ret_more = !end;
	if (!end)
		return ERR_OK;
	copy = strndup((const char *)p, n);
	if (!copy)
		return fail(m, ERR_NOMEM, "headers");
	rc = strlen(copy) == n ? part_headers(m, copy, n)
			       : fail(m, ERR_SYNTAX, "NUL in a part header");
	free(copy);
	*ret_used = n + 2;
	m->state = MP_CONTENT;
	return rc;
}

static enum err step_content(struct multipart *m, const uint8_t *p, size_t len,
			     size_t *ret_used, bool *ret_more)
{
	const uint8_t *at = memmem(p, len, m->delim, m->delim_len);
	size_t n, keep;
	enum err rc;

	if (at) {
		n = (size_t)(at - p);
		rc = content(m, p, n);
		if (rc)
			return rc;
		*ret_used = n + m->delim_len;
		m->state = MP_AFTER;
		m->rc = m->ops->on_part_end(m->ctx, &m->ei);
		return m->rc;
	}
	/* The end may be the beginning of a delimiter. */
	keep = len < m->delim_len ? len : m->delim_len - 1;
	while (keep && memcmp(p + len - keep, m->delim, keep) != 0)
		keep--;
	*ret_used = len - keep;
	*ret_more = true;
	return content(m, p, len - keep);
}

static enum err step(struct multipart *m, const uint8_t *p, size_t len,
		     size_t *ret_used, bool *ret_more)
{
	*ret_used = 0;
	*ret_more = false;
	switch (m->state) {
	case MP_START:
		return step_start(m, p, len, ret_used, ret_more);
	case MP_AFTER:
		return step_after(m, p, len, ret_used, ret_more);
	case MP_HEADERS:
		return step_headers(m, p, len, ret_used, ret_more);
	case MP_CONTENT:
		return step_content(m, p, len, ret_used, ret_more);
	default:
		*ret_used = len;
		*ret_more = true;
		return ERR_OK;
	}
}

/* Runs steps over data; *ret_used bytes are done with. */
static enum err run(struct multipart *m, const uint8_t *data, size_t len,
		    size_t *ret_used)
{
	bool more = false;
	size_t used;
	enum err rc;

	*ret_used = 0;
	while (*ret_used < len && !more) {
		rc = step(m, data + *ret_used, len - *ret_used, &used, &more);
		if (rc)
			return rc;
		*ret_used += used;
	}
	return ERR_OK;
}

enum err multipart_feed(struct multipart *m, const void *data, size_t len,
			struct err_info *ei)
{
	const uint8_t *p = data;
	size_t used, n;
	enum err rc;

	if (m->rc)
		return stopped(m, ei);
	/* What was held decides with the first bytes of the new data. */
	while (buf_len(&m->held) && len) {
		n = len < MULTIPART_BOUNDARY_MAX ? len : MULTIPART_BOUNDARY_MAX;
		rc = buf_append(&m->held, p, n);
		if (rc)
			return (void)fail(m, rc, "headers"), stopped(m, ei);
		p += n;
		len -= n;
		if (run(m, buf_head(&m->held), buf_len(&m->held), &used))
			return stopped(m, ei);
		buf_consume(&m->held, used);
	}
	buf_drained(&m->held);
	if (run(m, p, len, &used))
		return stopped(m, ei);
	rc = buf_append(&m->held, p + used, len - used);
	if (rc)
		return (void)fail(m, rc, "headers"), stopped(m, ei);
	return ERR_OK;
}

enum err multipart_end(struct multipart *m, struct err_info *ei)
{
	if (!m->rc && m->state != MP_EPILOGUE)
		(void)fail(m, ERR_SYNTAX, "the closing boundary is missing");
	return stopped(m, ei);
}

/* --- a complete body --- */

struct whole {
	struct arena *arena;
	struct multipart_slice *slices;
	size_t count, cap, max;
};

static enum err whole_part(void *ctx, const struct multipart_part *part,
			   struct err_info *ei)
{
	struct whole *w = ctx;
	struct multipart_slice *grown;
	size_t cap;

	if (w->count == w->cap) {
		cap = w->cap ? 2 * w->cap : 8;
		grown = arena_array(w->arena, cap, sizeof(*grown));
		if (!grown)
			return err_set(ei, ERR_NOMEM, "multipart");
		if (w->count)
			memcpy(grown, w->slices, w->count * sizeof(*grown));
		w->slices = grown;
		w->cap = cap;
	}
	w->slices[w->count++] = (struct multipart_slice){ .head = *part };
	return ERR_OK;
}

/* The body is fed in one piece, so a part's content comes in one piece too. */
static enum err whole_data(void *ctx, const uint8_t *data, size_t len,
			   struct err_info *ei)
{
	struct whole *w = ctx;
	struct multipart_slice *s = &w->slices[w->count - 1];

	if (!s->data)
		s->data = data;
	s->len += len;
	return ERR_OK;
}

static enum err whole_end(void *ctx, struct err_info *ei)
{
	struct whole *w = ctx;

	if (!w->slices[w->count - 1].data)
		w->slices[w->count - 1].data = (const uint8_t *)"";
	return ERR_OK;
}

enum err multipart_parse(const char *content_type, const uint8_t *body,
			 size_t len, const struct multipart_limits *limits,
			 struct arena *arena, struct multipart_slices *ret,
			 struct err_info *ei)
{
	static const struct multipart_ops ops = {
		.on_part = whole_part,
		.on_data = whole_data,
		.on_part_end = whole_end,
	};
	struct whole w = { .arena = arena };
	struct multipart m;
	enum err rc;

	rc = multipart_init(&m, content_type, limits, &ops, &w, ei);
	if (!rc)
		rc = multipart_feed(&m, body, len, ei);
	if (!rc)
		rc = multipart_end(&m, ei);
	multipart_deinit(&m);
	if (rc)
		return rc;
	*ret = (struct multipart_slices){ w.slices, w.count };
	return ERR_OK;
}
