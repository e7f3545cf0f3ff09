/* SPDX-License-Identifier: MIT */
/*
 * The sign-in against a scripted server that reads and writes by the schema's
 * tables (tl/dyn.h), not by the structs the sign-in uses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "crypto/srp.h"
#include "tg/signin.h"
#include "tg/signin_int.h" /* is the password gone? */
#include "tl/dyn.h"

#define PHONE "+999 66 1 0001"
#define SALT1 "salt one"
#define SALT2 "salt two, longer"

#define KDF                                                                    \
	TLN_passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow

struct fix {
	struct signin s;
	struct arena arena;
	struct buf out;
	uint64_t tag; /* of the call taken last */
	uint8_t v[DH_LEN], b[DH_LEN], big_b[DH_LEN];
	int64_t srp_id;
	int states[64], nstates;
};

static struct fix *current;

static struct mono at(int64_t us)
{
	return (struct mono){ us };
}

#define NOW at(1000)

static void observe(const struct sm *sm, int from, int to, const char *why)
{
	(void)sm;
	(void)from;
	assert_non_null(why);
	assert_true(current->nstates < 64);
	current->states[current->nstates++] = to;
}

static int setup(void **state)
{
	static struct fix f;
	const struct signin_config cfg = { .api_id = 77,
					   .api_hash = "cafe",
					   .rnd = rnd_system() };

	memset(&f, 0, sizeof(f));
	current = &f;
	signin_init(&f.s, &cfg, observe, at(0));
	arena_init(&f.arena, 1 << 20);
	buf_init(&f.out, 1 << 20);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	signin_deinit(&f->s);
	arena_deinit(&f->arena);
	buf_deinit(&f->out);
	return 0;
}

static void assert_step(const struct fix *f, enum signin_step want)
{
	if (signin_step(&f->s) != want)
		fail_msg("step %d in state %s (%s), wanted %d",
			 signin_step(&f->s),
			 sm_state_name(&f->s.sm, f->s.sm.state),
			 f->s.failure.ei.msg, want);
}

/* The call that is due must be this function. */
static struct dyn *expect(struct fix *f, uint16_t function)
{
	struct err_info ei = { 0 };
	const uint8_t *body;
	struct tl_reader r;
	struct dyn *d = NULL;
	size_t len;

	assert_step(f, SIGNIN_STEP_SEND);
	signin_take_call(&f->s, &body, &len, &f->tag);
	assert_step(f, SIGNIN_STEP_WAIT);
	body = arena_dup(&f->arena, body, len);
	cursor_read(&r, body, len);
	if (dyn_read(&r, &schema_api_223, &f->arena, &d, &ei))
		fail_msg("%s", ei.msg);
	assert_int_equal(cursor_left(&r), 0);
	assert_string_equal(schema_name_text(d->name),
			    schema_name_text(function));
	return d;
}

static void assert_field(const struct dyn *d, uint16_t field, const char *want)
{
	const struct tl_bytes got = dyn_bytes(d, field);

	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.data, want, got.len);
}

static void write_obj(struct fix *f, const struct dyn *d)
{
	struct err_info ei = { 0 };
	struct tl_writer w;

	buf_reset(&f->out);
	cursor_write(&w, &f->out);
	if (dyn_write(&w, &schema_api_223, d, &ei))
		fail_msg("%s", ei.msg);
}

static void answer(struct fix *f, const struct dyn *d)
{
	write_obj(f, d);
	signin_on_result(&f->s, f->tag, buf_head(&f->out), buf_len(&f->out),
			 NOW);
}

static void push(struct fix *f, const struct dyn *d)
{
	write_obj(f, d);
	signin_on_object(&f->s, buf_head(&f->out), buf_len(&f->out), NOW);
}

static void refuse(struct fix *f, int code, const char *name)
{
	struct rpcerr err;

	rpcerr_classify(&err, code, name, strlen(name));
	signin_on_error(&f->s, f->tag, &err, NOW);
}

static struct dyn *make(struct fix *f, uint16_t name)
{
	return dyn_new(&f->arena, name);
}

static struct dyn *sent_code(struct fix *f, uint16_t type, const char *hash)
{
	struct dyn *d = make(f, TLN_auth_sentCode), *t = make(f, type);

	dyn_set_int(t, TLF_length, 5);
	dyn_set_str(t, TLF_pattern, "+49*");
	dyn_set_str(t, TLF_prefix, "+4930");
	dyn_set_str(t, TLF_email_pattern, "a***@b.c");
	dyn_set_str(t, TLF_url, "https://fragment.com/x");
	dyn_set_str(t, TLF_beginning, "once");
	dyn_set_obj(d, TLF_type, t);
	dyn_set_str(d, TLF_phone_code_hash, hash);
	dyn_set_obj(d, TLF_next_type, make(f, TLN_auth_codeTypeCall));
	dyn_set_int(d, TLF_timeout, 60);
	return d;
}

static struct dyn *authorization(struct fix *f)
{
	struct dyn *d = make(f, TLN_auth_authorization);
	struct dyn *u = make(f, TLN_user);

	dyn_set_bool(u, TLF_self, true);
	dyn_set_int(u, TLF_id, 7770001259);
	dyn_set_str(u, TLF_first_name, "Ada");
	dyn_set_str(u, TLF_last_name, "L\xc3\xb6we");
	dyn_set_str(u, TLF_username, "ada");
	dyn_set_str(u, TLF_phone, "9996610001");
	dyn_set_obj(d, TLF_user, u);
	return d;
}

