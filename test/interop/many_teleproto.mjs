// Many saved sessions of teleproto in one process, for the benchmark.
import { createRequire } from "node:module";
import { many } from "./many.mjs";
import { env } from "./lines.mjs";

const require = createRequire(import.meta.url);
const { TelegramClient } = require("teleproto");
const { AuthKey } = require("teleproto/crypto/AuthKey");
const { NewMessage } = require("teleproto/events");
const { ConnectionTCPFull } = require("teleproto/network");
const { StringSession } = require("teleproto/sessions");

// For files it forgets the session's port: the address comes from the DC's number.
class Local extends ConnectionTCPFull {
  constructor(o) {
    const dc = env.dcs.find((d) => d.id === o.dcId);
    super({ ...o, ip: dc.address, port: dc.port });
  }
}

many({
  async connect({ dc_id, address, port, auth_key }, received) {
    const session = new StringSession("");
    session.setDC(dc_id, address, port);
    const key = new AuthKey();
    await key.setKey(Buffer.from(auth_key, "base64"));
    session.setAuthKey(key, dc_id);
    const client = new TelegramClient(session, env.api_id, env.api_hash,
      { connection: Local });
    client.setLogLevel("none");
    client.onError = async () => {};
    client.addEventHandler(received, new NewMessage({ incoming: true }));
    await client.connect();
    await client.getMe();
    return client;
  },
  send: (client, text) => client.sendMessage("me", { message: text }),
  upload: (client, path) => client.sendFile("me", { file: path, forceDocument: true }),
  async download(client) {
    const [m] = await client.getMessages("me", { limit: 1 });
    return (await client.downloadMedia(m)).length;
  },
  stop: (client) => client.destroy(),
});
