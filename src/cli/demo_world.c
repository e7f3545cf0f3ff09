/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/demo_int.h"

#define READY_US (30 * US_PER_SEC)
#define SIGN_IN_US (90 * US_PER_SEC)
#define END_US (10 * US_PER_SEC)
#define ANSWER_MAX (16U << 20)
#define PYTHON "/usr/bin/python3" /* Debian's own, which has its Telethon */

static const char *const role_names[] = { "dc", "serve", "worker-1",
					  "worker-2" };

static void on_stdout(void *ctx, const char *line, size_t len)
{
	struct demo_proc *p = ctx;

	if (!p->ready && len > 0 && line[0] == '{' &&
	    len < sizeof(p->ready_line)) {
		memcpy(p->ready_line, line, len + 1);
		p->ready = true;
	}
	if (p == &p->demo->sign_in && len > 0 && line[0] == '{')
		p->demo->signed_in++;
}

static void on_stderr(void *ctx, const char *line, size_t len)
{
	struct demo_proc *p = ctx;

	if (p->log)
		fprintf(p->log, "%.*s\n", (int)len, line);
}

static void on_exit_child(void *ctx, int status, int signum)
{
	struct demo_proc *p = ctx;

	if (p->log) {
		fprintf(p->log, "(ended: status %d, signal %d)\n", status,
			signum);
		fflush(p->log);
	}
	p->child = NULL;
}

static const struct child_ops proc_ops = { on_stdout, on_stderr,
					   on_exit_child };

static void on_signal(void *ctx, int signum)
{
	struct demo *d = ctx;

	(void)signum;
	d->interrupted = true;
}

static enum err make_dir(struct demo *d, const char *dir, struct err_info *ei)
{
	if (dir && *dir) {
		snprintf(d->dir, sizeof(d->dir), "%s", dir);
		d->keep_dir = true;
		if (mkdir(d->dir, 0700) != 0 && errno != EEXIST)
			return err_set(ei, ERR_IO, "%s: %m", d->dir);
		return ERR_OK;
	}
	snprintf(d->dir, sizeof(d->dir), "%s/tgfleet-demo-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(d->dir))
		return err_set(ei, ERR_IO, "%s: %m", d->dir);
	return ERR_OK;
}

static FILE *open_log(const struct demo *d, const char *name)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s.log", d->dir, name);
	return fopen(path, "ae");
}

enum err demo_world_init(struct demo *d, const char *dir, struct err_info *ei)
{
	enum err rc;

