/* SPDX-License-Identifier: MIT */
/*
 * Wall times as people and older clients write them.
 *
 * Text: "2026-11-22T09:15:22.123456+01:00", also with a space for the T, without
 * a fraction, with Z, or without a zone (then UTC, as our own writing is).
 */
#ifndef BASE_WALLTIME_H
#define BASE_WALLTIME_H

#include "base/clock.h"
#include "base/err.h"

/* ERR_SYNTAX for anything else and for times before 1970. */
enum err walltime_parse(const char *text, struct wall *ret);
/* The date where this machine stands: 20261122. */
int32_t walltime_local_day(struct wall t);

#endif /* BASE_WALLTIME_H */
