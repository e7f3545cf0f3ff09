/* SPDX-License-Identifier: MIT */
/*
 * JSON and dynamic TL objects, for tests: vectors say what an object holds in JSON
 * (schema names; long as decimal strings, bytes and int128/int256 as hex).
 *
 *   owner     the arena
 *   memory    arena
 *   threads   none
 *   failure   ERR_INVALID, with the path in ei
 */
#ifndef TEST_LIB_TL_JSON_H
#define TEST_LIB_TL_JSON_H

#include "base/json.h"
#include "tl/dyn.h"

enum err tl_json_to_dyn(struct json v, const struct schema *s, struct arena *a,
			struct dyn **ret, struct err_info *ei);
/* Value by value, both ways; false flags and absent ones are the same. */
bool tl_json_same(struct json v, const struct schema *s, const struct dyn *d,
		  struct err_info *ei);
uint16_t tl_json_name(const char *name);
/* The TLT_* of a type's name. */
uint16_t tl_json_type(const char *name);
/* Bytes of a hex string, in the arena; aborts when it is none. */
struct tl_bytes tl_json_hex(struct json v, struct arena *a);

#endif /* TEST_LIB_TL_JSON_H */
