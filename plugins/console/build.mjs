// build - bundles the console into dist/, or a folder that is named, and puts .br and .gz beside
// what compresses.
// SPDX-License-Identifier: MIT
//
// The server picks the sibling that a browser accepts (core/http/assets.h), so nothing is
// compressed while it serves. The new files are made beside the old and then take their place.
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "vite";

process.chdir(import.meta.dirname);
const folder = process.argv[2] ?? "dist";
const fresh = `${folder}.making`;
rmSync(fresh, { recursive: true, force: true });
await build({ logLevel: "warn", build: { outDir: fresh, emptyOutDir: true } });
const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
for (const name of readdirSync(fresh, { recursive: true })) {
  if (!/\.(js|css|html|svg|json)$/.test(name)) continue;
  const file = join(fresh, name);
  const bytes = readFileSync(file);
  if (bytes.length < 512) continue;
  writeFileSync(`${file}.br`, brotliCompressSync(bytes, brotli));
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
}
rmSync(folder, { recursive: true, force: true });
renameSync(fresh, folder);
