/* SPDX-License-Identifier: MIT */
#include "base/walltime.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Digits after the point as microseconds; *p moves behind them. */
static int64_t fraction_us(const char **p)
{
	int64_t us = 0;
	int digits = 0;

	for (++*p; **p >= '0' && **p <= '9'; ++*p)
		if (digits < 6) {
			us = us * 10 + (**p - '0');
			digits++;
		}
	for (; digits < 6; digits++)
		us *= 10;
	return us;
}

static bool zone_sec(const char *p, int64_t *ret)
{
	int h, m;

	*ret = 0;
	if (!*p || !strcmp(p, "Z") || !strcmp(p, "z"))
		return true;
	if ((*p != '+' && *p != '-') || strlen(p) != 6 ||
	    sscanf(p + 1, "%2d:%2d", &h, &m) != 2 || h > 23 || m > 59)
		return false;
	*ret = (h * 3600 + m * 60) * (*p == '-' ? -1 : 1);
	return true;
}

enum err walltime_parse(const char *text, struct wall *ret)
{
	struct tm tm = { 0 };
	const char *p;
	int64_t us = 0, zone, sec;

	p = strptime(text, "%Y-%m-%d", &tm);
	if (!p || (*p != 'T' && *p != 't' && *p != ' '))
		return ERR_SYNTAX;
	p = strptime(p + 1, "%H:%M:%S", &tm);
	if (!p)
		return ERR_SYNTAX;
	if (*p == '.')
		us = fraction_us(&p);
	if (!zone_sec(p, &zone))
		return ERR_SYNTAX;
	sec = timegm(&tm) - zone;
	if (sec < 0)
		return ERR_SYNTAX;
	ret->us = sec * US_PER_SEC + us;
	return ERR_OK;
}

int32_t walltime_local_day(struct wall t)
{
	time_t sec = (time_t)wall_sec(t);
	struct tm tm;

	if (!localtime_r(&sec, &tm))
		return 0;
	return (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday;
}
