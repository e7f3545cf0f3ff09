/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tg/signin_int.h"

#define ANSWER_MAX (1U << 20) /* decoded */

/* Foreign text into a fixed field: what does not fit is cut. */
static void copy(char *dst, size_t size, struct tl_bytes in)
{
	size_t n = in.len < size - 1 ? in.len : size - 1;

	/* not inside a character */
	while (n < in.len && n > 0 && (in.data[n] & 0xc0) == 0x80)
		n--;
	if (n)
		memcpy(dst, in.data, n);
	for (size_t i = 0; i < n; i++)
		if (in.data[i] < ' ')
			dst[i] = '?'; /* it may end on a terminal */
	dst[n] = '\0';
}

static enum err no_sense(const struct signin *s, struct err_info *ei)
{
	return err_set(ei, ERR_PROTO, "%s: an answer that makes no sense",
		       signin_state_help(signin_state(s)));
}

/* ---- the user */

static void take_user(struct signin *s, const struct tlc_user *u)
{
	char first[64] = "", last[64] = "";

	s->user.id = u->id;
	s->user.bot = u->bot;
	if (u->has_first_name)
		copy(first, sizeof(first), u->first_name);
	if (u->has_last_name)
		copy(last, sizeof(last), u->last_name);
	snprintf(s->user.name, sizeof(s->user.name), "%s%s%s", first,
		 first[0] && last[0] ? " " : "", last);
	if (u->has_username)
		copy(s->user.username, sizeof(s->user.username), u->username);
	if (u->has_phone)
		copy(s->user.phone, sizeof(s->user.phone), u->phone);
}

static enum err on_authorization(struct signin *s,
				 const struct tlt_auth_Authorization *a,
				 struct mono now, struct err_info *ei)
{
	if (a->kind == TLN_auth_authorizationSignUpRequired)
		return err_set(ei, ERR_NOTFOUND,
			       "no account has this number; create it in an "
			       "official app first");
	if (a->kind != TLN_auth_authorization ||
	    a->auth_authorization->user.kind != TLN_user)
		return no_sense(s, ei);
	take_user(s, a->auth_authorization->user.user);
	signin_to(s, SIGNIN_DONE, "signed in", now);
	return ERR_OK;
}

/* ---- codes */

static enum signin_via via_of(uint16_t kind)
{
	static const struct {
		uint16_t kind;
		enum signin_via via;
	} all[] = {
		{ TLN_auth_sentCodeTypeApp, SIGNIN_VIA_APP },
		{ TLN_auth_sentCodeTypeSms, SIGNIN_VIA_SMS },
		{ TLN_auth_sentCodeTypeCall, SIGNIN_VIA_CALL },
		{ TLN_auth_sentCodeTypeFlashCall, SIGNIN_VIA_FLASH_CALL },
		{ TLN_auth_sentCodeTypeMissedCall, SIGNIN_VIA_MISSED_CALL },
		{ TLN_auth_sentCodeTypeEmailCode, SIGNIN_VIA_EMAIL },
		{ TLN_auth_sentCodeTypeSetUpEmailRequired,
		  SIGNIN_VIA_EMAIL_SETUP },
		{ TLN_auth_sentCodeTypeFragmentSms, SIGNIN_VIA_FRAGMENT },
		{ TLN_auth_sentCodeTypeFirebaseSms, SIGNIN_VIA_FIREBASE },
		{ TLN_auth_sentCodeTypeSmsWord, SIGNIN_VIA_SMS_WORD },
		{ TLN_auth_sentCodeTypeSmsPhrase, SIGNIN_VIA_SMS_PHRASE },
		{ TLN_auth_codeTypeSms, SIGNIN_VIA_SMS },
		{ TLN_auth_codeTypeCall, SIGNIN_VIA_CALL },
		{ TLN_auth_codeTypeFlashCall, SIGNIN_VIA_FLASH_CALL },
		{ TLN_auth_codeTypeMissedCall, SIGNIN_VIA_MISSED_CALL },
		{ TLN_auth_codeTypeFragmentSms, SIGNIN_VIA_FRAGMENT },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].kind == kind)
			return all[i].via;
	return SIGNIN_VIA_UNKNOWN;
}

