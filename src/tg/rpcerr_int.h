/* SPDX-License-Identifier: MIT */
/*
 * The list of Telegram's errors, made at build time from schema/errors.txt.
 */
#ifndef TG_RPCERR_INT_H
#define TG_RPCERR_INT_H

#include "tg/rpcerr.h"

extern const struct rpcerr_known rpcerr_known[]; /* in order of names */
extern const size_t rpcerr_known_n;

#endif /* TG_RPCERR_INT_H */
