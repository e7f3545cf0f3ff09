// teleproto 1.223.1: layer 223.
import { run } from "./gram.mjs";

run("teleproto");
