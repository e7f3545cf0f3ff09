/* SPDX-License-Identifier: MIT */
/*
 * What a chat script says of itself, and whether it has the shape of one: the
 * beginning of its parser.  What stands inside of scenes is not looked at yet.
 *
 *	schema: 2	script_id, version, scenes (a list or a map)
 *	older		scenes, steps, timeline, rules or messages; script_id and
 *			version may be missing
 *
 *   owner     the caller's
 *   memory    its arena; at most OUTLINE_NOTES_MAX notes
 *   failure   what is wrong is a note with its line and column, all of them, not
 *             only the first; ERR_NOMEM alone is an error
 */
#ifndef SCRIPT_OUTLINE_H
#define SCRIPT_OUTLINE_H

#include "base/arena.h"
#include "script/guard.h"

#define OUTLINE_NOTES_MAX 32
#define OUTLINE_ID_MAX 100	 /* letters, digits, . _ - */
#define OUTLINE_ID_BYTES_MAX 400 /* the same in UTF-8 */
#define OUTLINE_LABEL_MAX 64	 /* bytes of a version */

struct outline_note {
	bool fatal;  /* else it is only worth knowing */
	enum err rc; /* of a fatal one */
	struct guard_place at;
	char text[ERR_MSG_MAX];
};

struct outline {
	const char *script_id; /* "" when it does not say */
	const char *label;     /* its own version; "" when it does not say */
	int64_t schema;	       /* 0: an older one */
	const char *shape;     /* "scenes", "steps", ...; "" when none */
	size_t parts;	       /* of that shape */
	size_t n_notes;
	struct outline_note notes[OUTLINE_NOTES_MAX];
	bool ok; /* no note is fatal */
};

enum err outline_read(const void *text, size_t len, struct arena *a,
		      struct outline *ret);
/* What a script may be called.  ERR_INVALID. */
enum err outline_check_id(const char *id, struct err_info *ei);
/* The first fatal note, as an error; ERR_OK when there is none. */
enum err outline_error(const struct outline *o, struct err_info *ei);

#endif /* SCRIPT_OUTLINE_H */