static void assert_failed(const struct fix *f, enum err rc, const char *name)
{
	assert_step(f, SIGNIN_STEP_FAILED);
	assert_int_equal(f->s.failure.rc, rc);
	assert_string_equal(f->s.failure.name, name);
	assert_true(strlen(f->s.failure.ei.msg) > 5);
	if (name[0])
		assert_true(f->s.failure.advice && *f->s.failure.advice);
	/* nothing secret stays */
	assert_null(f->s.srp);
	assert_null(f->s.token.bytes);
	assert_int_equal(buf_len(&f->s.call), 0);
	assert_string_equal(f->s.code_hash, "");
	assert_string_equal(f->s.qr.url, "");
}

static void to_code(struct fix *f)
{
	signin_start_phone(&f->s, PHONE, NOW);
	expect(f, TLN_auth_sendCode);
	answer(f, sent_code(f, TLN_auth_sentCodeTypeApp, "hash1"));
	assert_step(f, SIGNIN_STEP_ASK_CODE);
}

/* ---- codes */

static void code_is_asked_for_and_handed_in(void **state)
{
	struct fix *f = *state;
	struct dyn *d;

	signin_start_phone(&f->s, PHONE, NOW);
	d = expect(f, TLN_auth_sendCode);
	assert_field(d, TLF_phone_number, "9996610001");
	assert_field(d, TLF_api_hash, "cafe");
	assert_int_equal(dyn_int(d, TLF_api_id, 0), 77);
	assert_true(dyn_is(dyn_obj(d, TLF_settings), TLN_codeSettings));
	answer(f, sent_code(f, TLN_auth_sentCodeTypeApp, "hash1"));
	assert_step(f, SIGNIN_STEP_ASK_CODE);
	assert_int_equal(f->s.code.via, SIGNIN_VIA_APP);
	assert_int_equal(f->s.code.next, SIGNIN_VIA_CALL);
	assert_int_equal(f->s.code.length, 5);
	assert_int_equal(f->s.code.timeout_sec, 60);

	signin_give_code(&f->s, "12345", NOW);
	d = expect(f, TLN_auth_signIn);
	assert_field(d, TLF_phone_number, "9996610001");
	assert_field(d, TLF_phone_code_hash, "hash1");
	assert_field(d, TLF_phone_code, "12345");
	assert_false(dyn_has(d, TLF_email_verification));
	answer(f, authorization(f));
	assert_step(f, SIGNIN_STEP_DONE);
	assert_int_equal(f->s.user.id, 7770001259);
	assert_string_equal(f->s.user.name, "Ada L\xc3\xb6we");
	assert_string_equal(f->s.user.username, "ada");
	assert_false(f->s.user.bot);
	assert_int_equal(buf_len(&f->s.call), 0);
	assert_int_equal(f->nstates, 4);
}

static void all_ways_a_code_travels(void **state)
{
	static const struct {
		uint16_t type;
		enum signin_via via;
		int length;
		const char *hint;
	} all[] = {
		{ TLN_auth_sentCodeTypeSms, SIGNIN_VIA_SMS, 5, "" },
		{ TLN_auth_sentCodeTypeCall, SIGNIN_VIA_CALL, 5, "" },
		{ TLN_auth_sentCodeTypeFlashCall, SIGNIN_VIA_FLASH_CALL, 0,
		  "+49*" },
		{ TLN_auth_sentCodeTypeMissedCall, SIGNIN_VIA_MISSED_CALL, 5,
		  "+4930" },
		{ TLN_auth_sentCodeTypeEmailCode, SIGNIN_VIA_EMAIL, 5,
		  "a***@b.c" },
		{ TLN_auth_sentCodeTypeFragmentSms, SIGNIN_VIA_FRAGMENT, 5,
		  "https://fragment.com/x" },
		{ TLN_auth_sentCodeTypeFirebaseSms, SIGNIN_VIA_FIREBASE, 5,
		  "" },
		{ TLN_auth_sentCodeTypeSmsWord, SIGNIN_VIA_SMS_WORD, 0,
		  "once" },
		{ TLN_auth_sentCodeTypeSmsPhrase, SIGNIN_VIA_SMS_PHRASE, 0,
		  "once" },
	};
	struct fix *f = *state;

	to_code(f);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct dyn *d;

		signin_resend(&f->s, NOW);
		d = expect(f, TLN_auth_resendCode);
		assert_field(d, TLF_phone_code_hash, i ? "hash2" : "hash1");
		answer(f, sent_code(f, all[i].type, "hash2"));
		assert_step(f, SIGNIN_STEP_ASK_CODE);
		assert_int_equal(f->s.code.via, all[i].via);
		assert_int_equal(f->s.code.length, all[i].length);
		assert_string_equal(f->s.code.hint, all[i].hint);
		assert_true(strlen(signin_via_text(f->s.code.via)) > 3);
	}
}

