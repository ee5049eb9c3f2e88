// limits - the bounds of core/base/limits*.h by their names, so that tests and core cannot differ.
// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./server.mjs";

const folder = join(ROOT, "core/base");
const text = readdirSync(folder)
  .filter((name) => /^limits.*\.h$/.test(name))
  .map((name) => readFileSync(join(folder, name), "utf8"))
  .join("\n");

/** The number behind a name: digits, products and shifts. */
export function limit(name) {
  const found = new RegExp(`^#define ${name}\\s+([^/\\n]+)`, "m").exec(text);
  if (!found) throw new Error(`limits*.h have no ${name}`);
  const value = found[1].replace(/LL\b/g, "").trim();
  if (!/^[\d\s()*<+-]+$/.test(value)) throw new Error(`${name} is no number: ${value}`);
  return Function(`return ${value}`)();
}
