/* SPDX-License-Identifier: MIT */
#include "worker/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/wire_status.h"

#define JOURNAL_LINE_MAX 320
#define JOURNAL_PENDING_MAX (16U << 20)
#define JOURNAL_FILE_MAX (64U << 20)

struct journal_entry {
	struct journal_entry *next;
	struct updates_pos pos; /* all zeroes: none */
	int64_t epoch;
	struct flood flood;
	char account_id[];
};

static uint32_t hash(const char *s, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h;
}

static struct journal_entry **find(const struct journal *j, const char *id)
{
	struct journal_entry **at =
		&j->buckets[hash(id, strlen(id)) & (j->nbuckets - 1)];

	while (*at && strcmp((*at)->account_id, id) != 0)
		at = &(*at)->next;
	return at;
}

static enum err grow(struct journal *j)
{
	uint32_t n = j->nbuckets ? j->nbuckets * 2 : 64;
	struct journal_entry **old = j->buckets;
	uint32_t nold = j->nbuckets;

	j->buckets = calloc(n, sizeof(struct journal_entry *));
	if (!j->buckets) {
		j->buckets = old;
		return ERR_NOMEM;
	}
	j->nbuckets = n;
	for (uint32_t i = 0; i < nold; i++) {
		while (old[i]) {
			struct journal_entry *e = old[i], **at;

			old[i] = e->next;
			at = find(j, e->account_id);
			e->next = *at;
			*at = e;
		}
	}
	free(old);
	return ERR_OK;
}

static enum err find_or_add(struct journal *j, const char *id,
			    struct journal_entry **ret)
{
	struct journal_entry **at = find(j, id), *e = *at;
	size_t len = strlen(id) + 1;
	enum err rc;

	*ret = e;
	if (e)
		return ERR_OK;
	if (j->n >= JOURNAL_ACCOUNTS_MAX)
		return ERR_CAPACITY;
	if (j->n >= j->nbuckets) {
		rc = grow(j);
		if (rc)
			return rc;
		at = find(j, id);
	}
	e = calloc(1, sizeof(*e) + len);
	if (!e)
		return ERR_NOMEM;
	e->next = *at;
	memcpy(e->account_id, id, len);
	*at = *ret = e;
	j->n++;
	return ERR_OK;
}

static enum err set(struct journal *j, const char *id, struct updates_pos pos,
		    int64_t epoch)
{
	struct journal_entry *e;
	enum err rc = find_or_add(j, id, &e);

	if (rc)
		return rc;
	e->pos = pos;
	e->epoch = epoch;
	return ERR_OK;
}

/* *ret_new: the journal did not know, so it is to be written. */
static enum err add_flood(struct journal *j, const char *id,
			  const struct flood_entry *entry, bool *ret_new)
{
	struct journal_entry *e;
	enum err rc = find_or_add(j, id, &e);
	uint64_t changes;
	uint32_t n;

	if (rc)
		return rc;
	changes = e->flood.changes;
	n = e->flood.n;
	rc = flood_put(&e->flood, entry, j->now, NULL);
	j->nfloods += e->flood.n - n;
	*ret_new = e->flood.changes != changes;
	return rc;
}

static void free_entry(struct journal_entry *e)
{
	flood_deinit(&e->flood);
	free(e);
}

static void forget(struct journal *j, const char *id)
{
	struct journal_entry **at = find(j, id), *e = *at;

	if (!e)
		return;
	e->pos = (struct updates_pos){ 0 };
	if (e->flood.n)
		return;
	*at = e->next;
	free_entry(e);
	j->n--;
}

static enum err append_line(struct buf *out, const char *id,
			    struct updates_pos pos, int64_t epoch)
{
	char line[JOURNAL_LINE_MAX];
	int n = snprintf(line, sizeof(line), "%s %d %d %d %d %lld ", id,
			 pos.pts, pos.qts, pos.date, pos.seq, (long long)epoch);

	if (n < 0 || (size_t)n >= sizeof(line))
		return ERR_TOOBIG;
	return buf_printf(out, "%s%08x\n", line, hash(line, (size_t)n));
}

static enum err append_flood(struct buf *out, const char *id,
			     const struct flood_entry *e)
{
	char line[JOURNAL_LINE_MAX];
	int n = snprintf(line, sizeof(line), "! %s %lld %lld %s %s ", id,
			 (long long)e->until.us, (long long)e->peer, e->method,
			 e->error);

	if (n < 0 || (size_t)n >= sizeof(line))
		return ERR_TOOBIG;
	return buf_printf(out, "%s%08x\n", line, hash(line, (size_t)n));
}

