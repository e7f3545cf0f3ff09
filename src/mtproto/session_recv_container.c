/* SPDX-License-Identifier: MIT */
/*
 * msg_container: each message by itself; malformed ones are refused whole.
 */
#include "mtproto/container.h"
#include "mtproto/session_int.h"

enum err session_recv_container(struct session *s, const struct session_in *in,
				struct err_info *ei)
{
	struct container it;
	struct container_msg msg;
	uint64_t session_id = s->session_id;
	bool fresh;
	enum err rc;

	if (in->in_container)
		return err_set(ei, ERR_PROTO, "container inside a container");
	rc = container_open(&it, in->body, in->len, ei);
	/* A handler may begin a new session: the rest is of the old one. */
	while (!rc && s->session_id == session_id &&
	       container_next(&it, &msg)) {
		struct session_in sub = {
			.now = in->now,
			.msg_id = msg.msg_id,
			.seq_no = msg.seq_no,
			.body = msg.body,
			.len = msg.len,
			.in_container = true,
			.in_gzip = in->in_gzip,
		};

		rc = session_admit(s, &sub, &fresh, ei);
		if (!rc && fresh)
			rc = session_handle(s, &sub, ei);
	}
	return rc;
}
