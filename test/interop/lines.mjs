// What the runner says to a client, and back: one JSON object a line.
//
//   -> {"id": 1, "do": "send", "to": "boris", "text": "hi"}
//   <- {"id": 1, "ok": true, ...}            or {"id": 1, "error": "..."}
//   <- {"event": "message", "text": "hi", "from": 5000000001}
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

export const env = JSON.parse(readFileSync(process.argv[2], "utf8"));
export const options = new Set(process.argv.slice(3));

export function say(object) {
  process.stdout.write(JSON.stringify(object) + "\n");
}

export function message(text, from) {
  say({ event: "message", text, from: Number(from) });
}

// `doing` has one async function a command; what it returns is the answer.
export function serve(doing) {
  const input = createInterface({ input: process.stdin });
  input.on("line", async (line) => {
    const order = JSON.parse(line);
    try {
      say({ id: order.id, ok: true, ...(await doing[order.do](order)) });
    } catch (e) {
      say({ id: order.id, error: String(e?.stack ?? e).slice(0, 2000) });
    }
    if (order.do === "stop") process.exit(0);
  });
  input.on("close", () => process.exit(0));
}
