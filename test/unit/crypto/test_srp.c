/* SPDX-License-Identifier: MIT */
#include "../vectors.h"
#include "crypto/srp.h"

struct input {
	struct srp_algo algo;
	uint8_t salt1[256], salt2[256], p[512], b[512], a[DH_LEN];
	size_t b_len;
	char password[2048];
};

static void load(struct json v, struct input *in)
{
	memset(in, 0, sizeof(*in));
	in->algo.salt1 = in->salt1;
	in->algo.salt1_len = vectors_hex(v, "salt1", in->salt1, 256);
	in->algo.salt2 = in->salt2;
	in->algo.salt2_len = vectors_hex(v, "salt2", in->salt2, 256);
	in->algo.p = in->p;
	in->algo.p_len = vectors_hex(v, "p", in->p, sizeof(in->p));
	in->algo.g = (int32_t)json_int(json_get(v, "g"), 0);
	in->b_len = vectors_hex(v, "srp_B", in->b, sizeof(in->b));
}

/* The server's side of the same exchange must agree, and only with this one. */
static void check_server(struct json v, const struct input *in,
			 const struct srp_proof *proof)
{
	struct srp_proof wrong = *proof;
	uint8_t verifier[DH_LEN], b[DH_LEN], big_b[DH_LEN], want[DH_LEN];

	assert_int_equal(srp_verifier(&in->algo, in->password, verifier, NULL),
			 0);
	vectors_number(v, "v", want, DH_LEN);
	assert_memory_equal(verifier, want, DH_LEN);
	vectors_number(v, "server_b", b, DH_LEN);
	assert_int_equal(srp_server_b(&in->algo, verifier, b, big_b, NULL), 0);
	vectors_number(v, "srp_B", want, DH_LEN);
	assert_memory_equal(big_b, want, DH_LEN);
	assert_int_equal(srp_server_check(&in->algo, verifier, b, proof, NULL),
			 0);
	wrong.m1[31] ^= 1;
	assert_int_equal(srp_server_check(&in->algo, verifier, b, &wrong, NULL),
			 ERR_UNAUTHORIZED);
	memset(wrong.a, 0, DH_LEN);
	assert_int_equal(srp_server_check(&in->algo, verifier, b, &wrong, NULL),
			 ERR_PROTO);
}

static void vector(struct json v)
{
	struct srp_proof proof;
	struct rnd_fixed rnd;
	struct input in;
	uint8_t want[DH_LEN];

	load(v, &in);
	vectors_hex(v, "password_utf8", in.password, sizeof(in.password) - 1);
	vectors_number(v, "a", in.a, DH_LEN);
	rnd_fixed_init(&rnd, in.a, DH_LEN);
	assert_int_equal(srp_client_proof(&in.algo,
					  (struct srp_b){ in.b, in.b_len },
					  in.password, &rnd.rnd, &proof, NULL),
			 0);
	vectors_number(v, "A", want, DH_LEN);
	assert_memory_equal(proof.a, want, DH_LEN);
	vectors_check(v, "M1", proof.m1, SRP_M1_LEN);
	check_server(v, &in, &proof);
}

static void vectors_prove(void **state)
{
	struct json_doc doc;
	struct json root = vectors_open(&doc, "srp.json");
	struct json_iter it = json_iter(json_get(root, "vectors"));
	int n = 0;

	for (; json_next(&it); n++)
		vector(it.val);
	assert_true(n >= 12);
	json_free(&doc);
}

static void vectors_refuse(void **state)
{
	struct json_doc doc;
	struct json root = vectors_open(&doc, "srp.json");
	struct json_iter it = json_iter(json_get(root, "refuse"));
	struct rnd_seeded rnd;
	int n = 0;

	rnd_seeded_init(&rnd, 1);
	for (; json_next(&it); n++) {
		struct err_info ei = { 0 };
		struct srp_proof proof;
		struct input in;
		enum err rc;

		load(it.val, &in);
		rc = srp_client_proof(
			&in.algo, (struct srp_b){ in.b, in.b_len },
			json_str(json_get(it.val, "password"), ""), &rnd.rnd,
			&proof, &ei);
		if (rc != ERR_PROTO)
			fail_msg("accepted: %s",
				 json_str(json_get(it.val, "why"), ""));
		assert_true(ei.msg[0] != '\0');
	}
	assert_true(n >= 17);
	json_free(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_prove),
		cmocka_unit_test(vectors_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
