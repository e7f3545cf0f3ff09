/* SPDX-License-Identifier: MIT */
#include "worker/dcs.h"

#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/log.h"
#include "base/text.h"

static enum err restore(struct dcs *d, struct err_info *ei)
{
	struct buf file;
	enum err rc;

	buf_init(&file, DCS_FILE_MAX);
	rc = files_read(d->path, &file, ei);
	if (!rc)
		rc = dclist_read(buf_head(&file), buf_len(&file),
				 d->telegram->test_mode, &d->list, ei);
	buf_deinit(&file);
	return rc;
}

enum err dcs_open(struct dcs *d, const struct telegram *t, const char *path,
		  struct err_info *ei)
{
	struct err_info why = { 0 };
	enum err rc;

	*d = (struct dcs){ .telegram = t };
	if (!path)
		return ERR_OK;
	d->path = strdup(path);
	if (!d->path)
		return err_set(ei, ERR_NOMEM, "addresses of data centres");
	rc = restore(d, &why);
	if (rc && rc != ERR_NOTFOUND)
		log_fail(LOG_WARN, LOGEV_DCS, rc, &why, log_str("file", path));
	return ERR_OK;
}

void dcs_close(struct dcs *d)
{
	free(d->path);
	*d = (struct dcs){ 0 };
}

enum err dcs_take(struct dcs *d, const void *data, size_t len, struct mono now,
		  struct err_info *ei)
{
	enum err rc;

	if (len > DCS_FILE_MAX)
		return err_set(ei, ERR_TOOBIG, "a config of %zu bytes", len);
	rc = dclist_read(data, len, d->telegram->test_mode, &d->list, ei);
	if (rc)
		return rc;
	d->due = mono_add(now, d->list.ttl_sec * US_PER_SEC);
	return d->path ? files_write(d->path, data, len, ei) : ERR_OK;
}

bool dcs_address(const struct telegram *t, const struct dcs *d,
		 const struct dclist_want *want, size_t n,
		 struct addr_host *ret)
{
	const struct dclist_entry *e;

	for (size_t i = 0; i < t->ndcs; i++) {
		if (t->dcs[i].id != want->dc_id || n--)
			continue;
		*ret = t->dcs[i].at;
		return true;
	}
	e = d ? dclist_pick(&d->list, want, n) : NULL;
	if (!e || !text_copy(ret->host, sizeof(ret->host), e->address))
		return false;
	ret->port = e->port;
	return true;
}
