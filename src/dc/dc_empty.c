/* SPDX-License-Identifier: MIT */
/*
 * Answers about what this data centre has none of: stickers, themes, pinned
 * dialogs.  Which there are is data (dc_empty.def); fields that are not set here
 * are written as nothing.
 */
#include "dc/dc_int.h"

#define ASK_AGAIN_SEC 3600

static const struct row {
	uint16_t method, answer;
	const char *error;
} rows[] = {
#define DC_EMPTY(name, flags, answer) { TLN_##name, TLN_##answer, NULL },
#define DC_EMPTY_LIST(name, flags)
#define DC_EMPTY_ERROR(name, flags, error) { TLN_##name, TLN_NONE, #error },
#include "dc/dc_empty.def"
#undef DC_EMPTY
#undef DC_EMPTY_LIST
#undef DC_EMPTY_ERROR
};

static const struct row *find(uint16_t method)
{
	size_t i = 0;

	while (rows[i].method != method)
		i++;
	return &rows[i];
}

enum err dc_empty_list(struct dc_call *call, struct err_info *ei)
{
	struct dyn_vec *v = dyn_vec_new(call->arena);

	(void)ei;
	if (!v)
		return ERR_NOMEM;
	call->result = (struct dyn_val){ .kind = DYN_VEC, .vec = v };
	return ERR_OK;
}

/* expires and lang_code stay in the answers that have them. */
enum err dc_empty_answer(struct dc_call *call, struct err_info *ei)
{
	const struct dyn_val *lang = dyn_get(call->fn, TLF_lang_code);
	uint16_t name = find(call->fn->name)->answer;
	struct dyn *d;

	if (!schema_by_name(call->schema, name))
		return dc_empty_list(call, ei);
	d = dyn_new(call->arena, name);
	dyn_set_int(d, TLF_expires, call->now + ASK_AGAIN_SEC);
	if (name == TLN_messages_peerDialogs)
		dyn_set_obj(
			d, TLF_state,
			dc_updates_state_object(call, world_pts(call->user)));
	if (lang)
		dyn_set_val(d, TLF_lang_code, *lang);
	dc_call_obj(call, d);
	return ERR_OK;
}

enum err dc_empty_error(struct dc_call *call, struct err_info *ei)
{
	(void)ei;
	return dc_call_fail(call, 400, "%s", find(call->fn->name)->error);
}
