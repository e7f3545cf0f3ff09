/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/bug.h"
#include "tg/signin_int.h"

static struct tl_bytes text(const char *s)
{
	return (struct tl_bytes){ (const uint8_t *)s, strlen(s) };
}

static enum err put(struct signin *s, uint16_t function, const void *args,
		    struct err_info *ei)
{
	struct tl_writer w;

	cursor_write(&w, &s->call);
	s->function = function;
	return bind_write(&w, function, args, ei);
}

static enum err send_code(struct signin *s, struct err_info *ei)
{
	struct tlc_codeSettings settings = { 0 };
	const struct tlf_auth_sendCode f = {
		.phone_number = text(s->phone),
		.api_id = s->cfg.api_id,
		.api_hash = text(s->cfg.api_hash),
		.settings = { .kind = TLN_codeSettings,
			      .codeSettings = &settings },
	};

	return put(s, TLN_auth_sendCode, &f, ei);
}

enum err signin_write_resend(struct signin *s, struct err_info *ei)
{
	const struct tlf_auth_resendCode f = {
		.phone_number = text(s->phone),
		.phone_code_hash = text(s->code_hash),
	};

	return put(s, TLN_auth_resendCode, &f, ei);
}

static enum err cancel_code(struct signin *s, struct err_info *ei)
{
	const struct tlf_auth_cancelCode f = {
		.phone_number = text(s->phone),
		.phone_code_hash = text(s->code_hash),
	};

	return put(s, TLN_auth_cancelCode, &f, ei);
}

/* A code from an e-mail proves the address, not the number. */
static enum err hand_in_code(struct signin *s, const char *code,
			     struct err_info *ei)
{
	struct tlc_emailVerificationCode email = { .code = text(code) };
	struct tlf_auth_signIn f = {
		.phone_number = text(s->phone),
		.phone_code_hash = text(s->code_hash),
	};

	if (s->by_email) {
		f.has_email_verification = true;
		f.email_verification.kind = TLN_emailVerificationCode;
		f.email_verification.emailVerificationCode = &email;
	} else {
		f.has_phone_code = true;
		f.phone_code = text(code);
	}
	return put(s, TLN_auth_signIn, &f, ei);
}

static enum err export_token(struct signin *s, struct err_info *ei)
{
	const struct tlf_auth_exportLoginToken f = {
		.api_id = s->cfg.api_id,
		.api_hash = text(s->cfg.api_hash),
	};

	return put(s, TLN_auth_exportLoginToken, &f, ei);
}

static struct tl_bytes token(const struct signin *s)
{
	return (struct tl_bytes){ s->token.bytes, s->token.len };
}

static enum err import_token(struct signin *s, struct err_info *ei)
{
	const struct tlf_auth_importLoginToken f = { .token = token(s) };

	return put(s, TLN_auth_importLoginToken, &f, ei);
}

static enum err import_bot(struct signin *s, struct err_info *ei)
{
	const struct tlf_auth_importBotAuthorization f = {
		.api_id = s->cfg.api_id,
		.api_hash = text(s->cfg.api_hash),
		.bot_auth_token = token(s),
	};

	return put(s, TLN_auth_importBotAuthorization, &f, ei);
}

static enum err check_password(struct signin *s, struct err_info *ei)
{
	struct tlc_inputCheckPasswordSRP proof = {
		.srp_id = s->srp->id,
		.A = { s->srp->proof.a, sizeof(s->srp->proof.a) },
		.M1 = { s->srp->proof.m1, sizeof(s->srp->proof.m1) },
	};
	const struct tlf_auth_checkPassword f = {
		.password = { .kind = TLN_inputCheckPasswordSRP,
			      .inputCheckPasswordSRP = &proof },
	};

	return put(s, TLN_auth_checkPassword, &f, ei);
}

enum err signin_write_call(struct signin *s, const char *code,
			   struct err_info *ei)
{
	static const struct tlf_account_getPassword get_password;
	static const struct tlf_auth_logOut log_out;

	switch (signin_state(s)) {
	case SIGNIN_SENDING:
		return send_code(s, ei);
	case SIGNIN_SIGNING_IN:
		return hand_in_code(s, code, ei);
	case SIGNIN_CANCELING:
		return cancel_code(s, ei);
	case SIGNIN_EXPORTING:
		return export_token(s, ei);
	case SIGNIN_IMPORTING:
		return import_token(s, ei);
	case SIGNIN_BOT:
		return import_bot(s, ei);
	case SIGNIN_FETCHING:
		return put(s, TLN_account_getPassword, &get_password, ei);
	case SIGNIN_CHECKING:
		return check_password(s, ei);
	case SIGNIN_LEAVING:
		return put(s, TLN_auth_logOut, &log_out, ei);
	default:
		BUG_ON(true);
		return ERR_INVALID;
	}
}
