// routes - the server's own table of routes, read from its source.
// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./server.mjs";

/** [{ method, pattern, runs, who, area, body, flags }] in the order of the table. */
export function routes() {
  const source = readFileSync(join(ROOT, "core/api/routes.c"), "utf8");
  const who = String.raw`(\w+)(?:\("([\w-]+)"\))?`;
  const end = String.raw`BODY_(\w+), ([^,]+),\s+(\w+),`;
  const row = new RegExp(
    String.raw`\{HTTP_(\w+), ((?:\w+ )*)"([^"]*)", (\w+), ${who}, ${end}`,
    "g",
  );
  const prefixes = { V1: "/api/v1", REC: "/api/v1/records/{entity}" };
  const found = [...source.matchAll(row)].map((match) => {
    const [, method, before, text, runs, who, area, body, flags, handler] = match;
    const prefix = prefixes[before.trim()] ?? "";
    return { method, pattern: prefix + text, runs, who, area, body, flags, handler };
  });
  const bare = /\{HTTP_(\w+), (REC), (\w+), (\w+), BODY_(\w+), ([^,]+),\s+(\w+),/g;
  for (const [, method, name, runs, who, body, flags, handler] of source.matchAll(bare)) {
    found.push({ method, pattern: prefixes[name], runs, who, body, flags, handler });
  }
  const rows = source.match(/^ {4}\{HTTP_/gm).length;
  if (found.length !== rows)
    throw new Error(`${rows} rows in routes.c, ${found.length} understood`);
  return found;
}
