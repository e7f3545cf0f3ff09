/* SPDX-License-Identifier: MIT */
#include "tg/sessfile_target.h"

#include <stdio.h>
#include <string.h>

#include "tg/sessfile_int.h"

#define ACCOUNT (SESSFILE_HOLDS_USER | SESSFILE_HOLDS_BOT | SESSFILE_HOLDS_TEST)
#define TELETHON                                                               \
	(SESSFILE_HOLDS_ADDRESS | SESSFILE_HOLDS_PEERS |                       \
	 SESSFILE_HOLDS_NAMES | SESSFILE_HOLDS_STATE)
#define TELETHON_SELF (TELETHON | SESSFILE_HOLDS_USER)
#define PYROGRAM_2 (ACCOUNT | SESSFILE_HOLDS_PEERS | SESSFILE_HOLDS_KINDS)
#define PYROGRAM_3 (PYROGRAM_2 | SESSFILE_HOLDS_API_ID)
#define KURIGRAM_4 (PYROGRAM_3 | SESSFILE_HOLDS_USERNAMES)
#define KURIGRAM_5 (KURIGRAM_4 | SESSFILE_HOLDS_STATE)
#define KURIGRAM_7 (KURIGRAM_5 | SESSFILE_HOLDS_ADDRESS)
#define FULL_STRING (ACCOUNT | SESSFILE_HOLDS_API_ID)

#define DB(name, flavour, version, layout, holds)                              \
	{                                                                      \
		name, SESSFILE_##flavour##_SQLITE, version, SESSFILE_##layout, \
			holds                                                  \
	}
#define STRING(name, flavour, version, holds)                                  \
	{                                                                      \
		name, SESSFILE_##flavour##_STRING, version, SESSFILE_TEXT,     \
			holds                                                  \
	}

/* The first of a flavour is the usual one. */
static const struct sessfile_target targets[] = {
	DB("telethon", TELETHON, 7, TELETHON_7, TELETHON_SELF),
	DB("telethon-v5", TELETHON, 5, TELETHON_5, TELETHON),
	DB("telethon-v6", TELETHON, 6, TELETHON_5, TELETHON),
	DB("telethon-v7", TELETHON, 7, TELETHON_7, TELETHON_SELF),
	DB("telethon-v8", TELETHON, 8, TELETHON_8, TELETHON_SELF),
	DB("pyrogram", PYROGRAM, 3, PYROGRAM_3, PYROGRAM_3),
	DB("pyrogram-v2", PYROGRAM, 2, PYROGRAM_2, PYROGRAM_2),
	DB("pyrogram-v3", PYROGRAM, 3, PYROGRAM_3, PYROGRAM_3),
	DB("kurigram", PYROGRAM, 6, KURIGRAM_6, KURIGRAM_5),
	DB("kurigram-v4", PYROGRAM, 4, KURIGRAM_4, KURIGRAM_4),
	DB("kurigram-v5", PYROGRAM, 5, KURIGRAM_5, KURIGRAM_5),
	DB("kurigram-v6", PYROGRAM, 6, KURIGRAM_6, KURIGRAM_5),
	DB("kurigram-v7", PYROGRAM, 7, KURIGRAM_7, KURIGRAM_7),
	DB("pyrofork", PYROGRAM, 4, PYROFORK_4, KURIGRAM_5),
	STRING("telethon-string", TELETHON, 0, SESSFILE_HOLDS_ADDRESS),
	STRING("gramjs-string", GRAMJS, 0, SESSFILE_HOLDS_ADDRESS),
	STRING("pyrogram-string", PYROGRAM, 0, FULL_STRING),
	STRING("pyrogram-string-351", PYROGRAM, 351, ACCOUNT),
	STRING("pyrogram-string-356", PYROGRAM, 356, ACCOUNT),
	STRING("pyrogram-string-362", PYROGRAM, 362, FULL_STRING),
	STRING("mtcute-string", MTCUTE, 0, ACCOUNT | SESSFILE_HOLDS_ADDRESS),
	STRING("mtkruto-string", MTKRUTO, 0, SESSFILE_HOLDS_TEST),
};

