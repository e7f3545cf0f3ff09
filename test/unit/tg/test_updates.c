/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tg/updates.h"

/*
 * A sequence is a line of words, played against pos {pts 10, qts 5, seq 3}:
 *
 *	pV/C qV/C sV/C     an update of that box, value V, count C
 *	cV/C               the same for channel 77
 *	+MS                time passes
 *	D                  the difference asked for is answered: now {20, 5, 100, 4}
 *	E                  the same channel difference: pts 30
 *	F                  the difference fails
 *
 * and what comes out: the applied ones in order, "D?" / "C?" when a difference
 * is asked for, "-" for an old one, "h" for a held one.
 */
struct sequence {
	const char *in, *out;
};

static const struct sequence sequences[] = {
	{ "p11/1 p12/1", "p11 p12" },
	{ "p13/3", "p13" },
	{ "p11/1 p11/1", "p11 -" },
	{ "p9/1", "-" },
	/* count 0 changes nothing and applies where we are */
	{ "p10/0 p10/0 p11/1", "p10 p10 p11" },
	/* overtaken: the gap closes by itself, no question asked */
	{ "p12/1 +400 p11/1 +600", "h p11 p12" },
	{ "p13/1 p12/1 p11/1 +600", "h h p11 p12 p13" },
	/* not closed in time */
	{ "p12/1 +499 +1", "h D?" },
	{ "p12/1 +500 D p21/1", "h D? p21" },
	/* the difference has what was held */
	{ "p12/1 +500 p13/1 D +600", "h D? h" },
	/* newer than the difference: applied after it */
	{ "p12/1 +500 p21/1 D", "h D? h p21" },
	/* a new gap after the difference asks again */
	{ "p12/1 +500 p25/1 D +500", "h D? h D?" },
	{ "p12/1 +500 F +4999 +1", "h D? D?" },
	/* the gap of one box does not stop another */
	{ "p12/1 q6/1 s4/1 +500", "h q6 s4 D?" },
	{ "q7/1 +500", "h D?" },
	{ "s5/1 s4/1 +600", "h s4 s5" },
	{ "s3/1", "-" },
	/* an unknown channel starts where it shows up */
	{ "c100/1 c101/1 c101/1", "c100 c101 -" },
	{ "c100/1 c102/1 +500 E", "c100 h C?" },
	{ "c29/1 c31/1 +500 E +600", "c29 h C? c31" },
	{ "c100/1 c103/1 c102/2 +600", "c100 h c102 c103" },
	/* a channel's gap is not the common one's */
	{ "c100/1 c102/1 p11/1 p12/1 +500", "c100 h p11 p12 C?" },
	/* silence */
	{ "+899999", "" },
	{ "+900000", "D?" },
	{ "+899999 p11/1 +899999 +1", "p11 D?" },
	/* what no server says */
	{ "p5/-5", "- D?" },
	{ "p-1/1", "- D?" },
	{ "p2147483647/1", "h" },
	{ "p11/2147483647", "-" },
};

struct player {
	struct peers peers;
	struct updates u;
	struct mono now;
	char out[1024];
};

