/* SPDX-License-Identifier: MIT */
/*
 * The files of a node's folder and its Telegram environment, and a session that
 * somebody sealed to it.  The first byte says which of them the rest is.
 */
#include "crypto/sealbox.h"
#include "worker/sealed.h"
#include "worker/telegram.h"

#include "fuzz_dir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void folder(const char *name, const uint8_t *data, size_t len)
{
	struct err_info ei = { 0 };
	struct node n;
	uint8_t key[NODE_KEY_LEN];

	fuzz_dir_empty("");
	fuzz_dir_put(name, data, len);
	if (node_open(&n, fuzz_dir, &ei)) {
		if (!ei.msg[0])
			abort();
		node_close(&n);
		return;
	}
	memcpy(key, n.public_key, sizeof(key));
	node_close(&n);
	/* what it made of the folder opens again, as the same node */
	if (node_open(&n, fuzz_dir, &ei) ||
	    memcmp(key, n.public_key, sizeof(key)) != 0)
		abort();
	node_close(&n);
}

static void environment(const uint8_t *data, size_t len)
{
	struct err_info ei = { 0 };
	struct telegram t;

	if (telegram_parse(&t, (const char *)data, len, &ei)) {
		if (!ei.msg[0])
			abort();
		return;
	}
	if (!t.ndcs || t.ndcs > TELEGRAM_DCS_MAX ||
	    telegram_find(&t, t.dcs[0].id) != &t.dcs[0].at)
		abort();
}

static void sealed(const uint8_t *data, size_t len, bool properly)
{
	static struct node n;
	struct sealed s = { .node = &n };
	struct err_info ei = { 0 };
	struct wire_session session;
	struct arena a;
	uint8_t *box = malloc(len + SEALBOX_OVERHEAD);

	if (!box)
		return;
	if (!n.key.bytes) {
		fuzz_dir_empty("");
		if (node_open(&n, fuzz_dir, &ei))
			abort();
	}
	arena_init(&a, 64U << 20);
	if (properly) {
		if (sealbox_seal(n.public_key, data, len, box))
			abort();
		len += SEALBOX_OVERHEAD;
	} else {
		memcpy(box, data, len);
	}
	if (!sealed_open(&s, box, len, &a, &session, &ei)) {
		if (session.auth_key.len != WIRE_AUTH_KEY_BYTES)
			abort();
		wire_session_deinit(&session);
	} else if (!ei.msg[0]) {
		abort();
	}
	arena_deinit(&a);
	free(box);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 1)
		return 0;
	fuzz_dir_make();
	switch (data[0] % 6) {
	case 0:
		folder("node.json", data + 1, len - 1);
		break;
	case 1:
		folder("node.key", data + 1, len - 1);
		break;
	case 2:
		folder("boots", data + 1, len - 1);
		break;
	case 3:
		environment(data + 1, len - 1);
		break;
	default:
		sealed(data + 1, len - 1, data[0] % 6 == 4);
	}
	return 0;
}
