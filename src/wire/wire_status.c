/* SPDX-License-Identifier: MIT */
#include "wire/wire_status.h"

#include <string.h>

#include "base/bug.h"

static const char *const names[WIRE_STATUS_COUNT] = {
	[WIRE_OFFLINE] = "offline", [WIRE_STARTING] = "starting",
	[WIRE_ONLINE] = "online",   [WIRE_LIMITED] = "limited",
	[WIRE_FROZEN] = "frozen",   [WIRE_BANNED] = "banned",
	[WIRE_REVOKED] = "revoked", [WIRE_ERROR] = "error",
};

const char *wire_status_name(enum wire_status status)
{
	BUG_ON((unsigned int)status >= WIRE_STATUS_COUNT);
	return names[status];
}

bool wire_status_parse(const char *name, enum wire_status *ret)
{
	for (unsigned int i = 0; i < WIRE_STATUS_COUNT; i++)
		if (!strcmp(name, names[i])) {
			*ret = (enum wire_status)i;
			return true;
		}
	return false;
}
