/* SPDX-License-Identifier: MIT */
/*
 * Between the parts of dyn: building (dyn.c), reading, writing.
 */
#ifndef TL_DYN_INT_H
#define TL_DYN_INT_H

#include "tl/dyn.h"

/* Adds without looking for a field of that name: the caller knows. */
enum err dyn_append(struct dyn *d, uint16_t field, struct dyn_val v);

#endif /* TL_DYN_INT_H */
