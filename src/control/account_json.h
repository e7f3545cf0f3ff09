/* SPDX-License-Identifier: MIT */
/* An account as the REST interface shows it. */
#ifndef CONTROL_ACCOUNT_JSON_H
#define CONTROL_ACCOUNT_JSON_H

#include "control/control_int.h"

void account_json_write(struct jsonw *w, const char *key,
			const struct store_account *acc);
/* Answers with the account as it is stored now; sets ETag. */
/* Its "last_error". */
void account_json_fault(struct jsonw *w, const struct store_account *acc);
enum err account_json_reply(struct control *c, struct http_req *req, int status,
			    const char *account_id, struct err_info *ei);

#endif /* CONTROL_ACCOUNT_JSON_H */