static void code_by_email_proves_the_address(void **state)
{
	struct fix *f = *state;
	struct dyn *d;

	signin_start_phone(&f->s, PHONE, NOW);
	expect(f, TLN_auth_sendCode);
	answer(f, sent_code(f, TLN_auth_sentCodeTypeEmailCode, "h"));
	signin_give_code(&f->s, "654321", NOW);
	d = expect(f, TLN_auth_signIn);
	assert_false(dyn_has(d, TLF_phone_code));
	d = dyn_obj(d, TLF_email_verification);
	assert_true(dyn_is(d, TLN_emailVerificationCode));
	assert_field(d, TLF_code, "654321");
	refuse(f, 400, "EMAIL_CODE_INVALID");
	assert_step(f, SIGNIN_STEP_ASK_CODE);
}

static void address_must_be_set_up_elsewhere(void **state)
{
	struct fix *f = *state;

	signin_start_phone(&f->s, PHONE, NOW);
	expect(f, TLN_auth_sendCode);
	answer(f, sent_code(f, TLN_auth_sentCodeTypeSetUpEmailRequired, "h"));
	assert_failed(f, ERR_FORBIDDEN, "");
	assert_int_equal(f->s.code.via, SIGNIN_VIA_EMAIL_SETUP);
	assert_non_null(strstr(f->s.failure.ei.msg, "official app"));
}

static void wrong_code_may_be_entered_again(void **state)
{
	struct fix *f = *state;
	struct dyn *d;

	to_code(f);
	signin_give_code(&f->s, "11111", NOW);
	expect(f, TLN_auth_signIn);
	refuse(f, 400, "PHONE_CODE_INVALID");
	assert_step(f, SIGNIN_STEP_ASK_CODE);
	assert_string_equal(f->s.problem, "PHONE_CODE_INVALID");
	assert_int_equal(buf_len(&f->s.call), 0);
	/* what cannot be one is not even sent */
	signin_give_code(&f->s, "", NOW);
	assert_step(f, SIGNIN_STEP_ASK_CODE);
	assert_string_equal(f->s.problem, "PHONE_CODE_EMPTY");
	signin_give_code(&f->s, "22222", NOW);
	assert_string_equal(f->s.problem, "");
	d = expect(f, TLN_auth_signIn);
	assert_field(d, TLF_phone_code, "22222");
	assert_field(d, TLF_phone_code_hash, "hash1");
	answer(f, authorization(f));
	assert_step(f, SIGNIN_STEP_DONE);
}

static void no_other_code_keeps_the_first(void **state)
{
	struct fix *f = *state;
	struct dyn *d;

	to_code(f);
	signin_resend(&f->s, NOW);
	expect(f, TLN_auth_resendCode);
	refuse(f, 400, "SEND_CODE_UNAVAILABLE");
	assert_step(f, SIGNIN_STEP_ASK_CODE);
	assert_string_equal(f->s.problem, "SEND_CODE_UNAVAILABLE");
	signin_give_code(&f->s, "12345", NOW);
	d = expect(f, TLN_auth_signIn);
	assert_field(d, TLF_phone_code_hash, "hash1");
}

static void code_taken_back(void **state)
{
	struct fix *f = *state;
	struct dyn *d;

	to_code(f);
	signin_cancel(&f->s, NOW);
	d = expect(f, TLN_auth_cancelCode);
	assert_field(d, TLF_phone_code_hash, "hash1");
	/* the answer is a Bool: true */
	signin_on_result(&f->s, f->tag, "\xb5\x75\x72\x99", 4, NOW);
	assert_failed(f, ERR_CANCELED, "");
}

static void number_lives_elsewhere(void **state)
{
	struct fix *f = *state;
	struct dyn *d;

	signin_start_phone(&f->s, PHONE, NOW);
	expect(f, TLN_auth_sendCode);
	refuse(f, 303, "PHONE_MIGRATE_4");
	assert_step(f, SIGNIN_STEP_MOVE);
	assert_int_equal(f->s.dc_id, 4);
	signin_moved(&f->s, NOW);
	d = expect(f, TLN_auth_sendCode);
	assert_field(d, TLF_phone_number, "9996610001");
	answer(f, sent_code(f, TLN_auth_sentCodeTypeSms, "h4"));
	/* a code is only good where it was asked for */
	signin_give_code(&f->s, "1", NOW);
	expect(f, TLN_auth_signIn);
	refuse(f, 303, "USER_MIGRATE_5");
	assert_int_equal(f->s.dc_id, 5);
	signin_moved(&f->s, NOW);
	expect(f, TLN_auth_sendCode);
}

static void sent_in_circles(void **state)
{
	struct fix *f = *state;
	int i;

	signin_start_phone(&f->s, PHONE, NOW);
	for (i = 0; i < SIGNIN_MOVES_MAX; i++) {
		expect(f, TLN_auth_sendCode);
		refuse(f, 303, i % 2 ? "PHONE_MIGRATE_2" : "NETWORK_MIGRATE_4");
		assert_step(f, SIGNIN_STEP_MOVE);
		signin_moved(&f->s, NOW);
	}
	expect(f, TLN_auth_sendCode);
	refuse(f, 303, "PHONE_MIGRATE_2");
	assert_failed(f, ERR_WRONG_DC, "");
}

static void data_centre_that_cannot_be(void **state)
{
	struct fix *f = *state;

	signin_start_phone(&f->s, PHONE, NOW);
	expect(f, TLN_auth_sendCode);
	refuse(f, 303, "PHONE_MIGRATE_0");
	assert_failed(f, ERR_WRONG_DC, "");
}

