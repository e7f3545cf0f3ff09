/* SPDX-License-Identifier: MIT */
/* Shared by sessfile*.c only. */
#ifndef TG_SESSFILE_INT_H
#define TG_SESSFILE_INT_H

#include "tg/sessfile.h"

/* Zeroes *s and readies its arena. */
void sessfile_init(struct sessfile *s, enum sessfile_flavour flavour);

/* The checks every format shares; they set the field or explain. */
enum err sessfile_set_key(struct sessfile *s, const void *key, size_t len,
			  struct err_info *ei);
enum err sessfile_set_dc(struct sessfile *s, int64_t dc, struct err_info *ei);
enum err sessfile_set_address(struct sessfile *s, const char *address,
			      int64_t port, struct err_info *ei);
/* 4 or 16 bytes of an IP address, as text. */
enum err sessfile_set_ip(struct sessfile *s, const uint8_t *ip, size_t len,
			 int64_t port, struct err_info *ei);

/*
 * Telethon and Pyrogram number peers as bots see them: users as they are, groups
 * -id, channels -100id.
 */
#define SESSFILE_CHANNEL_MARK INT64_C(1000000000000)
int64_t sessfile_mark(const struct sessfile_peer *p);

/* The one that clients come with; NULL: there is no such data centre. */
const char *sessfile_known_address(int dc_id, bool test_mode);

bool sessfile_sqlite_magic(const uint8_t *data, size_t len);
enum err sessfile_read_sqlite(const uint8_t *data, size_t len,
			      struct sessfile *ret, struct err_info *ei);
enum err sessfile_read_string(const char *text, size_t len,
			      struct sessfile *ret, struct err_info *ei);

#endif /* TG_SESSFILE_INT_H */
