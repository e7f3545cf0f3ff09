/* SPDX-License-Identifier: MIT */
/*
 * A transfer with a server that says anything.  The first byte chooses the way
 * and what is known; then each piece is a kind, a part and a length.  Properties:
 * what is pushed is in order, without holes, and no more than was told; a part is
 * answered once; what failed says why; never more parts under way than allowed.
 */
#include <stdlib.h>
#include <string.h>

#include "tg/filemove.h"

#define PART 4096U
#define SIZE (INT64_C(5) * PART + 100)

struct fuzz {
	struct filemove f;
	struct mono now;
	int64_t pushed;
	bool any_order, known;
};

static enum err push(void *ctx, int64_t offset, const uint8_t *data, size_t len,
		     struct err_info *ei)
{
	struct fuzz *z = ctx;

	(void)ei;
	if (!z->any_order && offset != z->pushed)
		abort();
	z->pushed += (int64_t)len;
	if (z->known && z->pushed > SIZE)
		abort();
	/* all of it is there to be read */
	for (size_t i = 0; i < len; i++)
		if (((const volatile uint8_t *)data)[i] == 0xfe)
			continue;
	return ERR_OK;
}

static enum err pull(void *ctx, int64_t offset, uint8_t *dst, size_t len,
		     struct err_info *ei)
{
	(void)ctx;
	(void)ei;
	if (offset < 0 || offset + (int64_t)len > SIZE)
		abort();
	memset(dst, 'u', len);
	return ERR_OK;
}

/* Whatever the owner is asked for is given. */
static void on_event(void *ctx, const struct filemove_event *ev)
{
	struct fuzz *z = ctx;
	const uint8_t ref[4] = { 1, 2, 3, 4 };

	if (ev->type == FILEMOVE_REFERENCE &&
	    filemove_give_reference(ev->file, ref, sizeof(ref), NULL))
		abort();
	if (ev->type == FILEMOVE_MOVED && (ev->dc_id < 1 || ev->dc_id > 1000))
		abort();
	if (ev->type == FILEMOVE_FAILED && (!ev->rc || !ev->why[0]))
		abort();
	if (ev->type == FILEMOVE_WAITING && mono_before(ev->until, z->now))
		abort();
}

static void begin(struct fuzz *z, uint8_t how)
{
	const struct filemove_config cfg = { .on_event = on_event,
					     .ctx = z,
					     .part_size = PART,
					     .hash = !(how & 2),
					     .any_order = how & 2,
					     .pull = pull,
					     .push = push,
					     .rnd = rnd_system() };
	const struct filemove_location at = {
		.size = how & 4 ? SIZE : FILEMOVE_SIZE_UNKNOWN,
		.photo = how & 8,
	};
	struct filemove_config up = cfg;

	z->any_order = cfg.any_order;
	z->known = how & 4;
	up.any_order = false;
	if (how & 1 ? filemove_start_up(&z->f, &up, SIZE, NULL)
		    : filemove_start_down(&z->f, &cfg, &at, NULL))
		abort();
}

static void make_calls(struct fuzz *z)
{
	struct buf body;
	uint16_t function;
	uint32_t part;
	bool has;
	int n = 0;

	buf_init(&body, FILEMOVE_BODY_MAX);
	filemove_arrived(&z->f);
	do {
		filemove_next(&z->f, z->now, &body, &function, &part, &has);
		if (has && (!buf_len(&body) || buf_len(&body) % 4))
			abort();
	} while (has && ++n <= (int)FILEMOVE_WINDOW);
	if (n > (int)FILEMOVE_WINDOW)
		abort();
	buf_deinit(&body);
}

static void answer(struct fuzz *z, uint8_t kind, uint32_t part,
		   const uint8_t *data, size_t len)
{
	struct rpcerr err;

	switch (kind % 5) {
	case 0:
	case 1:
		filemove_on_result(&z->f, part, data, len, z->now);
		break;
	case 2:
		rpcerr_classify(&err, kind & 8 ? 303 : 420, data, len);
		filemove_on_error(&z->f, part, &err, z->now);
		break;
	case 3:
		filemove_on_failure(&z->f, part, ERR_TIMEOUT, z->now);
		break;
	default:
		filemove_put_back(&z->f, part);
		break;
	}
}

static void check(struct fuzz *z)
{
	if (z->f.up)
		return;
	if (z->f.done_bytes != z->pushed)
		abort();
	if (filemove_state(&z->f) == FILEMOVE_STATE_DONE &&
	    (z->f.size != z->pushed || (z->known && z->pushed != SIZE)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz z = { .now = { 1 } };
	uint8_t *piece;

	if (len < 1)
		return 0;
	begin(&z, data[0]);
	data++;
	len--;
	while (len >= 4) {
		size_t n = data[2] | (size_t)data[3] << 8;
		uint32_t part = data[1] % 16;

		make_calls(&z);
		if (n > len - 4)
			n = len - 4;
		piece = malloc(n + !n); /* a byte too far is seen */
		if (!piece)
			abort();
		if (n)
			memcpy(piece, data + 4, n);
		answer(&z, data[0], part, piece, n);
		check(&z);
		free(piece);
		z.now = mono_add(z.now, 3 * US_PER_SEC);
		data += 4 + n;
		len -= 4 + n;
	}
	filemove_deinit(&z.f);
	return 0;
}