const struct sessfile_target *sessfile_target_at(size_t i)
{
	return i < ARRAY_LEN(targets) ? &targets[i] : NULL;
}

enum err sessfile_target_find(const char *name,
			      const struct sessfile_target **ret,
			      struct err_info *ei)
{
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		if (strcmp(targets[i].name, name) == 0) {
			*ret = &targets[i];
			return ERR_OK;
		}
	}
	return err_set(ei, ERR_INVALID,
		       "no format \"%.40s\"; there are telethon (or "
		       "telethon-v5 to -v8), pyrogram (-v2, -v3), kurigram "
		       "(-v4 to -v7), pyrofork, telethon-string, "
		       "gramjs-string, pyrogram-string (-351, -356, -362), "
		       "mtcute-string, mtkruto-string",
		       name);
}

const struct sessfile_target *
sessfile_target_usual(enum sessfile_flavour flavour)
{
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		if (targets[i].flavour == flavour)
			return &targets[i];
	return NULL;
}

/* A list in a sentence; the first failure stays. */
struct list {
	struct buf *out;
	size_t n;
	enum err rc;
};

static void add(struct list *l, const char *text)
{
	if (!l->rc && l->n++ > 0)
		l->rc = buf_append_str(l->out, ", ");
	if (!l->rc)
		l->rc = buf_append_str(l->out, text);
}

static void add_count(struct list *l, size_t n, const char *one,
		      const char *more)
{
	char text[80];

	if (n == 0)
		return;
	snprintf(text, sizeof(text), "%zu %s", n, n == 1 ? one : more);
	add(l, text);
}

static void add_peers(struct list *l, const struct sessfile *s, unsigned holds)
{
	size_t kinds = 0, names = 0;

	if (!(holds & SESSFILE_HOLDS_PEERS)) {
		add_count(l, s->npeers, "peer", "peers");
		return;
	}
	for (size_t i = 0; i < s->npeers; i++) {
		kinds += s->peers[i].type == SESSFILE_BOT ||
			 s->peers[i].type == SESSFILE_SUPERGROUP;
		names += s->peers[i].name != NULL;
	}
	if (!(holds & SESSFILE_HOLDS_KINDS))
		add_count(l, kinds, "mark of a bot or supergroup",
			  "marks of bots and supergroups");
	if (!(holds & SESSFILE_HOLDS_NAMES))
		add_count(l, names, "name of a peer", "names of peers");
	if (!(holds & SESSFILE_HOLDS_USERNAMES))
		add_count(l, s->nusernames, "further username",
			  "further usernames");
}

static bool has_own_address(const struct sessfile *s)
{
	const char *known = sessfile_known_address(s->dc_id, s->test_mode);

	return s->server_address && s->server_address[0] &&
	       (!known || strcmp(s->server_address, known) != 0);
}

enum err sessfile_target_lost(const struct sessfile_target *to,
			      const struct sessfile *s, struct buf *out)
{
	struct list l = { .out = out };

	if (s->user_id && !(to->holds & SESSFILE_HOLDS_USER))
		add(&l, "the user id");
	if (s->is_bot && !(to->holds & SESSFILE_HOLDS_BOT))
		add(&l, "that it is a bot");
	if (s->test_mode && !(to->holds & SESSFILE_HOLDS_TEST))
		add(&l, "that it is of the test servers");
	if (s->api_id && !(to->holds & SESSFILE_HOLDS_API_ID))
		add(&l, "the api_id");
	if (has_own_address(s) && !(to->holds & SESSFILE_HOLDS_ADDRESS))
		add(&l, "the server's address");
	add_peers(&l, s, to->holds);
	if (s->has_update_state && !(to->holds & SESSFILE_HOLDS_STATE))
		add(&l, "the place in the updates");
	if (!(to->holds & SESSFILE_HOLDS_STATE))
		add_count(&l, s->nchannels, "place in a channel",
			  "places in channels");
	return l.rc;
}
