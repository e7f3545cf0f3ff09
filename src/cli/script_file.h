/* SPDX-License-Identifier: MIT */
/*
 * `tgfleet script`: what takes or gives a file, and the deployment to nodes.  "-" is
 * standard input; a script comes out on standard output.
 */
#ifndef CLI_SCRIPT_FILE_H
#define CLI_SCRIPT_FILE_H

#include "cli/verbs.h"

int script_file_create(const struct verbs_call *call);
int script_file_edit(const struct verbs_call *call);
/* CLI_FAILED when it is not valid. */
int script_file_validate(const struct verbs_call *call);
int script_file_download(const struct verbs_call *call);
/* CLI_FAILED when a node could not be given it. */
int script_file_deploy(const struct verbs_call *call);

#endif /* CLI_SCRIPT_FILE_H */
