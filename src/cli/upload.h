/* SPDX-License-Identifier: MIT */
/* `tgfleet account upload`: session files into the vault, a line per file. */
#ifndef CLI_UPLOAD_H
#define CLI_UPLOAD_H

#include "cli/verbs.h"

int upload_sessions(const struct verbs_call *call);

#endif /* CLI_UPLOAD_H */
