/* SPDX-License-Identifier: MIT */
/*
 * Addresses as values: no socket headers needed to hold, compare or print one.
 *
 * Text forms: "127.0.0.1:80", "[::1]:80"; `struct addr_host` also takes a name
 * ("example.org:443"), which the link resolves when it dials.
 *
 *   owner     plain values
 *   failure   ERR_SYNTAX naming the text
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include "base/err.h"

enum addr_family {
	ADDR_NONE,
	ADDR_V4,
	ADDR_V6,
};

struct addr {
	enum addr_family family;
	uint16_t port;	/* host order */
	uint8_t ip[16]; /* network order; the first 4 for v4 */
};

#define ADDR_HOST_MAX 254
struct addr_host {
	char host[ADDR_HOST_MAX]; /* literal without brackets, or a name */
	uint16_t port;
};

/* "[v6]:port", NUL included. */
#define ADDR_TEXT_MAX 56

/* Literal address with a port. */
enum err addr_parse(const char *text, struct addr *ret, struct err_info *ei);
/* Literal address, port given. */
enum err addr_from_ip(const char *ip, uint16_t port, struct addr *ret);
/* Host (literal or name) with a port. */
enum err addr_parse_host(const char *text, struct addr_host *ret,
			 struct err_info *ei);
void addr_format(const struct addr *a, char text[static ADDR_TEXT_MAX]);
/* Without the port and brackets. */
void addr_format_ip(const struct addr *a, char text[static ADDR_TEXT_MAX]);
bool addr_same_ip(const struct addr *a, const struct addr *b);
bool addr_is_loopback(const struct addr *a);

#endif /* NET_ADDR_H */