static void take_details(struct signin_code *c,
			 const struct tlt_auth_SentCodeType *t)
{
	struct tl_bytes hint = { 0 };

	switch (t->kind) {
	case TLN_auth_sentCodeTypeApp:
		c->length = t->auth_sentCodeTypeApp->length;
		break;
	case TLN_auth_sentCodeTypeSms:
		c->length = t->auth_sentCodeTypeSms->length;
		break;
	case TLN_auth_sentCodeTypeCall:
		c->length = t->auth_sentCodeTypeCall->length;
		break;
	case TLN_auth_sentCodeTypeFlashCall:
		hint = t->auth_sentCodeTypeFlashCall->pattern;
		break;
	case TLN_auth_sentCodeTypeMissedCall:
		c->length = t->auth_sentCodeTypeMissedCall->length;
		hint = t->auth_sentCodeTypeMissedCall->prefix;
		break;
	case TLN_auth_sentCodeTypeEmailCode:
		c->length = t->auth_sentCodeTypeEmailCode->length;
		hint = t->auth_sentCodeTypeEmailCode->email_pattern;
		break;
	case TLN_auth_sentCodeTypeFragmentSms:
		c->length = t->auth_sentCodeTypeFragmentSms->length;
		hint = t->auth_sentCodeTypeFragmentSms->url;
		break;
	case TLN_auth_sentCodeTypeFirebaseSms:
		c->length = t->auth_sentCodeTypeFirebaseSms->length;
		break;
	case TLN_auth_sentCodeTypeSmsWord:
		hint = t->auth_sentCodeTypeSmsWord->beginning;
		break;
	case TLN_auth_sentCodeTypeSmsPhrase:
		hint = t->auth_sentCodeTypeSmsPhrase->beginning;
		break;
	default:
		break;
	}
	if (c->length < 0 || c->length > 64)
		c->length = 0;
	copy(c->hint, sizeof(c->hint), hint);
}

static enum err take_code(struct signin *s, const struct tlc_auth_sentCode *c,
			  struct mono now, struct err_info *ei)
{
	s->code = (struct signin_code){ .via = via_of(c->type.kind) };
	take_details(&s->code, &c->type);
	if (c->has_next_type)
		s->code.next = via_of(c->next_type.kind);
	if (c->has_timeout && c->timeout > 0)
		s->code.timeout_sec = c->timeout;
	s->by_email = s->code.via == SIGNIN_VIA_EMAIL;
	if (s->code.via == SIGNIN_VIA_EMAIL_SETUP)
		return err_set(ei, ERR_FORBIDDEN,
			       "Telegram wants an e-mail address for signing "
			       "in to this account; set it in an official app "
			       "first");
	if (!c->phone_code_hash.len ||
	    c->phone_code_hash.len >= sizeof(s->code_hash) ||
	    memchr(c->phone_code_hash.data, 0, c->phone_code_hash.len))
		return no_sense(s, ei);
	memcpy(s->code_hash, c->phone_code_hash.data, c->phone_code_hash.len);
	s->code_hash[c->phone_code_hash.len] = '\0';
	signin_to(s, SIGNIN_CODE, "code sent", now);
	return ERR_OK;
}

static enum err on_sent_code(struct signin *s, struct tl_reader *r,
			     struct arena *a, struct mono now,
			     struct err_info *ei)
{
	struct tlt_auth_SentCode c;
	enum err rc = tlt_auth_SentCode_read(r, a, &c, ei);

	if (rc)
		return rc;
	switch (c.kind) {
	case TLN_auth_sentCode:
		return take_code(s, c.auth_sentCode, now, ei);
	case TLN_auth_sentCodeSuccess:
		return on_authorization(
			s, &c.auth_sentCodeSuccess->authorization, now, ei);
	case TLN_auth_sentCodePaymentRequired:
		return err_set(ei, ERR_FORBIDDEN,
			       "Telegram wants to be paid for a code to this "
			       "number; sign in with an official app first");
	default:
		return no_sense(s, ei);
	}
}

/* ---- QR codes */

static enum err show_token(struct signin *s,
			   const struct tlc_auth_loginToken *t, struct mono now,
			   struct err_info *ei)
{
	static const char head[] = "tg://login?token=";

	if (!t->token.len || t->token.len > SIGNIN_TOKEN_MAX)
		return no_sense(s, ei);
	memcpy(s->qr.url, head, sizeof(head));
	text_b64(s->qr.url + sizeof(head) - 1, t->token.data, t->token.len,
		 TEXT_B64_URL);
	s->qr.expires = t->expires;
	signin_to(s, SIGNIN_SCAN, "QR code ready", now);
	return ERR_OK;
}

static enum err follow_token(struct signin *s,
			     const struct tlc_auth_loginTokenMigrateTo *t,
			     struct mono now, struct err_info *ei)
{
	enum err rc;

