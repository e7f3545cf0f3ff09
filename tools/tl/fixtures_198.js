// Objects on stdin (see fixtures_198.py), their bytes in hex on stdout.
"use strict";
const path = require("path");
const modules = path.join(process.argv[2], "node_modules");
const { tlobjects } = require(path.join(modules, "telegram/tl/AllTLObjects"));
const bigInt = require(path.join(modules, "big-integer"));

function build(v) {
  if (Array.isArray(v))
    return v.map(build);
  if (v === null || typeof v !== "object")
    return v;
  if (v.big !== undefined)
    return bigInt(v.big);
  if (v.bytes !== undefined)
    return Buffer.from(v.bytes, "hex");
  const args = {};
  for (const [k, arg] of Object.entries(v.args))
    args[k] = build(arg);
  return new tlobjects[v.id](args);
}

const list = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(
  list.map((v) => build(v).getBytes().toString("hex"))));