static void signed_in_without_a_code(void **state)
{
	struct fix *f = *state;
	struct dyn *d = make(f, TLN_auth_sentCodeSuccess);

	signin_start_phone(&f->s, PHONE, NOW);
	expect(f, TLN_auth_sendCode);
	dyn_set_obj(d, TLF_authorization, authorization(f));
	answer(f, d);
	assert_step(f, SIGNIN_STEP_DONE);
	assert_int_equal(f->s.user.id, 7770001259);
}

static void nobody_has_the_number(void **state)
{
	struct fix *f = *state;

	to_code(f);
	signin_give_code(&f->s, "12345", NOW);
	expect(f, TLN_auth_signIn);
	answer(f, make(f, TLN_auth_authorizationSignUpRequired));
	assert_failed(f, ERR_NOTFOUND, "");
	assert_non_null(strstr(f->s.failure.ei.msg, "official app"));
}

static void payment_is_not_made(void **state)
{
	struct fix *f = *state;

	signin_start_phone(&f->s, PHONE, NOW);
	expect(f, TLN_auth_sendCode);
	answer(f, make(f, TLN_auth_sentCodePaymentRequired));
	assert_failed(f, ERR_FORBIDDEN, "");
}

struct refusal {
	int code;
	const char *name;
	enum err rc;
	int64_t wait_sec;
};

static void fresh(struct fix *f)
{
	void *state;

	signin_deinit(&f->s);
	arena_deinit(&f->arena);
	buf_deinit(&f->out);
	setup(&state);
}

static void refusals_of_a_number(void **state)
{
	static const struct refusal all[] = {
		{ 400, "PHONE_NUMBER_INVALID", ERR_INVALID, 0 },
		{ 400, "PHONE_NUMBER_BANNED", ERR_BANNED, 0 },
		{ 400, "PHONE_NUMBER_FLOOD", ERR_FLOOD, 0 },
		{ 420, "FLOOD_WAIT_86400", ERR_FLOOD, 86400 },
		{ 406, "PHONE_PASSWORD_FLOOD", ERR_FLOOD, 0 },
		{ 400, "PHONE_PASSWORD_PROTECTED", ERR_FORBIDDEN, 0 },
		{ 400, "API_ID_INVALID", ERR_INVALID, 0 },
		{ 400, "API_ID_PUBLISHED_FLOOD", ERR_INVALID, 0 },
		{ 406, "UPDATE_APP_TO_LOGIN", ERR_FORBIDDEN, 0 },
		{ 400, "SOMETHING_NOBODY_KNOWS", ERR_RPC, 0 },
	};
	struct fix *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		fresh(f);
		signin_start_phone(&f->s, PHONE, NOW);
		expect(f, TLN_auth_sendCode);
		refuse(f, all[i].code, all[i].name);
		assert_failed(f, all[i].rc, all[i].name);
		assert_int_equal(f->s.failure.wait_sec, all[i].wait_sec);
	}
}

static void refusals_of_a_code(void **state)
{
	static const struct refusal all[] = {
		{ 400, "PHONE_CODE_EXPIRED", ERR_INVALID, 0 },
		{ 400, "PHONE_NUMBER_UNOCCUPIED", ERR_NOTFOUND, 0 },
		{ 420, "FLOOD_WAIT_300", ERR_FLOOD, 300 },
		{ 401, "USER_DEACTIVATED_BAN", ERR_BANNED, 0 },
	};
	struct fix *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		fresh(f);
		to_code(f);
		signin_give_code(&f->s, "12345", NOW);
		expect(f, TLN_auth_signIn);
		refuse(f, all[i].code, all[i].name);
		assert_failed(f, all[i].rc, all[i].name);
		assert_int_equal(f->s.failure.wait_sec, all[i].wait_sec);
	}
}

static void trouble_at_the_server_is_tried_again(void **state)
{
	struct fix *f = *state;
	uint64_t first;

	signin_start_phone(&f->s, PHONE, NOW);
	expect(f, TLN_auth_sendCode);
	first = f->tag;
	refuse(f, 500, "RPC_CALL_FAIL");
	expect(f, TLN_auth_sendCode);
	assert_int_not_equal(f->tag, first);
	refuse(f, -503, "Timeout");
	expect(f, TLN_auth_sendCode);
	refuse(f, 500, "RPC_CALL_FAIL");
	assert_failed(f, ERR_UNAVAILABLE, "RPC_CALL_FAIL");
}

static void begins_again_once(void **state)
{
	struct fix *f = *state;

	to_code(f);
	signin_give_code(&f->s, "12345", NOW);
	expect(f, TLN_auth_signIn);
	refuse(f, 500, "AUTH_RESTART");
	expect(f, TLN_auth_sendCode);
	refuse(f, 500, "AUTH_RESTART");
	assert_failed(f, ERR_UNAVAILABLE, "AUTH_RESTART");
}

