/* SPDX-License-Identifier: MIT */
/*
 * `tgfleet session sign-in`: a new session, made by the engine itself.
 *
 *   failure   one line on stderr; nothing is written unless it worked
 */
#ifndef CLI_SIGN_IN_H
#define CLI_SIGN_IN_H

int sign_in_run(int argc, char **argv);
/* `tgfleet session sign-out`: ends one at Telegram. */
int sign_in_out_run(int argc, char **argv);

#endif /* CLI_SIGN_IN_H */