	rc = make_dir(d, dir, ei);
	if (!rc)
		rc = loop_new(&d->loop, NULL, ei);
	if (!rc)
		rc = loop_on_signal(d->loop, on_signal, d, ei);
	if (!rc)
		rc = client_new(d->loop, NULL, &d->http, ei);
	for (int i = 0; i < DEMO_ACCOUNTS; i++)
		snprintf(d->phones[i], sizeof(d->phones[i]), "99966%d%04d",
			 i % 3 + 1, 7001 + i);
	for (int r = 0; r < DEMO_ROLES; r++) {
		d->proc[r].demo = d;
		d->proc[r].name = role_names[r];
		d->proc[r].log = open_log(d, role_names[r]);
	}
	d->sign_in.demo = d;
	d->sign_in.name = "telethon";
	d->sign_in.log = open_log(d, "telethon");
	return rc;
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static bool all_ended(struct demo *d)
{
	for (int r = 0; r < DEMO_ROLES; r++)
		if (d->proc[r].child)
			return false;
	return !d->sign_in.child;
}

static void free_proc(struct demo_proc *p)
{
	for (size_t i = 0; i < DEMO_ARGS_MAX; i++)
		free(p->args[i]);
	if (p->log)
		fclose(p->log);
}

static bool workers_ended(struct demo *d)
{
	return !d->proc[DEMO_WORKER1].child && !d->proc[DEMO_WORKER2].child;
}

static void end_from(struct demo *d, enum demo_role first, int signum)
{
	for (int r = DEMO_ROLES; r-- > (int)first;)
		if (d->proc[r].child)
			(void)!child_kill(d->proc[r].child, signum);
	if (d->sign_in.child)
		(void)!child_kill(d->sign_in.child, SIGKILL);
}

/* The nodes first: they say goodbye to the control plane. */
static void end_all(struct demo *d)
{
	end_from(d, DEMO_WORKER1, SIGTERM);
	(void)!demo_world_wait(d, workers_ended, END_US, "the nodes' end",
			       NULL);
	for (int sig = 0; sig < 2 && !all_ended(d); sig++) {
		end_from(d, DEMO_DC, sig ? SIGKILL : SIGTERM);
		(void)!demo_world_wait(d, all_ended, END_US, "the end", NULL);
	}
}

void demo_world_deinit(struct demo *d)
{
	if (d->loop && !all_ended(d))
		end_all(d);
	client_free(d->http);
	loop_free(d->loop);
	for (int r = 0; r < DEMO_ROLES; r++)
		free_proc(&d->proc[r]);
	free_proc(&d->sign_in);
	if (d->dir[0] && !d->keep_dir)
		(void)nftw(d->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

enum err demo_world_wait(struct demo *d, bool (*holds)(struct demo *d),
			 int64_t timeout_us, const char *what,
			 struct err_info *ei)
{
	struct mono end = mono_add(clock_mono(clock_system()), timeout_us);

	while (!holds(d)) {
		int64_t left = mono_diff(end, clock_mono(clock_system()));

		if (left <= 0)
			return err_set(ei, ERR_TIMEOUT,
				       "waited %lld s for %s; the logs are in "
				       "%s",
				       (long long)(timeout_us / US_PER_SEC),
				       what, d->dir);
		loop_turn(d->loop, left < 50000 ? left : 50000);
	}
	return ERR_OK;
}

void demo_world_rest(struct demo *d, int64_t us)
{
	struct mono end = mono_add(clock_mono(clock_system()), us);
	int64_t left = us;

	while (left > 0) {
		loop_turn(d->loop, left);
		left = mono_diff(end, clock_mono(clock_system()));
	}
}

/* argv strings live as long as the process may be restarted. */
static enum err set_args(struct demo_proc *p, size_t n, ...)
{
	enum err rc = ERR_OK;
	va_list ap;

	for (size_t i = 0; i < DEMO_ARGS_MAX; i++) {
		free(p->args[i]);
		p->args[i] = NULL;
	}
	va_start(ap, n);
	for (size_t i = 0; i < n && i < DEMO_ARGS_MAX - 1 && !rc; i++) {
		p->args[i] = strdup(va_arg(ap, const char *));
		rc = p->args[i] ? ERR_OK : ERR_NOMEM;
	}
	va_end(ap);
	return rc;
}

static enum err args_dc(struct demo *d, struct demo_proc *p)
{
	char state[600], env[600], admin[128];

	snprintf(state, sizeof(state), "%s/dc.db", d->dir);
	snprintf(env, sizeof(env), "%s/telegram.json", d->dir);
	snprintf(admin, sizeof(admin), "%s",
		 d->admin[0] ? d->admin + strlen("http://") : "127.0.0.1:0");
	return set_args(p, 12, d->program, "dc", "--listen",
			p->listen[0] ? p->listen : "127.0.0.1:0", "--admin",
			admin, "--state", state, "--write-env", env,
			"--dc-count", "3");
}

static enum err args_serve(struct demo *d, struct demo_proc *p)
{
	char data[600];

	snprintf(data, sizeof(data), "%s/serve", d->dir);
	return set_args(p, 12, d->program, "serve", "--listen",
			p->listen[0] ? p->listen : "127.0.0.1:0", "--data",
			data, "--heartbeat-interval", "1s", "--lease-ttl", "4s",
			"--lease-grace", "1s");
}

static enum err args_worker(struct demo *d, struct demo_proc *p)
{
	char state[600], env[600], url[160], body[64];
	struct demo_call call = {
		.method = "POST", .url = url, .body = "{}", .bearer = d->token
	};
	const char *join = NULL;
	struct json_doc doc;
	int status = 0;
	enum err rc;

	snprintf(state, sizeof(state), "%s/%s", d->dir, p->name);
	snprintf(env, sizeof(env), "%s/telegram.json", d->dir);
	snprintf(url, sizeof(url), "%s/api/v1/workers/join-tokens", d->url);
	snprintf(body, sizeof(body), "{}");
	rc = demo_world_call(d, &call, &status, &doc, NULL);
	if (rc)
		return rc;
	join = json_str(json_get(json_root(&doc), "join_token"), NULL);
	rc = join ? set_args(p, 12, d->program, "worker", "--server", d->url,
			     "--join", join, "--state", state, "--telegram",
			     env, "--name", p->name)
		  : ERR_PROTO;
	json_free(&doc);
	return rc;
}

/* The child is replaced: what it said when ready is what counts now. */
static enum err spawn(struct demo *d, struct demo_proc *p, const char *file,
		      struct err_info *ei)
{
	struct child_options o = {
		.file = file,
		.argv = (const char *const *)(void *)p->args,
		.new_group = true,
	};

	p->ready = false;
	return child_spawn(d->loop, &o, &proc_ops, p, &p->child, ei);
}

static struct demo_proc *waited;

static bool is_ready(struct demo *d)
{
	(void)d;
	return waited->ready || !waited->child;
}

static void learn_address(struct demo *d, enum demo_role role)
{
	struct demo_proc *p = &d->proc[role];
	struct json_doc doc;
	struct json o;

	if (json_parse(&doc, p->ready_line, strlen(p->ready_line),
		       sizeof(p->ready_line), NULL))
		return;
	o = json_root(&doc);
	if (role == DEMO_DC)
		snprintf(d->admin, sizeof(d->admin), "http://%s",
			 json_str(json_get(o, "admin"), ""));
	if (role == DEMO_SERVE) {
		snprintf(d->url, sizeof(d->url), "%s",
			 json_str(json_get(o, "url"), ""));
		if (strlen(d->url) > strlen("http://"))
			snprintf(p->listen, sizeof(p->listen), "%s",
				 d->url + strlen("http://"));
	}
	json_free(&doc);
}

enum err demo_world_start(struct demo *d, enum demo_role role,
			  struct err_info *ei)
{
	struct demo_proc *p = &d->proc[role];
	enum err rc = ERR_OK;

	if (role == DEMO_DC)
		rc = args_dc(d, p);
	else if (role == DEMO_SERVE)
		rc = args_serve(d, p);
	else if (!p->args[0])
		rc = args_worker(d, p);
	if (rc)
		return err_set(ei, rc, "cannot prepare %s", p->name);
	rc = spawn(d, p, d->program, ei);
	if (rc)
		return rc;
	waited = p;
	rc = demo_world_wait(d, is_ready, READY_US, p->name, ei);
	if (rc)
		return rc;
	if (!p->ready)
		return err_set(ei, ERR_IO, "%s ended; see %s/%s.log", p->name,
			       d->dir, p->name);
	learn_address(d, role);
	return ERR_OK;
}

static bool is_gone(struct demo *d)
{
	(void)d;
	return !waited->child;
}

enum err demo_world_kill(struct demo *d, enum demo_role role,
			 struct err_info *ei)
{
	struct demo_proc *p = &d->proc[role];
	enum err rc;

	if (!p->child)
		return err_set(ei, ERR_NOTFOUND, "%s had ended by itself",
			       p->name);
	rc = child_kill(p->child, SIGKILL);
	if (rc)
		return err_set(ei, rc, "cannot kill %s", p->name);
	waited = p;
	return demo_world_wait(d, is_gone, END_US, "its end", ei);
}

enum err demo_world_sign_in(struct demo *d, struct err_info *ei)
{
	struct demo_proc *p = &d->sign_in;
	char env[600];
	enum err rc;

	snprintf(env, sizeof(env), "%s/telegram.json", d->dir);
	rc = set_args(p, 11, PYTHON, "-c", demo_sign_in_script, env, d->dir,
		      d->phones[0], d->phones[1], d->phones[2], d->phones[3],
		      d->phones[4], d->phones[5]);
	if (!rc)
		rc = spawn(d, p, PYTHON, ei);
	if (rc)
		return rc;
	waited = p;
	rc = demo_world_wait(d, is_gone, SIGN_IN_US, "Telethon to sign in", ei);
	if (!rc && d->signed_in != DEMO_ACCOUNTS)
		rc = err_set(ei, ERR_IO,
			     "Telethon signed in %zu of %d accounts; see "
			     "%s/telethon.log (python3-telethon must be there)",
			     d->signed_in, DEMO_ACCOUNTS, d->dir);
	return rc;
}

struct pending {
	bool done;
	enum err rc;
	int status;
	struct json_doc *doc;
	struct err_info *ei;
};

static void on_answer(void *ctx, const struct client_response *rsp)
{
	static const char null[] = "null";
	struct pending *p = ctx;
	bool none = rsp->body_len == 0;

	p->done = true;
	p->status = rsp->status;
	p->rc = rsp->rc;
	if (rsp->rc) {
		p->rc = err_set(p->ei, rsp->rc, "%s", rsp->ei.msg);
		return;
	}
	p->rc = json_parse(p->doc, none ? (const void *)null : rsp->body,
			   none ? strlen(null) : rsp->body_len, ANSWER_MAX,
			   p->ei);
}

enum err demo_world_call(struct demo *d, const struct demo_call *call,
			 int *ret_status, struct json_doc *ret,
			 struct err_info *ei)
{
	struct client_request req = {
		.method = call->method,
		.url = call->url,
		.body = call->data ? call->data : call->body,
		.body_len = call->data	 ? call->data_len
			    : call->body ? strlen(call->body)
					 : 0,
		.content_type = call->content_type,
		.bearer = call->bearer,
		.max_response = ANSWER_MAX,
	};
	struct pending p = { .doc = ret, .ei = ei };
	uint64_t id;
	enum err rc;

	rc = client_start(d->http, &req, on_answer, &p, &id, ei);
	if (rc)
		return rc;
	while (!p.done)
		loop_turn(d->loop, 100000);
	if (p.rc)
		return err_wrap(ei, p.rc, "%s %s", call->method, call->url);
	*ret_status = p.status;
	return ERR_OK;
}