static void answers_of_another_call_are_ignored(void **state)
{
	struct fix *f = *state;
	struct rpcerr err;

	to_code(f);
	rpcerr_classify(&err, 400, "PHONE_NUMBER_BANNED", 19);
	signin_on_error(&f->s, f->tag, &err, NOW);
	assert_step(f, SIGNIN_STEP_ASK_CODE);
	signin_give_code(&f->s, "12345", NOW);
	/* not sent yet */
	signin_on_error(&f->s, f->tag + 1, &err, NOW);
	assert_step(f, SIGNIN_STEP_SEND);
	expect(f, TLN_auth_signIn);
	signin_on_error(&f->s, f->tag - 1, &err, NOW);
	signin_on_failure(&f->s, f->tag + 1, ERR_TIMEOUT, NOW);
	assert_step(f, SIGNIN_STEP_WAIT);
	/* words out of place */
	signin_give_code(&f->s, "1", NOW);
	signin_give_password(&f->s, "x", NOW);
	signin_resend(&f->s, NOW);
	signin_refresh(&f->s, NOW);
	signin_cancel(&f->s, NOW);
	signin_moved(&f->s, NOW);
	assert_step(f, SIGNIN_STEP_WAIT);
	signin_on_failure(&f->s, f->tag, ERR_TIMEOUT, NOW);
	assert_failed(f, ERR_TIMEOUT, "");
}

static void nonsense_ends_it(void **state)
{
	struct fix *f = *state;

	for (size_t cut = 1; cut <= 32; cut++) {
		fresh(f);
		signin_start_phone(&f->s, PHONE, NOW);
		expect(f, TLN_auth_sendCode);
		write_obj(f, sent_code(f, TLN_auth_sentCodeTypeApp, "hash1"));
		assert_true(buf_len(&f->out) >= cut);
		signin_on_result(&f->s, f->tag, buf_head(&f->out),
				 buf_len(&f->out) - cut, NOW);
		if (signin_step(&f->s) == SIGNIN_STEP_ASK_CODE)
			fail_msg("all but %zu bytes were believed", cut);
		assert_failed(f, ERR_PROTO, "");
	}
	fresh(f);
	to_code(f);
	signin_give_code(&f->s, "12345", NOW);
	expect(f, TLN_auth_signIn);
	answer(f, sent_code(f, TLN_auth_sentCodeTypeApp, "hash1"));
	assert_failed(f, ERR_PROTO, "");
	fresh(f);
	signin_start_phone(&f->s, PHONE, NOW);
	expect(f, TLN_auth_sendCode);
	answer(f, sent_code(f, TLN_auth_sentCodeTypeApp, ""));
	assert_failed(f, ERR_PROTO, "");
}

static void numbers_that_are_none(void **state)
{
	static const char *const all[] = {
		"", "@ada", "hello", "12x45",
		"12345678901234567890123456789012345"
	};
	struct fix *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		fresh(f);
		signin_start_phone(&f->s, all[i], NOW);
		assert_failed(f, ERR_INVALID, "");
	}
}

/* ---- passwords */

static const struct srp_algo algo = { .salt1 = (const uint8_t *)SALT1,
				      .salt1_len = sizeof(SALT1) - 1,
				      .salt2 = (const uint8_t *)SALT2,
				      .salt2_len = sizeof(SALT2) - 1,
				      .g = 3,
				      .p = dh_known_prime,
				      .p_len = DH_LEN };

static struct dyn *password_info(struct fix *f, const char *password)
{
	struct dyn *d = make(f, TLN_account_password), *k = make(f, KDF);

	assert_int_equal(srp_verifier(&algo, password, f->v, NULL), 0);
	rnd_fill(rnd_system(), f->b, sizeof(f->b));
	assert_int_equal(srp_server_b(&algo, f->v, f->b, f->big_b, NULL), 0);
	f->srp_id++;
	dyn_set_bytes(k, TLF_salt1, algo.salt1, algo.salt1_len);
	dyn_set_bytes(k, TLF_salt2, algo.salt2, algo.salt2_len);
	dyn_set_int(k, TLF_g, algo.g);
	dyn_set_bytes(k, TLF_p, algo.p, algo.p_len);
	dyn_set_bool(d, TLF_has_password, true);
	dyn_set_bool(d, TLF_has_recovery, true);
	dyn_set_obj(d, TLF_current_algo, k);
	dyn_set_bytes(d, TLF_srp_B, f->big_b, DH_LEN);
	dyn_set_int(d, TLF_srp_id, f->srp_id);
	dyn_set_str(d, TLF_hint, "the usual");
	dyn_set_bytes(d, TLF_secure_random, "x", 1);
	return d;
}

static void to_password(struct fix *f, const char *password)
{
	to_code(f);
	signin_give_code(&f->s, "12345", NOW);
	expect(f, TLN_auth_signIn);
	refuse(f, 401, "SESSION_PASSWORD_NEEDED");
	expect(f, TLN_account_getPassword);
	answer(f, password_info(f, password));
	assert_step(f, SIGNIN_STEP_ASK_PASSWORD);
	assert_string_equal(f->s.hint, "the usual");
	assert_true(f->s.has_recovery);
}

static void prove(struct fix *f, const char *password)
{
	if (password)
		signin_give_password(&f->s, password, NOW);
	assert_step(f, SIGNIN_STEP_WORK);
	signin_work(&f->s);
	signin_worked(&f->s, NOW);
}

/* Does the proof convince the server? */
static enum err check(struct fix *f, const struct dyn *call)
{
	const struct dyn *p = dyn_obj(call, TLF_password);
	const struct tl_bytes a = dyn_bytes(p, TLF_A), m = dyn_bytes(p, TLF_M1);
	struct srp_proof proof;

