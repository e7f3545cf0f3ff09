/* SPDX-License-Identifier: MIT */
/*
 * Scenario files.  What is read stays within its limits, and reading it again
 * with comments and blank lines around gives the same steps.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "dc/dc_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct dc_script *a, const struct dc_script *b)
{
	uint32_t i;

	BUG_ON(a->n != b->n || strcmp(a->title, b->title) != 0);
	for (i = 0; i < a->n; i++) {
		const struct dc_step *x = &a->steps[i], *y = &b->steps[i];

		BUG_ON(x->kind != y->kind || x->line + 1 != y->line ||
		       x->method != y->method || x->n != y->n ||
		       x->reaction != y->reaction ||
		       x->n_fields != y->n_fields || x->n_words != y->n_words);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char before[] = "# first\n", after[] = "\n \t# last";
	struct err_info ei = { 0 };
	struct dc_script one, two;
	size_t len = sizeof(before) - 1 + size + sizeof(after) - 1;
	char *more;

	if (dc_script_parse(&one, (const char *)data, size, &ei)) {
		BUG_ON(!*ei.msg);
		return 0;
	}
	BUG_ON(one.n > DC_SCRIPT_STEPS_MAX);
	more = malloc(len);
	if (more && len <= DC_SCRIPT_BYTES_MAX) {
		memcpy(more, before, sizeof(before) - 1);
		if (size)
			memcpy(more + sizeof(before) - 1, data, size);
		memcpy(more + sizeof(before) - 1 + size, after,
		       sizeof(after) - 1);
		BUG_ON(dc_script_parse(&two, more, len, NULL) != ERR_OK);
		same(&one, &two);
		dc_script_deinit(&two);
	}
	free(more);
	dc_script_deinit(&one);
	return 0;
}
