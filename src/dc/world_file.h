/* SPDX-License-Identifier: MIT */
/* Documents and photos of the emulator's world: their bytes stay in memory. */
#ifndef DC_WORLD_FILE_H
#define DC_WORLD_FILE_H

#include "dc/world.h"

#define WORLD_FILE_MAX (64U << 20)
#define WORLD_FILES_BYTES_MAX (UINT64_C(1) << 30)
#define WORLD_FILE_NAME_MAX 255
#define WORLD_MIME_MAX 127
#define WORLD_FILE_REF_LEN 16

struct world_file {
	int64_t id, access_hash;
	bool photo;
	int dc_id; /* where its bytes lie */
	int32_t date;
	size_t size;
	uint8_t *data;
	char name[WORLD_FILE_NAME_MAX + 1];
	char mime[WORLD_MIME_MAX + 1];
	struct world_blob *attributes; /* of a document; or NULL */
};

/* Takes f->data (malloc) and a reference when it succeeds; f->id 0 = next free. */
enum err world_add_file(struct world *w, const struct world_file *f,
			struct world_file **ret);
struct world_file *world_file(const struct world *w, int64_t id);
/* What must come with a request; stale once the world's file_epoch moved, or
 * its file_stamp did twice. */
void world_file_ref(const struct world *w, const struct world_file *f,
		    uint8_t ret[WORLD_FILE_REF_LEN]);
bool world_file_ref_good(const struct world *w, const struct world_file *f,
			 const uint8_t *ref, size_t len);

#endif /* DC_WORLD_FILE_H */