	assert_true(dyn_is(p, TLN_inputCheckPasswordSRP));
	assert_int_equal(dyn_int(p, TLF_srp_id, 0), f->srp_id);
	assert_int_equal(a.len, sizeof(proof.a));
	assert_int_equal(m.len, sizeof(proof.m1));
	memcpy(proof.a, a.data, a.len);
	memcpy(proof.m1, m.data, m.len);
	return srp_server_check(&algo, f->v, f->b, &proof, NULL);
}

static void password_is_proven(void **state)
{
	struct fix *f = *state;
	struct dyn *d;

	to_password(f, "p\xc3\xa4ssword");
	prove(f, "p\xc3\xa4ssword");
	d = expect(f, TLN_auth_checkPassword);
	assert_int_equal(check(f, d), ERR_OK);
	answer(f, authorization(f));
	assert_step(f, SIGNIN_STEP_DONE);
	assert_null(f->s.srp);
}

static void wrong_password_is_asked_for_again(void **state)
{
	struct fix *f = *state;
	struct dyn *d;

	to_password(f, "right");
	prove(f, "wrong");
	d = expect(f, TLN_auth_checkPassword);
	assert_int_equal(check(f, d), ERR_UNAUTHORIZED);
	refuse(f, 400, "PASSWORD_HASH_INVALID");
	assert_null(f->s.srp->password.bytes);
	/* the old parameters are used up */
	expect(f, TLN_account_getPassword);
	answer(f, password_info(f, "right"));
	assert_step(f, SIGNIN_STEP_ASK_PASSWORD);
	assert_string_equal(f->s.problem, "PASSWORD_HASH_INVALID");
	prove(f, "right");
	assert_string_equal(f->s.problem, "");
	d = expect(f, TLN_auth_checkPassword);
	assert_int_equal(check(f, d), ERR_OK);
	answer(f, authorization(f));
	assert_step(f, SIGNIN_STEP_DONE);
}

static void outdated_proof_is_made_again_once(void **state)
{
	struct fix *f = *state;
	struct dyn *d;

	to_password(f, "right");
	prove(f, "right");
	expect(f, TLN_auth_checkPassword);
	refuse(f, 400, "SRP_ID_INVALID");
	expect(f, TLN_account_getPassword);
	answer(f, password_info(f, "right"));
	prove(f, NULL);
	d = expect(f, TLN_auth_checkPassword);
	assert_int_equal(check(f, d), ERR_OK);
	refuse(f, 400, "SRP_ID_INVALID");
	assert_failed(f, ERR_UNAVAILABLE, "SRP_ID_INVALID");
}

static void password_flood(void **state)
{
	struct fix *f = *state;

	to_password(f, "right");
	prove(f, "wrong");
	expect(f, TLN_auth_checkPassword);
	refuse(f, 420, "FLOOD_WAIT_1800");
	assert_failed(f, ERR_FLOOD, "FLOOD_WAIT_1800");
	assert_int_equal(f->s.failure.wait_sec, 1800);
}

static struct dyn *altered_algo(struct fix *f, struct dyn *info, uint16_t name)
{
	struct dyn *k = make(f, name);

	dyn_set_bytes(k, TLF_salt1, SALT1, 8);
	dyn_set_bytes(k, TLF_salt2, SALT2, 8);
	dyn_set_int(k, TLF_g, 3);
	dyn_set_bytes(k, TLF_p, dh_known_prime, DH_LEN);
	dyn_set_obj(info, TLF_current_algo, k);
	return k;
}

static void to_fetching(struct fix *f)
{
	fresh(f);
	to_code(f);
	signin_give_code(&f->s, "12345", NOW);
	expect(f, TLN_auth_signIn);
	refuse(f, 401, "SESSION_PASSWORD_NEEDED");
	expect(f, TLN_account_getPassword);
}

static void parameters_that_are_refused(void **state)
{
	static const uint8_t big[SRP_SALT_MAX + 1] = { 1 };
	uint8_t even[DH_LEN];
	struct fix *f = *state;
	struct dyn *d;

	to_fetching(f);
	d = password_info(f, "x");
	altered_algo(f, d, TLN_passwordKdfAlgoUnknown);
	answer(f, d);
	assert_failed(f, ERR_UNAVAILABLE, "");
	assert_non_null(strstr(f->s.failure.ei.msg, "update tgfleet"));

	to_fetching(f);
	d = password_info(f, "x");
	dyn_set_bytes(altered_algo(f, d, KDF), TLF_p, dh_known_prime, 255);
	answer(f, d);
	assert_failed(f, ERR_PROTO, "");

	to_fetching(f);
	d = password_info(f, "x");
	dyn_set_bytes(altered_algo(f, d, KDF), TLF_salt1, big, sizeof(big));
	answer(f, d);
	assert_failed(f, ERR_PROTO, "");

	to_fetching(f);
	d = password_info(f, "x");
	dyn_set_bytes(d, TLF_srp_B, big, sizeof(big));
	answer(f, d);
	assert_failed(f, ERR_PROTO, "");

	to_fetching(f);
	d = make(f, TLN_account_password);
	answer(f, d);
	assert_failed(f, ERR_PROTO, "");

	/* found by the work itself: no prime */
	to_fetching(f);
	d = password_info(f, "x");
	memcpy(even, dh_known_prime, DH_LEN);
	even[DH_LEN - 1] &= 0xfe;
	dyn_set_bytes(altered_algo(f, d, KDF), TLF_p, even, DH_LEN);
	answer(f, d);
	prove(f, "x");
	assert_failed(f, ERR_PROTO, "");
}

