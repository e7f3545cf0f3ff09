/* SPDX-License-Identifier: MIT */
/* updates.*: where a client stands, and what it missed. */
#include "dc/dc_int.h"

#define SLICE_EVENTS 100U
/* There are no ordered containers yet: everything has a pts or none. */
#define COMMON_SEQ 1

struct dyn *dc_updates_state_object(struct dc_call *call, int32_t pts)
{
	struct dyn *d = dyn_new(call->arena, TLN_updates_state);

	dyn_set_int(d, TLF_pts, pts);
	dyn_set_int(d, TLF_qts, 0);
	dyn_set_int(d, TLF_date, call->now);
	dyn_set_int(d, TLF_seq, COMMON_SEQ);
	dyn_set_int(d, TLF_unread_count, 0);
	return d;
}

enum err dc_updates_state(struct dc_call *call, struct err_info *ei)
{
	(void)ei;
	dc_call_obj(call, dc_updates_state_object(call, world_pts(call->user)));
	return ERR_OK;
}

static void fill(struct dc_call *call, struct dyn *d,
		 const struct world_event *e, uint32_t n)
{
	struct dyn_vec *msgs = dyn_add_vec(d, TLF_new_messages);
	struct dyn_vec *other = dyn_add_vec(d, TLF_other_updates);
	const struct world *w = &call->dc->world;
	struct dc_refs refs;
	uint32_t i;

	dyn_add_vec(d, TLF_new_encrypted_messages);
	dc_refs_init(&refs, w, call->user->id, d);
	for (i = 0; i < n; i++) {
		const struct world_msg *m = world_msg(call->user, e[i].value);

		if (e[i].kind == WORLD_EV_MESSAGE && !m)
			continue; /* deleted since */
		if (e[i].kind == WORLD_EV_MESSAGE) {
			dyn_push_obj(msgs,
				     dc_objects_message(call->arena, w, m));
			dc_refs_msg(&refs, m);
			continue;
		}
		dyn_push_obj(other, dc_objects_event(call->arena, w, call->user,
						     &e[i]));
		dc_refs_peer(&refs, e[i].peer);
	}
	dc_refs_deinit(&refs);
}

enum err dc_updates_difference(struct dc_call *call, struct err_info *ei)
{
	int64_t pts = dyn_int(call->fn, TLF_pts, -1);
	int64_t limit = dyn_int(call->fn, TLF_pts_limit, SLICE_EVENTS);
	int64_t most = dyn_int(call->fn, TLF_pts_total_limit, 0);
	const struct world_event *events;
	uint32_t n, total;
	struct dyn *d;

	(void)ei;
	if (limit < 1 || limit > SLICE_EVENTS)
		limit = SLICE_EVENTS;
	if (pts < 0 || pts > INT32_MAX ||
	    world_difference(call->user, (int32_t)pts, (uint32_t)limit, &events,
			     &n, &total))
		return dc_call_fail(call, 400, "PERSISTENT_TIMESTAMP_INVALID");
	if (most > 0 && total > most) {
		d = dyn_new(call->arena, TLN_updates_differenceTooLong);
		dyn_set_int(d, TLF_pts, world_pts(call->user));
	} else if (!total) {
		d = dyn_new(call->arena, TLN_updates_differenceEmpty);
		dyn_set_int(d, TLF_date, call->now);
		dyn_set_int(d, TLF_seq, COMMON_SEQ);
	} else if (n < total) {
		d = dyn_new(call->arena, TLN_updates_differenceSlice);
		fill(call, d, events, n);
		dyn_set_obj(d, TLF_intermediate_state,
			    dc_updates_state_object(call, events[n - 1].pts));
	} else {
		d = dyn_new(call->arena, TLN_updates_difference);
		fill(call, d, events, n);
		dyn_set_obj(
			d, TLF_state,
			dc_updates_state_object(call, world_pts(call->user)));
	}
	dc_call_obj(call, d);
	return ERR_OK;
}
