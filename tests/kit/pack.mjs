// pack - a company's bundle as the archive that a deploy takes, made without the command line.
// SPDX-License-Identifier: MIT

const BLOCK = 512;

function header(name, length, type) {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0);
  block.write("0000644\0", 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  block.write(`${length.toString(8).padStart(11, "0")}\0`, 124);
  block.write("00000000000\0", 136);
  block.write("        ", 148);
  block.write(type, 156);
  block.write("ustar\0", 257);
  block.write("00", 263);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** A tar of { name: text or object }. `types` gives names another kind than that of a file. */
export function pack(files, types = {}) {
  const parts = Object.entries(files).flatMap(([name, content]) => {
    const text = typeof content === "string" ? content : JSON.stringify(content, null, 2);
    const bytes = Buffer.from(text);
    const rest = Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK);
    return [header(name, bytes.length, types[name] ?? "0"), bytes, rest];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/** The files of a bundle with a manifest before them. */
export function bundle(id, files = {}, manifest = {}) {
  const head = { id, version: "1.0.0", api: 1, title: id, requires: { leads: "^1" }, ...manifest };
  return { "plugin.json": head, ...files };
}

/** What `as` sends to deploy these files. */
export function packed(files, types) {
  return { body: pack(files, types), headers: { "content-type": "application/x-tar" } };
}
