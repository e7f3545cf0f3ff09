/* SPDX-License-Identifier: MIT */
/* What a message says of its file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tg/filemove.h"

static void documents_are_located(void **state)
{
	struct tlc_document d = { .id = 7,
				  .access_hash = 8,
				  .file_reference = { (const uint8_t *)"ref",
						      3 },
				  .size = 99,
				  .dc_id = 4 };
	struct tlc_messageMediaDocument m = {
		.has_document = true,
		.document = { .kind = TLN_document, .document = &d }
	};
	struct tlt_MessageMedia media = { .kind = TLN_messageMediaDocument,
					  .messageMediaDocument = &m };
	static const uint8_t big[FILEMOVE_REFERENCE_MAX + 1];
	struct filemove_location at;

	(void)state;
	assert_true(filemove_locate(&media, &at));
	assert_false(at.photo);
	assert_int_equal(at.id, 7);
	assert_int_equal(at.access_hash, 8);
	assert_int_equal(at.size, 99);
	assert_int_equal(at.dc_id, 4);
	assert_int_equal(at.reference_len, 3);
	assert_memory_equal(at.reference, "ref", 3);
	d.file_reference = (struct tl_bytes){ big, sizeof(big) };
	assert_false(filemove_locate(&media, &at));
	m.document.kind = TLN_NONE; /* documentEmpty */
	assert_false(filemove_locate(&media, &at));
	m.has_document = false;
	assert_false(filemove_locate(&media, &at));
	media.kind = TLN_NONE;
	assert_false(filemove_locate(&media, &at));
}

static void photos_are_located_in_their_largest_size(void **state)
{
	struct tlc_photoSize small = { .type = { (const uint8_t *)"m", 1 },
				       .size = 500 };
	int32_t steps[] = { 100, 2000, 9000 };
	struct tlc_photoSizeProgressive large = {
		.type = { (const uint8_t *)"y", 1 }, .sizes = { 3, steps }
	};
	struct tlc_photoSize mad = { .type = { (const uint8_t *)"12345678", 8 },
				     .size = INT32_MAX };
	struct tlt_PhotoSize list[] = {
		{ .kind = TLN_photoSize, .photoSize = &mad },
		{ .kind = TLN_photoSizeProgressive,
		  .photoSizeProgressive = &large },
		{ .kind = TLN_NONE },
		{ .kind = TLN_photoSize, .photoSize = &small },
	};
	struct tlc_photo p = { .id = 7, .dc_id = 2, .sizes = { 4, list } };
	struct tlc_messageMediaPhoto m = {
		.has_photo = true, .photo = { .kind = TLN_photo, .photo = &p }
	};
	struct tlt_MessageMedia media = { .kind = TLN_messageMediaPhoto,
					  .messageMediaPhoto = &m };
	struct filemove_location at;

	(void)state;
	assert_true(filemove_locate(&media, &at));
	assert_true(at.photo);
	assert_string_equal(at.thumb_size, "y");
	assert_int_equal(at.size, 9000);
	large.sizes.n = 0;
	assert_true(filemove_locate(&media, &at));
	assert_string_equal(at.thumb_size, "m");
	p.sizes.n = 0;
	assert_true(filemove_locate(&media, &at));
	assert_int_equal(at.size, FILEMOVE_SIZE_UNKNOWN);
	m.has_photo = false;
	assert_false(filemove_locate(&media, &at));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_are_located),
		cmocka_unit_test(photos_are_located_in_their_largest_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
