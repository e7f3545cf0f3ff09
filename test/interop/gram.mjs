// GramJS and its descendant teleproto differ in the package's name and the layer.
import { createHash, createPublicKey } from "node:crypto";
import { createRequire } from "node:module";
import { env, message, serve } from "./lines.mjs";

const require = createRequire(import.meta.url);

// Their keys are known by n, e and the fingerprint as a signed decimal number.
function trust(name) {
  const rsa = require(`${name}/crypto/RSA`);
  const bigInt = require("big-integer");
  rsa._serverKeys.clear();
  for (const pem of env.keys) {
    const jwk = createPublicKey(pem).export({ format: "jwk" });
    const n = Buffer.from(jwk.n, "base64url"), e = Buffer.from(jwk.e, "base64url");
    const tl = Buffer.concat([Buffer.from([254, 0, 1, 0]), n,
      Buffer.from([e.length]), e, Buffer.alloc((4 - ((1 + e.length) % 4)) % 4)]);
    const id = createHash("sha1").update(tl).digest().readBigInt64LE(12);
    rsa._serverKeys.set(id.toString(),
      { n: bigInt(n.toString("hex"), 16), e: 65537 });
  }
}

export function run(name) {
  trust(name);
  const { Api, TelegramClient } = require(name);
  const { NewMessage } = require(`${name}/events`);
  const { StringSession } = require(`${name}/sessions`);
  const { ConnectionTCPFull } = require(`${name}/network`);
  const bigInt = require("big-integer");

  // GramJS forgets the session's port: the address comes from the DC's number.
  class Local extends ConnectionTCPFull {
    constructor(o) {
      const dc = env.dcs.find((d) => d.id === o.dcId);
      super({ ...o, ip: dc.address, port: dc.port });
    }
  }
  const session = new StringSession("");
  session.setDC(env.dcs[0].id, env.dcs[0].address, env.dcs[0].port);
  const client = new TelegramClient(session, env.api_id, env.api_hash,
    { connection: Local, connectionRetries: 20, retryDelay: 200 });
  client.setLogLevel("none");
  client.onError = async () => {};
  client.addEventHandler((e) => message(e.message.message, e.message.senderId),
    new NewMessage({ incoming: true }));
  let state;

  serve({
    async sign_in({ phone, code, password }) {
      await client.start({ phoneNumber: phone, phoneCode: async () => code,
        password: async () => password, onError: (e) => { throw e; } });
      state = await client.invoke(new Api.updates.GetState());
      return { user_id: Number((await client.getMe()).id) };
    },
    async send({ to, text }) {
      return { message_id: (await client.sendMessage(to, { message: text })).id };
    },
    async history({ with: peer, limit }) {
      return { texts: (await client.getMessages(peer, { limit })).map((m) => m.message) };
    },
    // It does not look for gaps itself, so it is told to.
    async missed() {
      const d = await client.invoke(new Api.updates.GetDifference(state));
      state = d.state ?? d.intermediateState ?? state;
      for (const m of d.newMessages ?? [])
        if (!m.out && m.message) message(m.message, m.fromId?.userId ?? m.peerId.userId);
      return {};
    },
    async forward({ from, to, message_id }) {
      const sent = await client.forwardMessages(to,
        { messages: [message_id], fromPeer: from });
      return { message_id: sent.flat()[0].id };
    },
    async send_file({ to, path }) {
      const sent = await client.sendFile(to, { file: path, forceDocument: true });
      return { message_id: sent.id };
    },
    async get_file({ with: peer }) {
      const [m] = await client.getMessages(peer, { limit: 1 });
      const bytes = await client.downloadMedia(m);
      return { sha256: createHash("sha256").update(bytes).digest("hex") };
    },
    async join({ hash }) {
      const r = await client.invoke(new Api.messages.ImportChatInvite({ hash }));
      return { chat_id: Number(r.chats[0].id) };
    },
    // Layer 198 has the calls in channels, 223 in messages.
    async topics({ title }) {
      const at = Api.messages.CreateForumTopic ? Api.messages : Api.channels;
      const id = () => bigInt(Math.floor(Math.random() * 2 ** 50) + 1);
      const made = await client.invoke(new Api.channels.CreateChannel(
        { title, about: "", megagroup: true, forum: true }));
      const channel = made.chats[0];
      const where = at === Api.messages ? { peer: channel } : { channel };
      const own = async (name) => {
        const r = await client.invoke(new at.CreateForumTopic(
          { ...where, title: name, randomId: id() }));
        return r.updates.find((u) => u.message?.action).message.id;
      };
      const first = await own("first"), second = await own("second");
      for (const [text, topMsgId] of [["in first", first], ["in second", second],
        ["first again", first], ["in general", undefined]])
        await client.invoke(new Api.messages.SendMessage({ peer: channel,
          message: text, randomId: id(), replyTo: topMsgId &&
            new Api.InputReplyToMessage({ replyToMsgId: topMsgId, topMsgId }) }));
      await client.invoke(new at.EditForumTopic(
        { ...where, topicId: second, title: "renamed", closed: true }));
      const list = async () => (await client.invoke(new at.GetForumTopics(
        { ...where, offsetDate: 0, offsetId: 0, offsetTopic: 0, limit: 10 })))
        .topics.map((t) => ({ id: t.id, title: t.title, closed: !!t.closed }));
      const topics = await list();
      const replies = await client.invoke(new Api.messages.GetReplies({
        peer: channel, msgId: first, offsetId: 0, offsetDate: 0, addOffset: 0,
        limit: 10, maxId: 0, minId: 0, hash: bigInt(0) }));
      const header = replies.messages[0].replyTo;
      await client.invoke(new at.DeleteTopicHistory(
        { ...where, topMsgId: second }));
      return { channel: Number(channel.id), topics, first, second,
        texts: replies.messages.map((m) => m.message ?? ""),
        in_topic: header.forumTopic && header.replyToMsgId === first,
        left: (await list()).map((t) => t.title) };
    },
    async stop() {
      await client.destroy();
    },
  });
}
