/* SPDX-License-Identifier: MIT */
#include "dc/world_file.h"

#include <stdlib.h>
#include <string.h>

#include "dc/world_int.h"

struct world_file *world_file(const struct world *w, int64_t id)
{
	return imap_get(&w->files, id);
}

static void make_ref(const struct world *w, const struct world_file *f,
		     int64_t stamp, uint8_t ret[WORLD_FILE_REF_LEN])
{
	int64_t when = (int64_t)(w->file_epoch << 40) + stamp;
	int64_t proof = world_access_hash(w, when, f->access_hash);

	memcpy(ret, &when, 8);
	memcpy(ret + 8, &proof, 8);
}

void world_file_ref(const struct world *w, const struct world_file *f,
		    uint8_t ret[WORLD_FILE_REF_LEN])
{
	make_ref(w, f, w->file_stamp, ret);
}

bool world_file_ref_good(const struct world *w, const struct world_file *f,
			 const uint8_t *ref, size_t len)
{
	uint8_t good[WORLD_FILE_REF_LEN];
	int64_t age;

	for (age = 0; len == sizeof(good) && age < 2; age++) {
		if (age > w->file_stamp)
			break;
		make_ref(w, f, w->file_stamp - age, good);
		if (!memcmp(ref, good, sizeof(good)))
			return true;
	}
	return false;
}

enum err world_add_file(struct world *w, const struct world_file *f,
			struct world_file **ret)
{
	struct world_file *copy;
	enum err rc;

	if (f->size > WORLD_FILE_MAX)
		return ERR_TOOBIG;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return ERR_NOMEM;
	*copy = *f;
	world_blob_ref(copy->attributes);
	if (!copy->id)
		copy->id = w->next_file;
	if (!copy->access_hash)
		copy->access_hash = world_access_hash(w, copy->id, copy->date);
	rc = imap_put(&w->files, copy->id, copy);
	if (rc) {
		world_blob_unref(copy->attributes);
		free(copy);
		return rc;
	}
	if (copy->id >= w->next_file)
		w->next_file = copy->id + 1;
	if (w->observer)
		w->observer->on_file(w->observer_ctx, copy);
	*ret = copy;
	return ERR_OK;
}

void world_file_free_all(struct world *w)
{
	struct world_file *f;
	uint32_t cursor = 0;

	while ((f = imap_next(&w->files, &cursor))) {
		free(f->data);
		world_blob_unref(f->attributes);
		free(f);
	}
	imap_deinit(&w->files);
}