/* A position of all zeroes says: dropped. */
static bool is_zero(struct updates_pos p)
{
	return !p.pts && !p.qts && !p.date && !p.seq;
}

/* "! id until peer method error check", the error may have spaces in it. */
static enum err load_flood(struct journal *j, const char *text, size_t len)
{
	struct flood_entry e = { 0 };
	char id[WIRE_ID_MAX + 1];
	long long until, peer;
	bool is_new;
	int at = 0;

	/* NOLINTNEXTLINE(cert-err34-c): the line passed its check */
	if (sscanf(text, "! %64s %lld %lld %63s %n", id, &until, &peer,
		   e.method, &at) != 4 ||
	    at <= 0 || (size_t)at + 9 > len ||
	    len - 9 - (size_t)at >= sizeof(e.error))
		return ERR_OK;
	memcpy(e.error, text + at, len - 9 - (size_t)at);
	e.until.us = until;
	e.peer = peer;
	if (e.until.us <= j->now.us)
		return ERR_OK;
	return add_flood(j, id, &e, &is_new) == ERR_NOMEM ? ERR_NOMEM : ERR_OK;
}

static bool check_ok(const char *text, size_t len)
{
	uint32_t check;

	/* NOLINTNEXTLINE(cert-err34-c): a damaged number fails the check */
	return sscanf(text + len - 8, "%8x", &check) == 1 &&
	       check == hash(text, len - 8);
}

static enum err load_line(struct journal *j, const char *line, size_t len)
{
	char id[WIRE_ID_MAX + 1], text[JOURNAL_LINE_MAX];
	struct updates_pos p;
	long long epoch = 0;
	int at = 0;

	if (len < 10 || len >= sizeof(text))
		return ERR_OK;
	memcpy(text, line, len);
	text[len] = 0;
	if (text[0] == '!')
		return check_ok(text, len) ? load_flood(j, text, len) : ERR_OK;
	if (!check_ok(text, len))
		return ERR_OK; /* damaged: delivered again, that is all */
	/* NOLINTNEXTLINE(cert-err34-c): the line passed its check */
	if (sscanf(text, "%64s %d %d %d %d %n", id, &p.pts, &p.qts, &p.date,
		   &p.seq, &at) != 5 ||
	    at <= 0)
		return ERR_OK;
	/* NOLINTNEXTLINE(cert-err34-c): the line passed its check */
	if ((size_t)at < len - 8 && sscanf(text + at, "%lld", &epoch) != 1)
		return ERR_OK;
	if (is_zero(p)) {
		forget(j, id);
		return ERR_OK;
	}
	return set(j, id, p, epoch);
}

static enum err load_text(struct journal *j, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		enum err rc;

		if (!nl)
			break;
		rc = load_line(j, text, (size_t)(nl - text));
		if (rc)
			return rc;
		text = nl + 1;
	}
	return ERR_OK;
}

static enum err load(struct journal *j, struct err_info *ei)
{
	struct stat st;
	char *text;
	ssize_t n;
	enum err rc;

	if (fstat(j->fd, &st) || st.st_size > (off_t)JOURNAL_FILE_MAX)
		return err_set(ei, ERR_IO, "%s: not readable", j->path);
	j->file_bytes = (size_t)st.st_size;
	if (!st.st_size)
		return ERR_OK;
	text = malloc(j->file_bytes);
	if (!text)
		return err_set(ei, ERR_NOMEM, "read %s", j->path);
	n = pread(j->fd, text, j->file_bytes, 0);
	rc = n < 0 ? err_set(ei, ERR_IO, "read %s: %s", j->path,
			     strerror(errno))
		   : load_text(j, text, (size_t)n);
	/* an unfinished last line must not run into the next one */
	if (!rc && n > 0 && text[n - 1] != '\n')
		rc = buf_append_byte(&j->pending, '\n');
	free(text);
	return rc;
}

enum err journal_open(struct journal *j, const char *path, struct wall now,
		      struct err_info *ei)
{
	enum err rc;

	*j = (struct journal){ .fd = -1, .now = now };
	buf_init(&j->pending, JOURNAL_PENDING_MAX);
	j->path = strdup(path);
	rc = j->path ? grow(j) : ERR_NOMEM;
	if (rc)
		return err_set(ei, rc, "open %s", path);
	j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (j->fd < 0)
		return err_set(ei, ERR_IO, "open %s: %s", path,
			       strerror(errno));
	return load(j, ei);
}

