/* SPDX-License-Identifier: MIT */
/*
 * The schema's steps, made from store/migrations/ at build time.
 * migrations_steps[i].version is i + 1; each step goes both ways.
 */
#ifndef STORE_MIGRATIONS_H
#define STORE_MIGRATIONS_H

struct migrations_step {
	int version;
	const char *name;
	const char *up;
	const char *down;
};

extern const struct migrations_step migrations_steps[];
extern const int migrations_newest;

#endif /* STORE_MIGRATIONS_H */
