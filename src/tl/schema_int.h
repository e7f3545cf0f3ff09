/* SPDX-License-Identifier: MIT */
/*
 * What the generated tables give to schema.c beside the schemas themselves.
 */
#ifndef TL_SCHEMA_INT_H
#define TL_SCHEMA_INT_H

#include "tl/schema.h"

extern const char *const schema_name_texts[];
extern const char *const schema_field_texts[];
extern const char *const schema_type_texts[];

#endif /* TL_SCHEMA_INT_H */
