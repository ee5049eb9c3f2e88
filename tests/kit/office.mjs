// office - LibreOffice, where it is installed: what it makes of a file.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, extname, join } from "node:path";

/** The bytes of that file as format (of --convert-to); nothing where it cannot be opened. */
export function converted(folder, file, format) {
  const to = ["--headless", "--convert-to", format, "--outdir", folder, file];
  const done = spawnSync("soffice", to, { env: { ...process.env, HOME: folder } });
  if (done.error) return undefined;
  assert.equal(done.status, 0, `soffice: ${done.stderr}`);
  const made = join(folder, `${basename(file, extname(file))}.${format.split(":")[0]}`);
  return existsSync(made) ? readFileSync(made) : undefined;
}

/** Is the part of it here that opens such a file? Writer and Calc are installed apart. */
function opens(name, text, format) {
  const folder = mkdtempSync(join(tmpdir(), "perigee-office-"));
  try {
    writeFileSync(join(folder, name), text);
    return converted(folder, join(folder, name), format) !== undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const hasWriter = () => opens("in.txt", "1", "pdf");
export const hasCalc = () => opens("in.csv", "1,2\n", "xlsx");
