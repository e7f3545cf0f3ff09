/* SPDX-License-Identifier: MIT */
/*
 * --seed-demo: eight people, two groups, a forum, a channel, a bot with a button,
 * and a little talk.
 */
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

/* ---- a forum and a channel */

static enum err make_channel(struct dc *dc, const char *title, bool megagroup,
			     const int64_t *ids, struct world_channel **ret)
{
	struct world_new_channel n = { .title = title,
				       .about = "Made by --seed-demo.",
				       .creator = ids[0],
				       .megagroup = megagroup,
				       .date = dc_now(dc) };
	struct world_invite *invite;
	struct world_msg *m;
	enum err rc = world_add_channel(&dc->world, &n, ret, &m);
	size_t i;

	for (i = 1; i < ARRAY_LEN(people) && !rc; i++)
		rc = world_channel_join(&dc->world, *ret, ids[i], ids[0],
					dc_now(dc));
	return rc ? rc : dc_invites_make(dc, (*ret)->box.peer, ids[0], &invite);
}

static enum err say_in(struct dc *dc, struct world_channel *c, int64_t from,
		       int32_t topic, const char *text)
{
	struct world_new_msg n = { .from = from,
				   .peer = c->box.peer,
				   .kind = WORLD_TEXT,
				   .text = text,
				   .text_len = strlen(text),
				   .date = dc_now(dc),
				   .extra.topic = topic };
	struct world_msg *m;
	bool again;

	return world_send(&dc->world, &n, &m, &again);
}

static enum err make_topic(struct dc *dc, struct world_channel *c,
			   const int64_t *ids, const char *title)
{
	struct dc_call call = { .dc = dc, .arena = &dc->arena };
	struct dyn *action = dyn_new(call.arena, TLN_messageActionTopicCreate);
	struct world_topic t = { .id = (int32_t)c->n_msgs + 1,
				 .creator = ids[0],
				 .date = dc_now(dc),
				 .color = 0xffd67e },
			   *made;
	struct world_new_msg n = { .from = ids[0],
				   .peer = c->box.peer,
				   .kind = WORLD_ACTION,
				   .text = "",
				   .date = dc_now(dc),
				   .extra.topic = t.id };
	struct world_msg *m;
	bool again;
	enum err rc;

	snprintf(t.title, sizeof(t.title), "%s", title);
	dyn_set_str(action, TLF_title, title);
	dyn_set_int(action, TLF_icon_color, t.color);
	rc = dc_blob_pack(&call, action, &n.extra.object);
	if (!rc)
		rc = world_topic_add(&dc->world, c, &t, &made);
	if (!rc)
		rc = world_send(&dc->world, &n, &m, &again);
	world_blob_unref(n.extra.object);
	return rc ? rc : say_in(dc, c, ids[1], made->id, "First!");
}

static enum err seed_channels(struct dc *dc, const int64_t *ids)
{
	struct world_channel *forum = NULL, *news = NULL;
	enum err rc = make_channel(dc, "Demo: forum", true, ids, &forum);

	if (!rc)
		rc = world_topic_forum(&dc->world, forum, true);
	if (!rc)
		rc = make_topic(dc, forum, ids, "Questions");
	if (!rc)
		rc = make_topic(dc, forum, ids, "Answers");
	if (!rc)
		rc = make_channel(dc, "Demo: news", false, ids, &news);
	if (!rc)
		rc = say_in(dc, news, ids[0], 0, "Nothing happened today.");
	return rc;
}

/* ---- a bot, whose button waits to be pressed */

static enum err pack_button(struct dc *dc, struct world_blob **ret)
{
	struct dc_call call = { .dc = dc, .arena = &dc->arena };
	struct arena *a = call.arena;
	struct dyn *markup = dyn_new(a, TLN_replyInlineMarkup);
	struct dyn *row = dyn_new(a, TLN_keyboardButtonRow);
	struct dyn *button = dyn_new(a, TLN_keyboardButtonCallback);

	dyn_set_str(button, TLF_text, "Status");
	dyn_set_str(button, TLF_data, "status");
	dyn_push_obj(dyn_add_vec(row, TLF_buttons), button);
	dyn_push_obj(dyn_add_vec(markup, TLF_rows), row);
	return dc_blob_pack(&call, markup, ret);
}

static enum err seed_bot(struct dc *dc, const int64_t *ids)
{
	struct world_new_user n = { .first = "Demo bot",
				    .username = "demo_bot",
				    .home_dc = 1 };
	struct world_new_msg hello = { .kind = WORLD_TEXT,
				       .text = "What shall I do?",
				       .text_len = 16,
				       .peer = ids[0],
				       .date = dc_now(dc) };
	struct world_user *bot;
	struct world_msg *m;
	bool again;
	enum err rc = world_add_user(&dc->world, &n, &bot);

	if (rc)
		return rc;
	dc_bots_token(dc, bot);
	hello.from = bot->id;
	rc = say(dc, ids[0], bot->id, "/start");
	if (!rc)
		rc = pack_button(dc, &hello.extra.markup);
	if (!rc)
		rc = world_send(&dc->world, &hello, &m, &again);
	world_blob_unref(hello.extra.markup);
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
	if (!rc)
		rc = seed_channels(dc, ids);
	if (!rc)
		rc = seed_bot(dc, ids);
	arena_reset(&dc->arena);
	return rc ? err_set(ei, rc, "seed the demo world") : ERR_OK;
}
