/* SPDX-License-Identifier: MIT */
#define ERR_IMPLEMENTATION
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *code;
	const char *text;
	enum err_retry retry;
	int http;
} table[] = {
	[ERR_OK] = { "OK", "ok", "success", ERR_RETRY_NEVER, 200 },
#define ERR(name, number, retry, http, code, text)                             \
	[number] = { #name, code, text, ERR_RETRY_##retry, http },
#include "base/err.def"
#undef ERR
};

enum err err_set(struct err_info *ei, enum err rc, const char *fmt, ...)
{
	va_list ap;

	if (!ei)
		return rc;
	va_start(ap, fmt);
	vsnprintf(ei->msg, sizeof(ei->msg), fmt, ap);
	va_end(ap);
	return rc;
}

enum err err_wrap(struct err_info *ei, enum err rc, const char *fmt, ...)
{
	char head[ERR_MSG_MAX];
	char tail[ERR_MSG_MAX];
	va_list ap;

	if (!ei)
		return rc;
	va_start(ap, fmt);
	vsnprintf(head, sizeof(head), fmt, ap);
	va_end(ap);
	memcpy(tail, ei->msg, sizeof(tail));
	tail[sizeof(tail) - 1] = '\0';
	if (snprintf(ei->msg, sizeof(ei->msg), "%s: %s", head, tail) < 0)
		ei->msg[0] = '\0';
	return rc;
}

static unsigned int slot(enum err rc)
{
	return (unsigned int)rc < ARRAY_LEN(table) && table[rc].name
		       ? (unsigned int)rc
		       : ERR_IO;
}

const char *err_name(enum err rc)
{
	return table[slot(rc)].name;
}

const char *err_code(enum err rc)
{
	return table[slot(rc)].code;
}

const char *err_text(enum err rc)
{
	return table[slot(rc)].text;
}

enum err_retry err_retry(enum err rc)
{
	return table[slot(rc)].retry;
}

int err_http_status(enum err rc)
{
	return table[slot(rc)].http;
}
