/* SPDX-License-Identifier: MIT */
/*
 * multipart/form-data (RFC 7578), strict and bounded.
 *
 * Sans-IO and incremental: feed the body in any pieces; parts come out through
 * callbacks.  Only CRLF line ends, only Content-Disposition: form-data with a
 * name, no nested multiparts, no transfer encodings.
 *
 *   owner     whoever embeds it
 *   memory    one header block (header_max) and one boundary's worth of tail
 *   failure   ERR_SYNTAX, ERR_TOOBIG; sticky: every later call fails the same
 */
#ifndef HTTP_MULTIPART_H
#define HTTP_MULTIPART_H

#include "base/buf.h"

#define MULTIPART_BOUNDARY_MAX 70
#define MULTIPART_NAME_MAX 256

struct multipart_part {
	char name[MULTIPART_NAME_MAX];
	char filename[MULTIPART_NAME_MAX]; /* base name only; "" if absent */
	char content_type[MULTIPART_NAME_MAX];
};

struct multipart_ops {
	/* An error from any of them stops the parser with it. */
	enum err (*on_part)(void *ctx, const struct multipart_part *part,
			    struct err_info *ei);
	enum err (*on_data)(void *ctx, const uint8_t *data, size_t len,
			    struct err_info *ei);
	enum err (*on_part_end)(void *ctx, struct err_info *ei);
};

struct multipart_limits {    /* 0: the default in brackets */
	uint32_t parts;	     /* [100] */
	size_t header_bytes; /* of one part [4 KiB] */
	size_t part_bytes;   /* content of one part [64 MiB] */
};

struct multipart {
	const struct multipart_ops *ops;
	void *ctx;
	struct multipart_limits limits;
	char delim[MULTIPART_BOUNDARY_MAX + 5]; /* CRLF "--" boundary */
	size_t delim_len;
	struct buf held; /* header lines, or a possible boundary */
	size_t part_bytes;
	uint32_t parts;
	int state;
	enum err rc;
	struct err_info ei;
};

/* content_type is the header's whole value, with its boundary parameter. */
enum err multipart_init(struct multipart *m, const char *content_type,
			const struct multipart_limits *limits,
			const struct multipart_ops *ops, void *ctx,
			struct err_info *ei);
void multipart_deinit(struct multipart *m);
enum err multipart_feed(struct multipart *m, const void *data, size_t len,
			struct err_info *ei);
/* ERR_SYNTAX if the closing boundary did not come. */
enum err multipart_end(struct multipart *m, struct err_info *ei);

/* A complete body at once: parts as slices of it. */
struct multipart_slice {
	struct multipart_part head;
	const uint8_t *data; /* in body */
	size_t len;
};
struct multipart_slices {
	struct multipart_slice *at;
	size_t n;
};
struct arena;
enum err multipart_parse(const char *content_type, const uint8_t *body,
			 size_t len, const struct multipart_limits *limits,
			 struct arena *arena, struct multipart_slices *ret,
			 struct err_info *ei);

#endif /* HTTP_MULTIPART_H */
