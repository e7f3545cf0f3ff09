/* SPDX-License-Identifier: MIT */
#include "cli/session_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/files.h"
#include "cli/slurp.h"

#define FILE_MAX (256U << 20)

/* TGFLEET_PASSCODE: a passcode has no business on a command line. */
static const char *passcode(void)
{
	const char *text = getenv("TGFLEET_PASSCODE");

	return text ? text : "";
}

static enum err load_folder(const char *dir, struct sessfile *ret,
			    struct err_info *ei)
{
	static const char *const names[] = { SESSFILE_TDATA_KEY,
					     SESSFILE_TDATA_ACCOUNT };
	struct sessfile_blob blobs[ARRAY_LEN(names)];
	struct buf files[ARRAY_LEN(names)];
	size_t n = 0;
	enum err rc;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		buf_init(&files[n], 1 << 20);
		if (slurp_file(path, &files[n], NULL))
			continue;
		blobs[n] =
			(struct sessfile_blob){ names[i], buf_head(&files[n]),
						buf_len(&files[n]) };
		n++;
	}
	rc = sessfile_read_tdata(blobs, n, passcode(), ret, ei);
	while (n > 0)
		buf_wipe(&files[--n]);
	return rc ? err_wrap(ei, rc, "%s", dir) : ERR_OK;
}

static enum err load_file(const char *path, struct sessfile *ret,
			  struct err_info *ei)
{
	struct buf data;
	enum err rc;

	buf_init(&data, SLURP_MAX_BYTES);
	rc = slurp_file(path, &data, ei);
	if (!rc)
		rc = sessfile_read(buf_head(&data), buf_len(&data), path, ret,
				   ei);
	buf_wipe(&data);
	return rc;
}

enum err session_load(const char *path, struct sessfile *ret,
		      struct err_info *ei)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return load_folder(path, ret, ei);
	return load_file(path, ret, ei);
}

enum err session_save(const struct sessfile *s,
		      const struct sessfile_target *to, const char *path,
		      struct err_info *ei)
{
	struct stat st;
	struct buf out;
	enum err rc;

	if (lstat(path, &st) == 0)
		return err_set(ei, ERR_CONFLICT,
			       "%s exists already; choose another name", path);
	buf_init(&out, FILE_MAX);
	rc = sessfile_write(s, to, clock_wall(clock_system()), &out, ei);
	if (!rc && sessfile_write_is_text(to))
		rc = buf_append_byte(&out, '\n');
	if (!rc)
		rc = files_write(path, buf_head(&out), buf_len(&out), ei);
	buf_wipe(&out);
	return rc;
}
