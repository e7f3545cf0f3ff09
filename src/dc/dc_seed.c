/* SPDX-License-Identifier: MIT */
/* --seed-demo: eight people, two groups, a little talk. */
#include <stdio.h>
#include <string.h>

#include "dc/dc_int.h"

static const struct {
	const char *phone, *first, *username;
} people[] = {
	{ "9996610001", "Ada", "ada_demo" },
	{ "9996610002", "Boris", "boris_demo" },
	{ "9996610003", "Chandra", "chandra_demo" },
	{ "9996610004", "Dalia", "dalia_demo" },
	{ "9996610005", "Emeka", "emeka_demo" },
	{ "9996610006", "Freya", "freya_demo" },
	{ "9996610007", "Gael", "gael_demo" },
	{ "9996610008", "Hana", "hana_demo" },
};

static const struct {
	const char *title;
	size_t first, count;
	const char *lines[4];
} groups[] = {
	{ "Demo: operations",
	  0,
	  5,
	  { "Good morning, all nodes are up.", "Thanks, looking.",
	    "Heartbeats arrive every 30 seconds.", "Then we are done." } },
	{ "Demo: lounge",
	  3,
	  5,
	  { "Who brings the cake?", "I do, at four.", "Lemon, please.",
	    "Lemon it is." } },
};

static enum err say(struct dc *dc, int64_t from, int64_t peer, const char *text)
{
	struct world_new_msg n = { .from = from,
				   .peer = peer,
				   .kind = WORLD_TEXT,
				   .text = text,
				   .text_len = strlen(text),
				   .date = dc_now(dc) };
	struct world_msg *m;
	bool again;

	return world_send(&dc->world, &n, &m, &again);
}

static enum err seed_group(struct dc *dc, size_t which, const int64_t *ids)
{
	struct world_new_chat n = {
		.title = groups[which].title,
		.creator = ids[groups[which].first],
		.members = ids + groups[which].first,
		.n_members = groups[which].count,
		.date = dc_now(dc),
	};
	struct world_chat *c;
	struct world_msg *m;
	enum err rc;
	size_t i;

	rc = world_add_chat(&dc->world, &n, &c, &m);
	for (i = 0; i < ARRAY_LEN(groups[which].lines) && !rc; i++)
		rc = say(dc, ids[groups[which].first + i], -c->id,
			 groups[which].lines[i]);
	return rc;
}

enum err dc_seed_demo(struct dc *dc, struct err_info *ei)
{
	int64_t ids[ARRAY_LEN(people)];
	enum err rc = ERR_OK;
	size_t i;

	for (i = 0; i < ARRAY_LEN(people) && !rc; i++) {
		struct world_new_user n = { .phone = people[i].phone,
					    .first = people[i].first,
					    .username = people[i].username,
					    .home_dc = 1 };
		struct world_user *u;

		rc = world_add_user(&dc->world, &n, &u);
		if (!rc)
			ids[i] = u->id;
	}
	for (i = 0; i < ARRAY_LEN(groups) && !rc; i++)
		rc = seed_group(dc, i, ids);
	if (!rc)
		rc = say(dc, ids[1], ids[0], "Hello Ada, this is Boris.");
	return rc ? err_set(ei, rc, "seed the demo world") : ERR_OK;
}
