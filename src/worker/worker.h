/* SPDX-License-Identifier: MIT */
/*
 * A node: enrols, beats, holds leases, runs accounts.
 *
 * worker_run() is the whole life of `tgfleet worker`.  On SIGTERM and SIGINT it
 * hangs up every account, waits for the ends, reports them released and leaves.
 *
 *   owner     the caller's stack; everything hangs below it
 *   threads   one loop
 *   failure   what makes starting impossible is returned; later on nothing is
 *             given up but a node the control plane no longer knows
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "base/err.h"

struct worker_options {
	const char *server;    /* "http://host:port"; NULL: as enrolled */
	const char *join;      /* join token; NULL: enrolled already */
	const char *state;     /* folder */
	const char *telegram;  /* file */
	const char *name;      /* NULL: the host's */
	const char *transport; /* of connections to Telegram; NULL: the usual */
	bool permanent_keys;   /* no temporary ones are made */
};

enum err worker_run(const struct worker_options *o, struct err_info *ei);

#endif /* WORKER_WORKER_H */
