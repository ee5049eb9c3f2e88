// limits - the bounds of core/base/limits.h by their names, so that tests and core cannot differ.
// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./server.mjs";

const text = ["limits", "limits_outbound", "limits_script"]
  .map((name) => readFileSync(join(ROOT, `core/base/${name}.h`), "utf8"))
  .join("\n");

/** The number behind a name: digits, products and shifts. */
export function limit(name) {
  const found = new RegExp(`^#define ${name}\\s+([^/\\n]+)`, "m").exec(text);
  if (!found) throw new Error(`limits.h has no ${name}`);
  const value = found[1].replace(/LL\b/g, "").trim();
  if (!/^[\d\s()*<+-]+$/.test(value)) throw new Error(`${name} is no number: ${value}`);
  return Function(`return ${value}`)();
}
