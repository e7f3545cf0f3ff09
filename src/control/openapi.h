/* SPDX-License-Identifier: MIT */
/* docs/openapi.yaml, put into the program by the build. */
#ifndef CONTROL_OPENAPI_H
#define CONTROL_OPENAPI_H

#include <stddef.h>

extern const char openapi_yaml[];
extern const size_t openapi_yaml_len;

#endif /* CONTROL_OPENAPI_H */