static void password_not_given(void **state)
{
	struct fix *f = *state;

	to_password(f, "right");
	signin_cancel(&f->s, NOW);
	assert_failed(f, ERR_CANCELED, "");
}

/* ---- QR codes */

static struct dyn *login_token(struct fix *f, const char *token)
{
	struct dyn *d = make(f, TLN_auth_loginToken);

	dyn_set_int(d, TLF_expires, 1700000030);
	dyn_set_bytes(d, TLF_token, token, strlen(token));
	return d;
}

static struct dyn *login_success(struct fix *f)
{
	struct dyn *d = make(f, TLN_auth_loginTokenSuccess);

	dyn_set_obj(d, TLF_authorization, authorization(f));
	return d;
}

static void to_scan(struct fix *f)
{
	signin_start_qr(&f->s, NOW);
	expect(f, TLN_auth_exportLoginToken);
	answer(f, login_token(f, "\xff\xfe?>token"));
	assert_step(f, SIGNIN_STEP_ASK_SCAN);
}

static void push_scanned(struct fix *f, uint16_t name)
{
	struct dyn *u = make(f, TLN_updateShort);

	dyn_set_obj(u, TLF_update, make(f, name));
	push(f, u);
}

static void qr_code_is_scanned(void **state)
{
	struct fix *f = *state;
	struct dyn *d;

	signin_start_qr(&f->s, NOW);
	d = expect(f, TLN_auth_exportLoginToken);
	assert_int_equal(dyn_int(d, TLF_api_id, 0), 77);
	assert_field(d, TLF_api_hash, "cafe");
	assert_int_equal(dyn_len(dyn_vec(d, TLF_except_ids)), 0);
	answer(f, login_token(f, "\xff\xfe?>token"));
	assert_step(f, SIGNIN_STEP_ASK_SCAN);
	/* url-safe, not padded */
	assert_string_equal(f->s.qr.url, "tg://login?token=__4_PnRva2Vu");
	assert_int_equal(f->s.qr.expires, 1700000030);

	/* too old: another one */
	signin_refresh(&f->s, NOW);
	expect(f, TLN_auth_exportLoginToken);
	answer(f, login_token(f, "two"));
	assert_string_equal(f->s.qr.url, "tg://login?token=dHdv");

	push_scanned(f, TLN_updateConfig);
	assert_step(f, SIGNIN_STEP_ASK_SCAN);
	push_scanned(f, TLN_updateLoginToken);
	expect(f, TLN_auth_exportLoginToken);
	answer(f, login_success(f));
	assert_step(f, SIGNIN_STEP_DONE);
	assert_int_equal(f->s.user.id, 7770001259);
}

static void scan_told_among_other_updates(void **state)
{
	struct fix *f = *state;
	struct dyn *u = make(f, TLN_updates);
	struct dyn_vec *v = dyn_add_vec(u, TLF_updates);

	to_scan(f);
	signin_on_object(&f->s, "\0\0\0", 3, NOW);
	assert_step(f, SIGNIN_STEP_ASK_SCAN);
	dyn_push_obj(v, make(f, TLN_updateConfig));
	dyn_push_obj(v, make(f, TLN_updateLoginToken));
	dyn_add_vec(u, TLF_users);
	dyn_add_vec(u, TLF_chats);
	push(f, u);
	assert_step(f, SIGNIN_STEP_SEND);
}

static void scanned_by_somebody_of_another_dc(void **state)
{
	struct fix *f = *state;
	struct dyn *d = make(f, TLN_auth_loginTokenMigrateTo);

	to_scan(f);
	push_scanned(f, TLN_updateLoginToken);
	expect(f, TLN_auth_exportLoginToken);
	dyn_set_int(d, TLF_dc_id, 5);
	dyn_set_bytes(d, TLF_token, "there", 5);
	answer(f, d);
	assert_step(f, SIGNIN_STEP_MOVE);
	assert_int_equal(f->s.dc_id, 5);
	signin_moved(&f->s, NOW);
	d = expect(f, TLN_auth_importLoginToken);
	assert_field(d, TLF_token, "there");
	answer(f, login_success(f));
	assert_step(f, SIGNIN_STEP_DONE);
}

static void scanned_by_somebody_with_a_password(void **state)
{
	struct fix *f = *state;
	struct dyn *d;

	to_scan(f);
	push_scanned(f, TLN_updateLoginToken);
	expect(f, TLN_auth_exportLoginToken);
	refuse(f, 401, "SESSION_PASSWORD_NEEDED");
	expect(f, TLN_account_getPassword);
	answer(f, password_info(f, "right"));
	prove(f, "right");
	d = expect(f, TLN_auth_checkPassword);
	assert_int_equal(check(f, d), ERR_OK);
	answer(f, authorization(f));
	assert_step(f, SIGNIN_STEP_DONE);
}

