// mtcute (layer 223, intermediate transport), with temporary keys if "pfs" is given.
import { readFileSync } from "node:fs";
import { MemoryStorage } from "@mtcute/core";
import { addPublicKey } from "@mtcute/core/utils.js";
import { TelegramClient } from "@mtcute/node";
import { NodeCryptoProvider } from "@mtcute/node/utils.js";
import { env, message, options, serve } from "./lines.mjs";

const crypto = new NodeCryptoProvider();
await crypto.initialize();
for (const pem of env.keys) addPublicKey(crypto, pem);

const first = env.dcs[0];
const dc = { id: first.id, ipAddress: first.address, port: first.port };
const client = new TelegramClient({
  apiId: env.api_id,
  apiHash: env.api_hash,
  storage: new MemoryStorage(),
  crypto,
  defaultDcs: { main: dc, media: dc },
  network: { usePfs: options.has("pfs") },
  updates: { catchUp: true },
  logLevel: options.has("verbose") ? 5 : 1,
});
client.onNewMessage.add((m) =>
  m.isOutgoing || m.isService || message(m.text, m.sender.id));

const texts = (messages) => messages.map((m) => m.text);

serve({
  async sign_in({ phone, code, password }) {
    const me = await client.start({ phone, code: () => code, password });
    return { user_id: me.id };
  },
  async send({ to, text }) {
    return { message_id: (await client.sendText(to, text)).id };
  },
  async history({ with: peer, limit }) {
    return { texts: texts(await client.getHistory(peer, { limit })) };
  },
  async forward({ from, to, message_id }) {
    const sent = await client.forwardMessagesById({
      fromChatId: from, messages: [message_id], toChatId: to });
    return { message_id: sent[0].id };
  },
  async send_file({ to, path }) {
    const file = { type: "document", file: readFileSync(path), fileName: "file.bin" };
    return { message_id: (await client.sendMedia(to, file)).id };
  },
  async get_file({ with: peer }) {
    const [m] = await client.getHistory(peer, { limit: 1 });
    const bytes = await client.downloadAsBuffer(m.media);
    return { sha256: Buffer.from(crypto.sha256(bytes)).toString("hex") };
  },
  async join({ hash }) {
    return { chat_id: (await client.joinChat(`https://t.me/+${hash}`)).id };
  },
  async topics({ title }) {
    const chat = await client.createSupergroup({ title, forum: true });
    const chatId = chat.id;
    const own = async (name) =>
      (await client.createForumTopic({ chatId, title: name })).id;
    const first = await own("first"), second = await own("second");
    for (const [text, replyTo] of [["in first", first], ["in second", second],
      ["first again", first], ["in general", undefined]])
      await client.sendText(chatId, text, { replyTo });
    await client.editForumTopic({ chatId, topicId: second, title: "renamed" });
    await client.toggleForumTopicClosed({ chatId, topicId: second, closed: true });
    const list = async () => (await client.getForumTopics(chatId))
      .map((t) => ({ id: t.id, title: t.title, closed: t.isClosed }));
    const topics = await list();
    const found = await client.searchMessages({ chatId, threadId: first });
    await client.deleteForumTopicHistory(chatId, second);
    return { channel: -chatId - 1000000000000, topics, first, second,
      texts: texts(found),
      in_topic: found[0].replyToMessage.isForumTopic &&
        found[0].replyToMessage.id === first,
      left: (await list()).map((t) => t.title) };
  },
  async stop() {
    await client.destroy();
  },
});
