/* SPDX-License-Identifier: MIT */
/*
 * A folder of the process's own, for what reads files.  It is in memory where
 * the system has a place for that, and removed at the end.
 */
#ifndef FUZZ_DIR_H
#define FUZZ_DIR_H

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char fuzz_dir[64];

/* Everything in dir/sub, one level deep; sub "" is the folder itself. */
static inline void fuzz_dir_empty(const char *sub)
{
	char path[1024];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", fuzz_dir, sub);
	d = opendir(path);
	while (d && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s/%s", fuzz_dir, sub,
			 e->d_name);
		(void)unlink(path);
	}
	if (d)
		closedir(d);
}

static inline void fuzz_dir_remove(void)
{
	char path[1024];
	struct dirent *e;
	DIR *d;

	fuzz_dir_empty("");
	d = opendir(fuzz_dir);
	while (d && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		fuzz_dir_empty(e->d_name);
		snprintf(path, sizeof(path), "%s/%s", fuzz_dir, e->d_name);
		(void)rmdir(path);
	}
	if (d)
		closedir(d);
	(void)rmdir(fuzz_dir);
}

static inline void fuzz_dir_make(void)
{
	if (fuzz_dir[0])
		return;
	strcpy(fuzz_dir, "/dev/shm/fuzz-XXXXXX");
	if (!mkdtemp(fuzz_dir)) {
		strcpy(fuzz_dir, "/tmp/fuzz-XXXXXX");
		if (!mkdtemp(fuzz_dir))
			abort();
	}
	atexit(fuzz_dir_remove);
}

/* dir/name; good until the next call. */
static inline const char *fuzz_dir_path(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", fuzz_dir, name);
	return path;
}

static inline void fuzz_dir_put(const char *name, const void *data, size_t len)
{
	int fd = open(fuzz_dir_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	close(fd);
}

#endif /* FUZZ_DIR_H */
