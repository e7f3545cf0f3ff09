/* SPDX-License-Identifier: MIT */
#include "worker/peerbook.h"

#include <stdio.h>
#include <string.h>

#include "base/files.h"
#include "base/text.h"

#define NAME_ROOM (2 * WIRE_ID_MAX + 16)

/* FNV-1a: against damage, not against anybody. */
static uint32_t check_of(const char *text, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * 16777619u;
	return h;
}

enum err peerbook_open(struct peerbook *b, const char *dir, struct err_info *ei)
{
	/* room for the names in it */
	if (strlen(dir) + NAME_ROOM >= sizeof(b->dir))
		return err_set(ei, ERR_TOOBIG, "%s: the path is too long", dir);
	snprintf(b->dir, sizeof(b->dir), "%s", dir);
	return files_mkdir(dir, ei);
}

/* Account ids are phone numbers or "@names", checked by wire; hex to be sure. */
static void path_of(const struct peerbook *b, const char *account_id,
		    char ret[static NODE_PATH_MAX + NAME_ROOM])
{
	char hex[2 * WIRE_ID_MAX + 1];
	size_t len = strlen(account_id);

	text_hex(hex, account_id, len < WIRE_ID_MAX ? len : WIRE_ID_MAX);
	snprintf(ret, NODE_PATH_MAX + NAME_ROOM, "%s/%s.peers", b->dir, hex);
}

static enum err write_text(const struct peers *p, int64_t user_id,
			   struct buf *out)
{
	const struct peers_entry *e;
	const struct peers_name *n;
	enum err rc = buf_printf(out, "peers 1 %lld\n", (long long)user_id);

	for (uint32_t i = 0; !rc && (e = peers_at(p, i)); i++)
		rc = buf_printf(out, "%lld %lld %u\n", (long long)e->id,
				(long long)e->hash, e->flags);
	for (uint32_t i = 0; !rc && (n = peers_name_at(p, i)); i++)
		rc = buf_printf(out, "@ %llu %lld %lld\n",
				(unsigned long long)n->hash, (long long)n->id,
				(long long)n->until.us);
	if (!rc)
		rc = buf_printf(
			out, "end %08x\n",
			check_of((const char *)buf_head(out), buf_len(out)));
	return rc;
}

enum err peerbook_save(const struct peerbook *b, const char *account_id,
		       int64_t user_id, const struct peers *p,
		       struct err_info *ei)
{
	char path[NODE_PATH_MAX + NAME_ROOM];
	struct buf text;
	enum err rc;

	path_of(b, account_id, path);
	buf_init(&text, PEERBOOK_FILE_MAX);
	rc = write_text(p, user_id, &text);
	if (rc)
		rc = err_set(ei, rc, "write %s", path);
	else
		rc = files_replace(path, buf_head(&text), buf_len(&text), ei);
	buf_deinit(&text);
	return rc;
}

static enum err damaged(const char *path, struct err_info *ei)
{
	return err_set(ei, ERR_CORRUPT, "%s: damaged; it is made anew", path);
}

/* The text without its last line, if that says the right check. */
static bool checked(const struct buf *text, size_t *ret_len)
{
	static const size_t end_len = sizeof("end 01234567\n") - 1;
	const char *s = (const char *)buf_head(text);
	char want[sizeof("end 01234567\n")];
	size_t len = buf_len(text);

	if (len < end_len)
		return false;
	len -= end_len;
	snprintf(want, sizeof(want), "end %08x\n", check_of(s, len));
	*ret_len = len;
	return !memcmp(s + len, want, end_len);
}

static bool read_line(struct peers *p, const char *line, struct wall now)
{
	struct peers_name n;
	long long id, hash, until;
	unsigned long long name;
	unsigned int flags;

	/* NOLINTNEXTLINE(cert-err34-c): the text passed its check */
	if (sscanf(line, "@ %llu %lld %lld", &name, &id, &until) == 3) {
		n = (struct peers_name){ name, id, { until } };
		peers_restore_name(p, &n, now);
		return true;
	}
	/* NOLINTNEXTLINE(cert-err34-c): the text passed its check */
	if (sscanf(line, "%lld %lld %u", &id, &hash, &flags) != 3)
		return false;
	peers_restore(p, id, hash, flags);
	return true;
}

static bool read_text(struct peers *p, char *text, int64_t user_id,
		      struct wall now)
{
	char *line, *save = NULL;
	long long whose;

	line = strtok_r(text, "\n", &save);
	/* NOLINTNEXTLINE(cert-err34-c): the text passed its check */
	if (!line || sscanf(line, "peers 1 %lld", &whose) != 1)
		return false;
	if (user_id && whose && whose != user_id)
		return true; /* another's hashes open nothing */
	while ((line = strtok_r(NULL, "\n", &save)))
		if (!read_line(p, line, now))
			return false;
	return true;
}

enum err peerbook_load(const struct peerbook *b, const char *account_id,
		       int64_t user_id, struct peers *p, struct wall now,
		       struct err_info *ei)
{
	char path[NODE_PATH_MAX + NAME_ROOM];
	struct buf text;
	size_t len = 0;
	enum err rc;

	path_of(b, account_id, path);
	buf_init(&text, PEERBOOK_FILE_MAX);
	rc = files_read(path, &text, ei);
	if (!rc && !checked(&text, &len))
		rc = damaged(path, ei);
	if (!rc) {
		buf_head(&text)[len] = 0;
		if (!read_text(p, (char *)buf_head(&text), user_id, now))
			rc = damaged(path, ei);
	}
	buf_deinit(&text);
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

enum err peerbook_drop(const struct peerbook *b, const char *account_id,
		       struct err_info *ei)
{
	char path[NODE_PATH_MAX + NAME_ROOM];

	path_of(b, account_id, path);
	return files_remove(path, ei);
}