static void say(struct player *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void say(struct player *p, const char *fmt, ...)
{
	size_t n = strlen(p->out);
	va_list ap;

	if (n)
		p->out[n++] = ' ';
	va_start(ap, fmt);
	vsnprintf(p->out + n, sizeof(p->out) - n, fmt, ap);
	va_end(ap);
}

static void deliver(struct player *p, const struct updates_item *it)
{
	say(p, "%c%d", "pqsc"[it->box], it -> value);
	assert_int_equal(it->len, 4);
	assert_memory_equal(it->data, "data", 4);
	updates_accept(&p->u, it, p->now);
}

static void drain(struct player *p)
{
	const struct updates_item *h;

	while ((h = updates_ready(&p->u)))
		deliver(p, h);
}

static void poll(struct player *p)
{
	struct updates_ask ask;

	while (updates_poll(&p->u, p->now, &ask)) {
		say(p, ask.channel ? "C?" : "D?");
		if (ask.channel)
			assert_int_equal(ask.access_hash, 7777);
	}
}

static void offer(struct player *p, enum updates_box box, const char *args)
{
	struct updates_item it = { .box = box, .data = "data", .len = 4 };

	assert_int_equal(sscanf(args, "%d/%d", &it.value, &it.count), 2);
	if (box == UPDATES_CHANNEL)
		it.channel_id = 77;
	switch (updates_offer(&p->u, &it, p->now)) {
	case UPDATES_APPLY:
		deliver(p, &it);
		break;
	case UPDATES_OLD:
		say(p, "-");
		break;
	case UPDATES_HELD:
		say(p, "h");
		break;
	}
	drain(p);
}

static void play_word(struct player *p, const char *w)
{
	static const struct updates_pos later = { 20, 5, 100, 4 };

	switch (w[0]) {
	case 'p':
		offer(p, UPDATES_COMMON, w + 1);
		break;
	case 'q':
		offer(p, UPDATES_QTS, w + 1);
		break;
	case 's':
		offer(p, UPDATES_SEQ, w + 1);
		break;
	case 'c':
		offer(p, UPDATES_CHANNEL, w + 1);
		break;
	case '+':
		p->now = mono_add(p->now, atol(w + 1) * US_PER_MS);
		break;
	case 'D':
		updates_diff_done(&p->u, later, true, p->now);
		drain(p);
		break;
	case 'E':
		updates_channel_done(&p->u, 77, 30, true);
		drain(p);
		break;
	case 'F':
		updates_diff_failed(&p->u, p->now);
		break;
	default:
		fail_msg("word %s", w);
	}
	poll(p);
}

static void player_init(struct player *p)
{
	*p = (struct player){ .now = { 1000000 } };
	updates_init(&p->u, &p->peers);
	updates_set(&p->u, (struct updates_pos){ 10, 5, 50, 3 }, true, p->now);
	peers_put(&p->peers, PEERS_CHANNEL - 77, 7777, 0);
}

static void test_sequences(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(sequences); i++) {
		struct player p;
		char in[256], *save = NULL;

		player_init(&p);
		snprintf(in, sizeof(in), "%s", sequences[i].in);
		for (char *w = strtok_r(in, " ", &save); w;
		     w = strtok_r(NULL, " ", &save))
			play_word(&p, w);
		if (strcmp(p.out, sequences[i].out))
			fail_msg("\"%s\": \"%s\", expected \"%s\"",
				 sequences[i].in, p.out, sequences[i].out);
		updates_deinit(&p.u);
		peers_deinit(&p.peers);
	}
}

/* Any order of arrival inside the patience gives every update once, in order. */
static void test_any_order(void **state)
{
	uint32_t seed = 1;

	for (int round = 0; round < 2000; round++) {
		struct player p;
		int order[8], last = 10;
		char word[16], *save = NULL;

		player_init(&p);
		for (int i = 0; i < 8; i++) {
			int j;

			seed = seed * 1103515245u + 12345u;
			j = (int)(seed >> 16) % (i + 1);
			order[i] = order[j];
			order[j] = 11 + i;
		}
		for (int i = 0; i < 8; i++) {
			snprintf(word, sizeof(word), "p%d/1", order[i]);
			play_word(&p, word);
		}
		for (char *w = strtok_r(p.out, " ", &save); w;
		     w = strtok_r(NULL, " ", &save))
			if (w[0] == 'p')
				assert_int_equal(atoi(w + 1), ++last);
		assert_int_equal(last, 18);
		assert_int_equal(p.u.nheld, 0);
		updates_deinit(&p.u);
		peers_deinit(&p.peers);
	}
}

static void test_held_is_bounded(void **state)
{
	struct player p;
	struct updates_ask ask;
	struct updates_item it = { .box = UPDATES_COMMON, .count = 1 };

	player_init(&p);
	for (int i = 0; i < 10000; i++) {
		it.data = "";
		it.value = 20 + i * 2;
		(void)updates_offer(&p.u, &it, p.now);
		assert_true(p.u.nheld <= UPDATES_HELD_MAX);
	}
	assert_true(updates_poll(&p.u, p.now, &ask));
	assert_false(ask.channel);
	assert_int_equal(ask.pos.pts, 10);

	it.len = UPDATES_HELD_BYTES_MAX + 1;
	it.data = calloc(1, it.len);
	(void)updates_offer(&p.u, &it, p.now);
	assert_true(p.u.held_bytes <= UPDATES_HELD_BYTES_MAX);
	free((void *)(uintptr_t)it.data);
	updates_deinit(&p.u);
	peers_deinit(&p.peers);
}

