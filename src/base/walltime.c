/* SPDX-License-Identifier: MIT */
#include "base/walltime.h"

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

static bool two_digits(const char *p, int max, int64_t *ret)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*ret = (int64_t)(p[0] - '0') * 10 + (p[1] - '0');
	return *ret <= max;
}

static bool zone_sec(const char *p, int64_t *ret)
{
	int64_t h, m;

	*ret = 0;
	if (!*p || !strcmp(p, "Z") || !strcmp(p, "z"))
		return true;
	if ((*p != '+' && *p != '-') || strlen(p) != 6 || p[3] != ':' ||
	    !two_digits(p + 1, 23, &h) || !two_digits(p + 4, 59, &m))
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
