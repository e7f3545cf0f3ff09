/* SPDX-License-Identifier: MIT */
/* Stands in for libFuzzer in ordinary builds: runs the target on given files. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define INPUT_MAX (4U << 20)

int main(int argc, char **argv)
{
	uint8_t *data = malloc(INPUT_MAX);

	if (!data)
		return 1;
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		size_t len;

		if (!f) {
			perror(argv[i]);
			free(data);
			return 1;
		}
		len = fread(data, 1, INPUT_MAX, f);
		fclose(f);
		(void)LLVMFuzzerTestOneInput(data, len);
	}
	free(data);
	return 0;
}
