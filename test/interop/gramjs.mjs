// GramJS 2.26.22: layer 198.
import { run } from "./gram.mjs";

run("telegram");