void journal_close(struct journal *j)
{
	struct err_info ei;

	if (j->path && j->fd >= 0)
		(void)!journal_flush(j, &ei);
	for (uint32_t i = 0; i < j->nbuckets; i++) {
		while (j->buckets[i]) {
			struct journal_entry *e = j->buckets[i];

			j->buckets[i] = e->next;
			free_entry(e);
		}
	}
	if (j->path && j->fd >= 0)
		close(j->fd);
	free(j->buckets);
	free(j->path);
	buf_deinit(&j->pending);
	*j = (struct journal){ .fd = -1 };
}

bool journal_get(const struct journal *j, const char *account_id,
		 struct updates_pos *ret, int64_t *ret_epoch)
{
	const struct journal_entry *e = *find(j, account_id);

	if (!e || is_zero(e->pos))
		return false;
	*ret = e->pos;
	*ret_epoch = e->epoch;
	return true;
}

const struct flood *journal_flood(const struct journal *j,
				  const char *account_id)
{
	const struct journal_entry *e = *find(j, account_id);

	return e && e->flood.n ? &e->flood : NULL;
}

enum err journal_put_flood(struct journal *j, const char *account_id,
			   const struct flood_entry *entry, struct wall now)
{
	bool is_new = false;
	enum err rc;

	j->now = now;
	rc = add_flood(j, account_id, entry, &is_new);
	if (rc || !is_new)
		return rc;
	return append_flood(&j->pending, account_id, entry);
}

enum err journal_put(struct journal *j, const char *account_id,
		     struct updates_pos pos, int64_t epoch)
{
	enum err rc;

	if (is_zero(pos))
		return ERR_OK;
	rc = set(j, account_id, pos, epoch);
	return rc ? rc : append_line(&j->pending, account_id, pos, epoch);
}

enum err journal_drop(struct journal *j, const char *account_id)
{
	const struct journal_entry *e = *find(j, account_id);

	if (!e || is_zero(e->pos))
		return ERR_OK;
	forget(j, account_id);
	return append_line(&j->pending, account_id, (struct updates_pos){ 0 },
			   0);
}

static enum err write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_IO;
		data += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

static enum err collect_entry(const struct journal_entry *e, struct buf *out)
{
	enum err rc = ERR_OK;

	if (!is_zero(e->pos))
		rc = append_line(out, e->account_id, e->pos, e->epoch);
	for (uint32_t i = 0; !rc && i < e->flood.n; i++)
		rc = append_flood(out, e->account_id, &e->flood.entries[i]);
	return rc;
}

static enum err collect(const struct journal *j, struct buf *out)
{
	for (uint32_t i = 0; i < j->nbuckets; i++) {
		const struct journal_entry *e = j->buckets[i];

		for (; e; e = e->next) {
			enum err rc = collect_entry(e, out);

			if (rc)
				return rc;
		}
	}
	return ERR_OK;
}

static enum err replace(struct journal *j, const struct buf *all,
			const char *tmp)
{
	int fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
		      0600);

	if (fd < 0)
		return ERR_IO;
	if (write_all(fd, buf_head(all), buf_len(all)) || fsync(fd) ||
	    rename(tmp, j->path)) {
		close(fd);
		unlink(tmp);
		return ERR_IO;
	}
	close(j->fd);
	j->fd = fd;
	j->file_bytes = buf_len(all);
	buf_reset(&j->pending);
	return ERR_OK;
}

static enum err rewrite(struct journal *j)
{
	struct buf all, tmp;
	enum err rc;

	buf_init(&all, JOURNAL_FILE_MAX);
	buf_init(&tmp, 8192);
	rc = collect(j, &all);
	if (!rc)
		rc = buf_printf(&tmp, "%s.tmp", j->path);
	if (!rc)
		rc = replace(j, &all, buf_cstr(&tmp));
	buf_deinit(&tmp);
	buf_deinit(&all);
	return rc;
}

enum err journal_flush(struct journal *j, struct err_info *ei)
{
	size_t len = buf_len(&j->pending);
	size_t live = (size_t)j->n * 64 + (size_t)j->nfloods * 160;
	enum err rc;

	if (!len)
		return ERR_OK;
	if (j->file_bytes + len > JOURNAL_SLACK_BYTES + 4 * live && !rewrite(j))
		return ERR_OK;
	rc = write_all(j->fd, buf_head(&j->pending), len);
	if (rc)
		return err_set(ei, rc, "write %s: %s", j->path,
			       strerror(errno));
	j->file_bytes += len;
	buf_reset(&j->pending);
	buf_drained(&j->pending);
	return ERR_OK;
}
