// Holds many clients of one library in one process and obeys the lines of lines.mjs.
// `library` knows one client: connect(session, received), send, upload, download, stop.
import { serve } from "./lines.mjs";

const AT_ONCE = 20;

export function many(library) {
  const clients = [];
  let received = 0;

  serve({
    async open({ sessions }) {
      const first = clients.length;
      let next = 0;
      const worker = async () => {
        for (let i; (i = next++) < sessions.length; )
          clients[first + i] = await library.connect(sessions[i], () => received++);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      return { open: clients.length };
    },
    // What is garbage is not what a client costs.
    async settle() {
      global.gc();
      global.gc();
      return {};
    },
    async count() {
      return { received };
    },
    async send({ count, clients: n, text }) {
      await Promise.all(clients.slice(0, n).map(async (c) => {
        for (let i = 0; i < Math.floor(count / n); i++) await library.send(c, text);
      }));
      return { sent: Math.floor(count / n) * n };
    },
    async upload({ path }) {
      await library.upload(clients[0], path);
      return {};
    },
    async download() {
      return { bytes: await library.download(clients[0]) };
    },
    async stop() {
      await Promise.all(clients.map((c) => library.stop(c)));
    },
  });
}