static void test_channels_are_bounded(void **state)
{
	struct player p;
	struct updates_item it = { .box = UPDATES_CHANNEL, .count = 1 };

	player_init(&p);
	for (int i = 0; i < 3 * UPDATES_CHANNELS_MAX; i++) {
		it.channel_id = 1000 + i;
		it.value = 5;
		assert_int_equal(updates_offer(&p.u, &it, p.now),
				 UPDATES_APPLY);
		updates_accept(&p.u, &it, p.now);
	}
	assert_int_equal(p.u.nchannels, UPDATES_CHANNELS_MAX);
	updates_channel_failed(&p.u, 1000, true, p.now);
	assert_int_equal(p.u.nchannels, UPDATES_CHANNELS_MAX - 1);
	assert_int_equal(updates_channel_pts(&p.u, 1000), 0);
	assert_int_equal(updates_channel_pts(&p.u, 1001), 5);
	updates_deinit(&p.u);
	peers_deinit(&p.peers);
}

/* What was delivered but not accepted comes again. */
static void test_not_accepted(void **state)
{
	struct player p;
	struct updates_item it = { .box = UPDATES_COMMON,
				   .value = 11,
				   .count = 1 };
	struct updates_ask ask;

	player_init(&p);
	assert_int_equal(updates_offer(&p.u, &it, p.now), UPDATES_APPLY);
	updates_want(&p.u);
	assert_true(updates_poll(&p.u, p.now, &ask));
	assert_int_equal(ask.pos.pts, 10);
	updates_deinit(&p.u);
	peers_deinit(&p.peers);
}

static void test_disconnect(void **state)
{
	struct player p;
	struct updates_ask ask;

	player_init(&p);
	play_word(&p, "p12/1");
	play_word(&p, "+500");
	assert_true(p.u.running);
	updates_disconnected(&p.u);
	assert_int_equal(p.u.nheld, 0);
	assert_true(updates_poll(&p.u, p.now, &ask));
	assert_int_equal(ask.pos.pts, 10);
	updates_deinit(&p.u);
	peers_deinit(&p.peers);
}

/* What comes before the position is known waits for it. */
static void test_before_it_is_known(void **state)
{
	struct player p = { .now = { 1000000 } };

	updates_init(&p.u, &p.peers);
	play_word(&p, "p11/1");
	play_word(&p, "p10/1");
	play_word(&p, "q6/1");
	play_word(&p, "c100/1");
	play_word(&p, "+600");
	assert_string_equal(p.out, "h h h h");
	updates_set(&p.u, (struct updates_pos){ 10, 5, 50, 3 }, true, p.now);
	drain(&p);
	assert_string_equal(p.out, "h h h h p11 q6 c100");
	assert_int_equal(p.u.nheld, 0);
	/* without an answer there was no beginning */
	updates_deinit(&p.u);
	play_word(&p, "p12/1");
	updates_disconnected(&p.u);
	assert_int_equal(p.u.nheld, 0);
	updates_deinit(&p.u);
}

/* The deadline never lies: nothing is due before it. */
static void test_deadline(void **state)
{
	struct player p;
	struct updates_ask ask;
	struct mono at;

	player_init(&p);
	play_word(&p, "c100/1");
	play_word(&p, "c102/1");
	play_word(&p, "+100");
	play_word(&p, "p12/1");
	at = updates_deadline(&p.u);
	assert_int_equal(at.us, 1000000 + UPDATES_GAP_US);
	assert_false(updates_poll(&p.u, (struct mono){ at.us - 1 }, &ask));
	assert_true(updates_poll(&p.u, at, &ask));
	assert_true(ask.channel);
	assert_false(updates_poll(&p.u, at, &ask));
	at = updates_deadline(&p.u);
	assert_int_equal(at.us, 1100000 + UPDATES_GAP_US);
	assert_true(updates_poll(&p.u, at, &ask));
	assert_false(ask.channel);
	updates_deinit(&p.u);
	peers_deinit(&p.peers);
	assert_int_equal(updates_deadline(&p.u).us, MONO_NEVER.us);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_held_is_bounded),
		cmocka_unit_test(test_channels_are_bounded),
		cmocka_unit_test(test_not_accepted),
		cmocka_unit_test(test_disconnect),
		cmocka_unit_test(test_before_it_is_known),
		cmocka_unit_test(test_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
