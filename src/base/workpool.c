/* SPDX-License-Identifier: MIT */
#include "base/workpool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/bug.h"

#define THREADS_MAX 64U

struct fifo {
	struct workpool_job *head, **tail;
};

struct workpool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct fifo waiting, finished;
	size_t nwaiting, queue_max;
	void (*wake)(void *ctx);
	void *ctx;
	unsigned int nthreads;
	bool stop;
	pthread_t threads[THREADS_MAX];
};

static void fifo_init(struct fifo *f)
{
	f->head = NULL;
	f->tail = &f->head;
}

static void fifo_push(struct fifo *f, struct workpool_job *job)
{
	job->next = NULL;
	*f->tail = job;
	f->tail = &job->next;
}

static struct workpool_job *fifo_pop(struct fifo *f)
{
	struct workpool_job *job = f->head;

	if (!job)
		return NULL;
	f->head = job->next;
	if (!f->head)
		f->tail = &f->head;
	return job;
}

static void *worker(void *arg)
{
	struct workpool *p = arg;
	struct workpool_job *job;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		job = fifo_pop(&p->waiting);
		if (!job && p->stop)
			break;
		if (!job) {
			pthread_cond_wait(&p->work, &p->lock);
			continue;
		}
		p->nwaiting--;
		pthread_mutex_unlock(&p->lock);
		job->run(job);
		pthread_mutex_lock(&p->lock);
		fifo_push(&p->finished, job);
		p->wake(p->ctx);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

enum err workpool_new(struct workpool **ret, unsigned int threads,
		      size_t queue_max, void (*wake)(void *ctx), void *ctx,
		      struct err_info *ei)
{
	struct workpool *p;
	sigset_t all, old;

	BUG_ON(threads == 0 || threads > THREADS_MAX || !wake);
	p = calloc(1, sizeof(*p));
	if (!p)
		return ERR_NOMEM;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	fifo_init(&p->waiting);
	fifo_init(&p->finished);
	p->queue_max = queue_max;
	p->wake = wake;
	p->ctx = ctx;
	/* signals belong to the loop's thread */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (; p->nthreads < threads; p->nthreads++)
		if (pthread_create(&p->threads[p->nthreads], NULL, worker, p))
			break;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (p->nthreads < threads) {
		workpool_free(p);
		return err_set(ei, ERR_IO, "cannot start %u threads", threads);
	}
	*ret = p;
	return ERR_OK;
}

void workpool_free(struct workpool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned int i = 0; i < p->nthreads; i++)
		pthread_join(p->threads[i], NULL);
	workpool_drain(p);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

enum err workpool_submit(struct workpool *p, struct workpool_job *job)
{
	enum err rc = ERR_OK;

	pthread_mutex_lock(&p->lock);
	if (p->nwaiting >= p->queue_max || p->stop) {
		rc = ERR_UNAVAILABLE;
	} else {
		fifo_push(&p->waiting, job);
		p->nwaiting++;
		pthread_cond_signal(&p->work);
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

size_t workpool_drain(struct workpool *p)
{
	struct workpool_job *job;
	size_t n = 0;

	for (;;) {
		pthread_mutex_lock(&p->lock);
		job = fifo_pop(&p->finished);
		pthread_mutex_unlock(&p->lock);
		if (!job)
			return n;
		job->done(job);
		n++;
	}
}
