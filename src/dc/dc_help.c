/* SPDX-License-Identifier: MIT */
/* help.*: the configuration a client asks for on each new connection. */
#include "dc/dc_int.h"

#define CONFIG_TTL_SEC 3600

static void put_options(struct dc *dc, struct arena *a, struct dyn *config)
{
	struct dyn_vec *v = dyn_add_vec(config, TLF_dc_options);
	int i;

	for (i = 0; i < dc->n_nodes; i++) {
		struct addr at = listener_addr(dc->nodes[i].listener);
		struct dyn *o = dyn_new(a, TLN_dcOption);
		char ip[ADDR_TEXT_MAX];

		addr_format_ip(&at, ip);
		dyn_set_int(o, TLF_id, dc->nodes[i].id);
		dyn_set_str(o, TLF_ip_address, ip);
		dyn_set_int(o, TLF_port, at.port);
		if (at.family == ADDR_V6)
			dyn_set_bool(o, TLF_ipv6, true);
		dyn_push_obj(v, o);
	}
}

enum err dc_help_config(struct dc_call *call, struct err_info *ei)
{
	static const struct {
		uint16_t field;
		int32_t value;
	} numbers[] = {
		{ TLF_chat_size_max, WORLD_MEMBERS_MAX },
		{ TLF_megagroup_size_max, 200000 },
		{ TLF_forwarded_count_max, 100 },
		{ TLF_online_update_period_ms, 210000 },
		{ TLF_offline_blur_timeout_ms, 5000 },
		{ TLF_offline_idle_timeout_ms, 30000 },
		{ TLF_online_cloud_timeout_ms, 300000 },
		{ TLF_notify_cloud_delay_ms, 30000 },
		{ TLF_notify_default_delay_ms, 1500 },
		{ TLF_push_chat_period_ms, 60000 },
		{ TLF_push_chat_limit, 2 },
		{ TLF_edit_time_limit, 172800 },
		{ TLF_revoke_time_limit, INT32_MAX },
		{ TLF_revoke_pm_time_limit, INT32_MAX },
		{ TLF_rating_e_decay, 2419200 },
		{ TLF_stickers_recent_limit, 200 },
		{ TLF_call_receive_timeout_ms, 20000 },
		{ TLF_call_ring_timeout_ms, 90000 },
		{ TLF_call_connect_timeout_ms, 30000 },
		{ TLF_call_packet_timeout_ms, 10000 },
		{ TLF_caption_length_max, 1024 },
		{ TLF_message_length_max, 4096 },
	};
	struct dyn *d = dyn_new(call->arena, TLN_config);
	size_t i;

	(void)ei;
	dyn_set_int(d, TLF_date, call->now);
	dyn_set_int(d, TLF_expires, call->now + CONFIG_TTL_SEC);
	dyn_set_bool(d, TLF_test_mode, false);
	dyn_set_int(d, TLF_this_dc, call->conn->node->id);
	put_options(call->dc, call->arena, d);
	dyn_set_str(d, TLF_dc_txt_domain_name, "localhost");
	dyn_set_str(d, TLF_me_url_prefix, "https://t.me/");
	dyn_set_int(d, TLF_webfile_dc_id, call->conn->node->id);
	for (i = 0; i < ARRAY_LEN(numbers); i++)
		dyn_set_int(d, numbers[i].field, numbers[i].value);
	dc_call_obj(call, d);
	return ERR_OK;
}

enum err dc_help_nearest(struct dc_call *call, struct err_info *ei)
{
	struct dyn *d = dyn_new(call->arena, TLN_nearestDc);

	(void)ei;
	dyn_set_str(d, TLF_country, "XX");
	dyn_set_int(d, TLF_this_dc, call->conn->node->id);
	dyn_set_int(d, TLF_nearest_dc, call->conn->node->id);
	dc_call_obj(call, d);
	return ERR_OK;
}

enum err dc_help_app_config(struct dc_call *call, struct err_info *ei)
{
	struct dyn *config = dyn_new(call->arena, TLN_jsonObject), *d;

	(void)ei;
	dc_rules_describe(call, dyn_add_vec(config, TLF_value));
	d = config;
	/* Older layers answer with the bare object. */
	if (schema_by_name(call->schema, TLN_help_appConfig)) {
		d = dyn_new(call->arena, TLN_help_appConfig);
		dyn_set_int(d, TLF_hash, 1);
		dyn_set_obj(d, TLF_config, config);
	}
	dc_call_obj(call, d);
	return ERR_OK;
}
