/* SPDX-License-Identifier: MIT */
/*
 * Steps over TL objects by table, without building anything.
 *
 *   owner     none
 *   memory    none
 *   threads   any
 *   failure   ERR_PROTO: unknown constructor, wrong type, cut, too deep
 *             (SKIP_DEPTH_MAX); the reader is then marked failed
 */
#ifndef TL_SKIP_H
#define TL_SKIP_H

#include "tl/cursor.h"
#include "tl/schema.h"

#define SKIP_DEPTH_MAX 64

/* One boxed object or function of any type. */
enum err skip_any(struct tl_reader *r, const struct schema *s,
		  struct err_info *ei);
/* One boxed object of the type TLT_*. */
enum err skip_type(struct tl_reader *r, const struct schema *s, uint16_t type,
		   struct err_info *ei);
/* What one field holds (vectors included); flags are the caller's business. */
enum err skip_field(struct tl_reader *r, const struct schema *s,
		    const struct schema_field *f, unsigned int depth,
		    struct err_info *ei);
/* What follows a constructor that was taken already. */
enum err skip_body(struct tl_reader *r, const struct schema *s,
		   const struct schema_ctor *c, unsigned int depth,
		   struct err_info *ei);

/*
 * For the readers beside skip: takes a constructor, of the type or (TLT_NONE) any;
 * NULL and the reader marked when it is not one.
 */
const struct schema_ctor *skip_head(struct tl_reader *r, const struct schema *s,
				    uint16_t type, struct err_info *ei);
/* Marks the reader and says why. */
enum err skip_bad(struct tl_reader *r, struct err_info *ei, const char *why,
		  const char *what);

#endif /* TL_SKIP_H */
