/* SPDX-License-Identifier: MIT */
/*
 * The demo: a small fleet on this machine, and the story that is told with it.
 *
 * demo_world.c starts, kills and restarts the processes and speaks to them;
 * demo_story.c is the list of steps; cmd_demo.c runs them.  Everything is
 * sequential to read: demo_wait() turns the loop until something holds.
 */
#ifndef CLI_DEMO_INT_H
#define CLI_DEMO_INT_H

#include <stdio.h>

#include "base/json.h"
#include "http/client.h"
#include "net/child.h"
#include "net/loop.h"

#define DEMO_NODES 2
#define DEMO_ACCOUNTS 6
#define DEMO_PHONE_LEN 10
#define DEMO_ARGS_MAX 24

enum demo_role { DEMO_DC, DEMO_SERVE, DEMO_WORKER1, DEMO_WORKER2, DEMO_ROLES };

struct demo_proc {
	struct demo *demo;
	const char *name;
	struct child *child; /* NULL: not running */
	bool ready;
	char ready_line[4096];
	char *args[DEMO_ARGS_MAX];
	char listen[64]; /* where it listened, so a restart uses it again */
	FILE *log;
};

struct demo {
	struct loop *loop;
	struct http_client *http;
	char dir[512];
	bool keep_dir;
	const char *program; /* our own binary */
	struct demo_proc proc[DEMO_ROLES];
	struct demo_proc sign_in; /* Telethon */
	char phones[DEMO_ACCOUNTS][DEMO_PHONE_LEN + 1];
	size_t signed_in;
	char url[128];	 /* of serve */
	char admin[128]; /* of the data centre's admin port */
	char token[512]; /* API token */
	bool interrupted;
};

/* One step of the story. */
struct demo_step {
	const char *text;
	enum err (*run)(struct demo *d, struct err_info *ei);
};
extern const struct demo_step demo_story_steps[];
extern const size_t demo_story_nsteps;
/* The steps after which a person takes over; the rest is for --check. */
extern const size_t demo_story_nsetup;

enum err demo_world_init(struct demo *d, const char *dir, struct err_info *ei);
/* Ends every process it started and removes the folder it made. */
void demo_world_deinit(struct demo *d);

/* Starts a role, with the same arguments as before if it ran already. */
enum err demo_world_start(struct demo *d, enum demo_role role,
			  struct err_info *ei);
enum err demo_world_kill(struct demo *d, enum demo_role role,
			 struct err_info *ei);
enum err demo_world_sign_in(struct demo *d, struct err_info *ei);

/* Turns the loop until holds(d) or the time is up (ERR_TIMEOUT). */
enum err demo_world_wait(struct demo *d, bool (*holds)(struct demo *d),
			 int64_t timeout_us, const char *what,
			 struct err_info *ei);
/* Lets some time pass, the loop turning. */
void demo_world_rest(struct demo *d, int64_t us);

/* demo_sign_in.py, embedded. */
extern const char demo_sign_in_script[];
extern const size_t demo_sign_in_script_len;

struct demo_call {
	const char *method;
	const char *url; /* whole */
	const char *body;
	const void *data; /* instead of body, with its type */
	size_t data_len;
	const char *content_type;
	const char *bearer;
};
/* Runs one call; *ret_status may be an error of HTTP. */
enum err demo_world_call(struct demo *d, const struct demo_call *call,
			 int *ret_status, struct json_doc *ret,
			 struct err_info *ei);

#endif /* CLI_DEMO_INT_H */
