/* SPDX-License-Identifier: MIT */
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/text.h"

#define FILES_PATH_MAX 4096

static enum err fail(struct err_info *ei, const char *what, const char *path)
{
	int e = errno;

	return err_set(ei, e == ENOENT ? ERR_NOTFOUND : ERR_IO, "%s %s: %s",
		       what, path, strerror(e));
}

/* Reads one byte more than fits, to tell "full" from "too large". */
static enum err read_fd(int fd, const char *path, struct buf *out,
			struct err_info *ei)
{
	for (;;) {
		uint8_t chunk[4096];
		ssize_t n = read(fd, chunk, sizeof(chunk));
		enum err rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(ei, "read", path);
		if (!n)
			return ERR_OK;
		rc = buf_append(out, chunk, (size_t)n);
		secret_wipe(chunk, (size_t)n);
		if (rc)
			return err_set(ei, rc, "%s: larger than %u bytes", path,
				       out->max);
	}
}

enum err files_read(const char *path, struct buf *out, struct err_info *ei)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err rc;

	if (fd < 0)
		return fail(ei, "open", path);
	rc = read_fd(fd, path, out, ei);
	close(fd);
	return rc;
}

static bool write_fd(int fd, const uint8_t *data, size_t len, bool sync)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return !sync || !fsync(fd);
}

static enum err write_anew(const char *path, const void *data, size_t len,
			   bool sync, struct err_info *ei)
{
	char tmp[FILES_PATH_MAX];
	int fd, n = snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	bool ok;

	if (n < 0 || (size_t)n >= sizeof(tmp))
		return err_set(ei, ERR_TOOBIG, "path too long: %s", path);
	/* ours from an earlier crash: the folder is locked */
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(ei, "create", tmp);
	ok = write_fd(fd, data, len, sync);
	close(fd);
	if (ok && !rename(tmp, path))
		return ERR_OK;
	unlink(tmp);
	return fail(ei, "write", path);
}

enum err files_write(const char *path, const void *data, size_t len,
		     struct err_info *ei)
{
	return write_anew(path, data, len, true, ei);
}

enum err files_replace(const char *path, const void *data, size_t len,
		       struct err_info *ei)
{
	return write_anew(path, data, len, false, ei);
}

/* The name must survive the power as surely as the content. */
static bool sync_folder(const char *path)
{
	char dir[FILES_PATH_MAX];
	char *slash;
	bool ok;
	int fd;

	if (!text_copy(dir, sizeof(dir), path))
		return false;
	slash = strrchr(dir, '/');
	if (slash)
		slash[1] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = !fsync(fd);
	close(fd);
	return ok;
}

enum err files_create(const char *path, const void *data, size_t len,
		      struct err_info *ei)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok;

	if (fd < 0 && errno == EEXIST)
		return err_set(ei, ERR_DUPLICATE, "%s exists already", path);
	if (fd < 0)
		return fail(ei, "create", path);
	ok = write_fd(fd, data, len, true);
	close(fd);
	if (ok && sync_folder(path))
		return ERR_OK;
	unlink(path);
	return fail(ei, "write", path);
}

enum err files_mkdir(const char *path, struct err_info *ei)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		return fail(ei, "create folder", path);
	return ERR_OK;
}

enum err files_lock(const char *path, int *ret_fd, struct err_info *ei)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail(ei, "open", path);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		return err_set(ei, ERR_CONFLICT,
			       "%s: another process uses this folder", path);
	}
	*ret_fd = fd;
	return ERR_OK;
}

enum err files_remove(const char *path, struct err_info *ei)
{
	if (unlink(path) && errno != ENOENT)
		return fail(ei, "remove", path);
	return ERR_OK;
}