static void token_too_old_to_import(void **state)
{
	struct fix *f = *state;
	struct dyn *d = make(f, TLN_auth_loginTokenMigrateTo);

	to_scan(f);
	signin_refresh(&f->s, NOW);
	expect(f, TLN_auth_exportLoginToken);
	dyn_set_int(d, TLF_dc_id, 5);
	dyn_set_bytes(d, TLF_token, "there", 5);
	answer(f, d);
	signin_moved(&f->s, NOW);
	expect(f, TLN_auth_importLoginToken);
	refuse(f, 400, "AUTH_TOKEN_EXPIRED");
	expect(f, TLN_auth_exportLoginToken);
	answer(f, d);
	signin_moved(&f->s, NOW);
	expect(f, TLN_auth_importLoginToken);
	refuse(f, 400, "AUTH_TOKEN_EXPIRED");
	assert_failed(f, ERR_INVALID, "AUTH_TOKEN_EXPIRED");
}

static void qr_code_given_up(void **state)
{
	struct fix *f = *state;

	to_scan(f);
	signin_cancel(&f->s, NOW);
	assert_failed(f, ERR_CANCELED, "");
}

/* ---- bots, log-out, the end */

static void bot_signs_in(void **state)
{
	struct fix *f = *state;
	struct dyn *d;

	signin_start_bot(&f->s, "123:abc", NOW);
	d = expect(f, TLN_auth_importBotAuthorization);
	assert_field(d, TLF_bot_auth_token, "123:abc");
	assert_int_equal(dyn_int(d, TLF_api_id, 0), 77);
	refuse(f, 303, "USER_MIGRATE_3");
	assert_step(f, SIGNIN_STEP_MOVE);
	signin_moved(&f->s, NOW);
	d = expect(f, TLN_auth_importBotAuthorization);
	assert_field(d, TLF_bot_auth_token, "123:abc");
	answer(f, authorization(f));
	assert_step(f, SIGNIN_STEP_DONE);
	assert_null(f->s.token.bytes);
}

static void bot_with_a_bad_token(void **state)
{
	struct fix *f = *state;

	signin_start_bot(&f->s, "", NOW);
	assert_failed(f, ERR_INVALID, "");
	fresh(f);
	signin_start_bot(&f->s, "123:abc", NOW);
	expect(f, TLN_auth_importBotAuthorization);
	refuse(f, 400, "ACCESS_TOKEN_INVALID");
	assert_failed(f, ERR_INVALID, "ACCESS_TOKEN_INVALID");
	fresh(f);
	signin_start_bot(&f->s, "123:abc", NOW);
	expect(f, TLN_auth_importBotAuthorization);
	refuse(f, 400, "ACCESS_TOKEN_EXPIRED");
	assert_failed(f, ERR_AUTH_GONE, "ACCESS_TOKEN_EXPIRED");
}

static void logs_out(void **state)
{
	struct fix *f = *state;

	signin_start_log_out(&f->s, NOW);
	expect(f, TLN_auth_logOut);
	answer(f, make(f, TLN_auth_loggedOut));
	assert_step(f, SIGNIN_STEP_DONE);
	fresh(f);
	signin_start_log_out(&f->s, NOW);
	expect(f, TLN_auth_logOut);
	refuse(f, 401, "AUTH_KEY_UNREGISTERED");
	assert_failed(f, ERR_AUTH_GONE, "AUTH_KEY_UNREGISTERED");
}

static void world_outside_fails(void **state)
{
	struct fix *f = *state;
	struct err_info ei = { .msg = "no address for data centre 9" };

	to_code(f);
	signin_fail(&f->s, ERR_NOTFOUND, &ei, NOW);
	assert_failed(f, ERR_NOTFOUND, "");
	assert_string_equal(f->s.failure.ei.msg, ei.msg);
	/* the first reason stays */
	signin_fail(&f->s, ERR_IO, NULL, NOW);
	assert_failed(f, ERR_NOTFOUND, "");
}

static void every_state_is_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < signin_sm_class.nstates; i++) {
		const struct sm_state *s = &signin_sm_class.states[i];

		assert_true(strlen(signin_state_help((enum signin_state)i)) >
			    3);
		/* only the ends have no way out, and all can fail */
		if (i == SIGNIN_DONE || i == SIGNIN_FAILED)
			assert_true(s->to == 0 && s->flags & SM_FINAL);
		else
			assert_true(s->to & SM_TO(SIGNIN_FAILED));
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(code_is_asked_for_and_handed_in),
		T(all_ways_a_code_travels),
		T(code_by_email_proves_the_address),
		T(address_must_be_set_up_elsewhere),
		T(wrong_code_may_be_entered_again),
		T(no_other_code_keeps_the_first),
		T(code_taken_back),
		T(number_lives_elsewhere),
		T(sent_in_circles),
		T(data_centre_that_cannot_be),
		T(signed_in_without_a_code),
		T(nobody_has_the_number),
		T(payment_is_not_made),
		T(refusals_of_a_number),
		T(refusals_of_a_code),
		T(trouble_at_the_server_is_tried_again),
		T(begins_again_once),
		T(answers_of_another_call_are_ignored),
		T(nonsense_ends_it),
		T(numbers_that_are_none),
		T(password_is_proven),
		T(wrong_password_is_asked_for_again),
		T(outdated_proof_is_made_again_once),
		T(password_flood),
		T(parameters_that_are_refused),
		T(password_not_given),
		T(qr_code_is_scanned),
		T(scan_told_among_other_updates),
		T(scanned_by_somebody_of_another_dc),
		T(scanned_by_somebody_with_a_password),
		T(token_too_old_to_import),
		T(qr_code_given_up),
		T(bot_signs_in),
		T(bot_with_a_bad_token),
		T(logs_out),
		T(world_outside_fails),
		T(every_state_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