	if (!t->token.len || t->token.len > SIGNIN_TOKEN_MAX)
		return no_sense(s, ei);
	secret_deinit(&s->token);
	rc = secret_init(&s->token, t->token.data, t->token.len);
	if (!rc)
		signin_go(s, t->dc_id, SIGNIN_IMPORTING, now);
	return rc;
}

static enum err on_login_token(struct signin *s, struct tl_reader *r,
			       struct arena *a, struct mono now,
			       struct err_info *ei)
{
	struct tlt_auth_LoginToken t;
	enum err rc = tlt_auth_LoginToken_read(r, a, &t, ei);

	if (rc)
		return rc;
	switch (t.kind) {
	case TLN_auth_loginToken:
		return show_token(s, t.auth_loginToken, now, ei);
	case TLN_auth_loginTokenMigrateTo:
		return follow_token(s, t.auth_loginTokenMigrateTo, now, ei);
	case TLN_auth_loginTokenSuccess:
		return on_authorization(
			s, &t.auth_loginTokenSuccess->authorization, now, ei);
	default:
		return no_sense(s, ei);
	}
}

static bool has_login_token(const struct tlv_Update *v)
{
	for (uint32_t i = 0; i < v->n; i++)
		if (v->v[i].kind == TLN_updateLoginToken)
			return true;
	return false;
}

bool signin_is_login_token(const void *data, size_t len)
{
	struct tlt_Updates u;
	struct tl_reader r;
	struct arena a;
	bool yes = false;

	arena_init(&a, ANSWER_MAX);
	cursor_read(&r, data, len);
	if (!tlt_Updates_read(&r, &a, &u, NULL)) {
		if (u.kind == TLN_updateShort)
			yes = u.updateShort->update.kind ==
			      TLN_updateLoginToken;
		else if (u.kind == TLN_updates)
			yes = has_login_token(&u.updates->updates);
		else if (u.kind == TLN_updatesCombined)
			yes = has_login_token(&u.updatesCombined->updates);
	}
	arena_deinit(&a);
	return yes;
}

/* ---- passwords */

static enum err on_password(struct signin *s, struct tl_reader *r,
			    struct arena *a, struct mono now,
			    struct err_info *ei)
{
	struct tlt_account_Password p;
	enum err rc = tlt_account_Password_read(r, a, &p, ei);

	if (rc)
		return rc;
	if (p.kind != TLN_account_password)
		return no_sense(s, ei);
	rc = signin_srp_take(s, p.account_password, ei);
	if (rc)
		return rc;
	s->hint[0] = '\0';
	if (p.account_password->has_hint)
		copy(s->hint, sizeof(s->hint), p.account_password->hint);
	s->has_recovery = p.account_password->has_recovery;
	if (s->srp->password.bytes)
		signin_to(s, SIGNIN_PROVING, "the same password again", now);
	else
		signin_to(s, SIGNIN_PASSWORD, "has a password", now);
	return ERR_OK;
}

static enum err on_signed_in(struct signin *s, struct tl_reader *r,
			     struct arena *a, struct mono now,
			     struct err_info *ei)
{
	struct tlt_auth_Authorization auth;
	enum err rc = tlt_auth_Authorization_read(r, a, &auth, ei);

	return rc ? rc : on_authorization(s, &auth, now, ei);
}

static enum err dispatch(struct signin *s, struct tl_reader *r, struct arena *a,
			 struct mono now, struct err_info *ei)
{
	switch (signin_state(s)) {
	case SIGNIN_SENDING:
		return on_sent_code(s, r, a, now, ei);
	case SIGNIN_EXPORTING:
	case SIGNIN_IMPORTING:
		return on_login_token(s, r, a, now, ei);
	case SIGNIN_FETCHING:
		return on_password(s, r, a, now, ei);
	case SIGNIN_SIGNING_IN:
	case SIGNIN_CHECKING:
	case SIGNIN_BOT:
		return on_signed_in(s, r, a, now, ei);
	case SIGNIN_LEAVING:
		/* any answer but an error is a yes */
		signin_to(s, SIGNIN_DONE, "logged out", now);
		return ERR_OK;
	default:
		return ERR_CANCELED; /* CANCELING */
	}
}

enum err signin_read_result(struct signin *s, const void *data, size_t len,
			    struct mono now, struct err_info *ei)
{
	struct tl_reader r;
	struct arena a;
	enum err rc;

	arena_init(&a, ANSWER_MAX);
	cursor_read(&r, data, len);
	rc = dispatch(s, &r, &a, now, ei);
	arena_deinit(&a);
	return rc;
}
