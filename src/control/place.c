/* SPDX-License-Identifier: MIT */
#include "control/place.h"

#include "control/nodes.h"

enum err place_init(struct place *pl, struct control *c, struct arena *a,
		    struct err_info *ei)
{
	struct store_nodes list;
	enum err rc;

	*pl = (struct place){ 0 };
	rc = c->store->ops->node_list(c->store, a, &list, ei);
	if (rc)
		return rc;
	pl->nodes = arena_array(a, list.n + 1, sizeof(*pl->nodes));
	if (!pl->nodes)
		return ERR_NOMEM;
	for (size_t i = 0; i < list.n; i++) {
		const struct store_node *n = &list.items[i];

		pl->nodes[i] = (struct placement_node){
			.node_id = n->node_id,
			.usable = !n->draining && n->has_public_key &&
				  nodes_online(c, n->node_id),
			.used = n->accounts,
			.max = n->max_accounts,
		};
	}
	pl->n = list.n;
	return placement_init(&pl->p, PLACEMENT_BALANCED, pl->nodes, pl->n,
			      NULL, ei);
}

void place_deinit(struct place *pl)
{
	placement_deinit(&pl->p);
}

const char *place_next(struct place *pl)
{
	size_t i;

	return placement_next(&pl->p, &i) ? pl->nodes[i].node_id : NULL;
}
