/* SPDX-License-Identifier: MIT */
/*
 * The schema's steps, made from store/migrations/ at build time.
 * migrations_steps[i].version is i + 1; each step goes both ways, and there is a
 * text for each database.
 */
#ifndef STORE_MIGRATIONS_H
#define STORE_MIGRATIONS_H

enum { MIGRATIONS_SQLITE, MIGRATIONS_PG, MIGRATIONS_KINDS };

struct migrations_step {
	int version;
	const char *name;
	const char *up[MIGRATIONS_KINDS];
	const char *down[MIGRATIONS_KINDS];
};

extern const struct migrations_step migrations_steps[];
extern const int migrations_newest;

#endif /* STORE_MIGRATIONS_H */
