/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/bug.h"

static int64_t read_us(clockid_t id)
{
	struct timespec ts;

	BUG_ON(clock_gettime(id, &ts) != 0);
	return (int64_t)ts.tv_sec * US_PER_SEC + ts.tv_nsec / 1000;
}

static struct mono system_mono(const struct clock *c)
{
	(void)c;
	return (struct mono){ read_us(CLOCK_BOOTTIME) };
}

static struct wall system_wall(const struct clock *c)
{
	(void)c;
	return (struct wall){ read_us(CLOCK_REALTIME) };
}

const struct clock *clock_system(void)
{
	static const struct clock clock = { system_mono, system_wall };

	return &clock;
}

static struct mono manual_mono(const struct clock *c)
{
	return ((const struct clock_manual *)(const void *)c)->mono;
}

static struct wall manual_wall(const struct clock *c)
{
	return ((const struct clock_manual *)(const void *)c)->wall;
}

void clock_manual_init(struct clock_manual *m, struct mono mono,
		       struct wall wall)
{
	*m = (struct clock_manual){ { manual_mono, manual_wall }, mono, wall };
}

void clock_manual_advance(struct clock_manual *m, int64_t delta_us)
{
	BUG_ON(delta_us < 0);
	m->mono.us += delta_us;
	m->wall.us += delta_us;
}

struct mono mono_add(struct mono t, int64_t us)
{
	int64_t sum;

	if (__builtin_add_overflow(t.us, us, &sum))
		return us > 0 ? MONO_NEVER : (struct mono){ INT64_MIN };
	return (struct mono){ sum };
}

void wall_format(struct wall w, char text[static WALL_TEXT_MAX])
{
	int64_t us = w.us % US_PER_SEC;
	time_t sec = (time_t)(w.us / US_PER_SEC);
	struct tm tm;
	size_t n;

	if (us < 0) {
		us += US_PER_SEC;
		sec--;
	}
	if (!gmtime_r(&sec, &tm))
		tm = (struct tm){ .tm_year = 70, .tm_mday = 1 };
	n = strftime(text, WALL_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, WALL_TEXT_MAX - n, ".%03dZ",
		 (int)(us / US_PER_MS) % 1000);
}
