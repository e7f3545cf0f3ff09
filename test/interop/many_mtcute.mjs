// Many saved sessions of mtcute in one process, for the benchmark.
import { readFileSync } from "node:fs";
import { MemoryStorage } from "@mtcute/core";
import { addPublicKey } from "@mtcute/core/utils.js";
import { TelegramClient } from "@mtcute/node";
import { NodeCryptoProvider } from "@mtcute/node/utils.js";
import { many } from "./many.mjs";
import { env } from "./lines.mjs";

const crypto = new NodeCryptoProvider();
await crypto.initialize();
for (const pem of env.keys) addPublicKey(crypto, pem);

many({
  async connect({ dc_id, address, port, auth_key, user_id }, received) {
    const dc = { id: dc_id, ipAddress: address, port };
    const dcs = { main: dc, media: dc };
    const client = new TelegramClient({
      apiId: env.api_id,
      apiHash: env.api_hash,
      storage: new MemoryStorage(),
      crypto,
      defaultDcs: dcs,
      logLevel: 1,
    });
    client.onNewMessage.add((m) => m.isOutgoing || received());
    await client.importSession({
      primaryDcs: dcs,
      authKey: Buffer.from(auth_key, "base64"),
      self: { userId: user_id, isBot: false, isPremium: false, usernames: [] },
    });
    await client.connect();
    await client.getMe();
    await client.startUpdatesLoop();
    return client;
  },
  send: (client, text) => client.sendText("me", text),
  upload: (client, path) => client.sendMedia("me",
    { type: "document", file: readFileSync(path), fileName: "file.bin" }),
  async download(client) {
    const [m] = await client.getHistory("me", { limit: 1 });
    return (await client.downloadAsBuffer(m.media)).length;
  },
  stop: (client) => client.destroy(),
});
