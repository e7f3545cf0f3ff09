/* SPDX-License-Identifier: MIT */
/*
 * Small slots in big locked pages.  sodium_malloc() would spend three pages a
 * secret; ten thousand auth keys must not cost 120 MB.
 */
#include "base/secret.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/metrics.h"

#define CHUNK_SIZE (256U * 1024)
#define CLASSES 4

static const size_t class_size[CLASSES] = { 64, 256, 1024, SECRET_MAX };

struct free_slot {
	struct free_slot *next;
};

static struct {
	pthread_mutex_t lock;
	struct free_slot *free[CLASSES];
	uint8_t *chunk;
	size_t chunk_left;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER };

void secret_wipe(void *data, size_t len)
{
	if (len > 0)
		explicit_bzero(data, len);
}

static int class_of(size_t len)
{
	int c = 0;

	while (class_size[c] < len)
		c++;
	return c;
}

static bool new_chunk(void)
{
	void *p = mmap(NULL, CHUNK_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return false;
	/* a low RLIMIT_MEMLOCK must not stop the program, but it is counted */
	if (mlock(p, CHUNK_SIZE) != 0)
		metrics_add(METRIC_SECRETS_UNLOCKED, CHUNK_SIZE);
	(void)madvise(p, CHUNK_SIZE, MADV_DONTDUMP);
	pool.chunk = p;
	pool.chunk_left = CHUNK_SIZE;
	return true;
}

static uint8_t *take_slot(int class)
{
	struct free_slot *slot = pool.free[class];
	uint8_t *p;

	if (slot) {
		pool.free[class] = slot->next;
		slot->next = NULL;
		return (uint8_t *)slot;
	}
	if (pool.chunk_left < class_size[class] && !new_chunk())
		return NULL;
	p = pool.chunk;
	pool.chunk += class_size[class];
	pool.chunk_left -= class_size[class];
	return p;
}

enum err secret_init(struct secret *s, const void *data, size_t len)
{
	uint8_t *p;

	if (len > SECRET_MAX)
		return ERR_TOOBIG;
	if (len == 0) {
		*s = (struct secret){ 0 };
		return ERR_OK;
	}
	pthread_mutex_lock(&pool.lock);
	p = take_slot(class_of(len));
	pthread_mutex_unlock(&pool.lock);
	if (!p)
		return ERR_NOMEM;
	if (data)
		memcpy(p, data, len);
	*s = (struct secret){ p, len };
	return ERR_OK;
}

void secret_deinit(struct secret *s)
{
	struct free_slot *slot = (struct free_slot *)(void *)s->bytes;
	int class;

	if (!slot)
		return;
	class = class_of(s->len);
	secret_wipe(slot, class_size[class]);
	pthread_mutex_lock(&pool.lock);
	slot->next = pool.free[class];
	pool.free[class] = slot;
	pthread_mutex_unlock(&pool.lock);
	*s = (struct secret){ 0 };
}

bool secret_memeq(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;
	volatile uint8_t diff = 0;

	for (size_t i = 0; i < len; i++)
		diff = (uint8_t)(diff | (x[i] ^ y[i]));
	return diff == 0;
}

bool secret_equal(const struct secret *s, const void *data, size_t len)
{
	return s->len == len && secret_memeq(s->bytes, data, len);
}
