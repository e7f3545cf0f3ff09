/* SPDX-License-Identifier: MIT */
/*
 * An uploaded session file on its way into the vault.
 *
 * Checked, attested, sealed, stored; or refused with a reason and nothing kept.
 */
#ifndef CONTROL_SESSION_INTAKE_H
#define CONTROL_SESSION_INTAKE_H

#include "control/control_int.h"

struct session_intake {
	const void *data;
	size_t len;
	const char *filename;
	const char *account_id; /* given by the form, or NULL: from the name */
	bool attested;
	struct arena *arena; /* for the work on this file only */
};

/* *ret_account_id (arena) is set as soon as it is known. */
enum err session_intake_store(struct control *c, struct http_req *req,
			      const struct session_intake *in,
			      const char **ret_account_id, struct err_info *ei);

#endif /* CONTROL_SESSION_INTAKE_H */
