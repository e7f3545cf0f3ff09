/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "mtproto/proxy_secret.h"

#define KEY "00112233445566778899aabbccddeeff"

static const uint8_t key[16] = {
	0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
	0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff
};

static enum err parse(const char *text, struct proxy_secret *ret)
{
	return proxy_secret_parse(text, strlen(text), ret, NULL);
}

static void good(const char *text, enum proxy_secret_kind kind,
		 const char *domain)
{
	struct proxy_secret s;

	assert_int_equal(parse(text, &s), ERR_OK);
	assert_int_equal(s.kind, kind);
	assert_memory_equal(s.key, key, sizeof(key));
	assert_string_equal(s.domain, domain);
	proxy_secret_wipe(&s);
	assert_int_equal(s.key[15], 0);
}

static void hex_forms(void **state)
{
	good(KEY, PROXY_SECRET_PLAIN, "");
	good("00112233445566778899AABBCCDDEEFF", PROXY_SECRET_PLAIN, "");
	good("dd" KEY, PROXY_SECRET_PADDED, "");
	good("DD" KEY, PROXY_SECRET_PADDED, "");
	good("ee" KEY "6578616d706c652e636f6d", PROXY_SECRET_TLS,
	     "example.com");
}

static void base64_forms(void **state)
{
	uint8_t bytes[64] = { 0xee };
	char text[128];

	good("ABEiM0RVZneImaq7zN3u/w==", PROXY_SECRET_PLAIN, "");
	good("ABEiM0RVZneImaq7zN3u_w", PROXY_SECRET_PLAIN, "");
	good("ABEiM0RVZneImaq7zN3u/w", PROXY_SECRET_PLAIN, "");
	memcpy(bytes + 1, key, 16);
	memcpy(bytes + 17, "www.example.org", 15);
	text_b64(text, bytes, 32, TEXT_B64_STD);
	good(text, PROXY_SECRET_TLS, "www.example.org");
	text_b64(text, bytes, 32, TEXT_B64_URL);
	good(text, PROXY_SECRET_TLS, "www.example.org");
	bytes[0] = 0xdd;
	text_b64(text, bytes, 17, TEXT_B64_URL_PAD);
	good(text, PROXY_SECRET_PADDED, "");
}

static void refused(void **state)
{
	static const char *const bad[] = {
		"",
		"dd",
		"ee" KEY,			     /* no domain */
		"dd" KEY "00",			     /* too long */
		"cc" KEY,			     /* no such kind */
		"cc" KEY "6578616d706c65",	     /* nor with a domain */
		"00112233445566778899aabbccddee",    /* 15 bytes */
		"00112233445566778899aabbccddeefff", /* half a byte */
		"ee" KEY "6578616d706c652e636f6d00", /* NUL in the name */
		"ee" KEY "2e636f6d",		     /* .com */
		"ee" KEY "612062",		     /* a space */
		"ee" KEY "c3a9",		     /* not ASCII */
		"xyz",
		"ABEiM0RVZneImaq7zN3u/w===",
		"ABEi M0RVZneImaq7zN3u/w",
	};
	struct proxy_secret s, before;
	struct err_info ei;
	char text[512];

	memset(&before, 7, sizeof(before));
	s = before;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
			proxy_secret_parse(bad[i], strlen(bad[i]), &s, &ei),
			ERR_INVALID);
	assert_memory_equal(&s, &before, sizeof(s));
	assert_null(strstr(ei.msg, "ABEi"));
	/* The longest name, and one more. */
	strcpy(text, "ee" KEY);
	for (int i = 0; i < 182; i++)
		strcat(text, "61");
	assert_int_equal(parse(text, &s), ERR_OK);
	assert_int_equal(strlen(s.domain), 182);
	strcat(text, "61");
	assert_int_equal(parse(text, &s), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_forms),
		cmocka_unit_test(base64_forms),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
