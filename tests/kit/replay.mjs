// replay - rebuilds a store as a power cut could have left it, at any recorded call.
// SPDX-License-Identifier: MIT
//
// strace writes down, in order, what all processes did to one company's files and what the worker
// answered. For a call n, what was synced before n is kept; each write after its file's last sync
// is dropped, kept, or torn at 512 bytes, chosen by a seed. A file whose folder was not synced
// since it was made may be missing. Writes by memory map (-shm) are not seen, which is right: they
// are made anew.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const CALLS = "openat,pwrite64,ftruncate,fdatasync,fsync,sendmsg,unlink";

const bytes = (text) => Buffer.from(text.replaceAll("\\x", ""), "hex");

/** Text of a quoted string or of <path> behind a descriptor, both written as \x... */
const plain = (text) => (text.startsWith("\\x") ? bytes(text).toString("utf8") : text);

/** One line to what it means for the files below `folder`, or undefined. */
function read(call, args, folder) {
  const [, path] = /^\d+<([^>]*)>/.exec(args) ?? [];
  const file = path && plain(path).replace(/ \(deleted\)$/, "");
  if (call === "sendmsg") {
    const sent = Buffer.concat(
      [...args.matchAll(/iov_base="([^"]*)"/g)].map(([, text]) => bytes(text)),
    );
    const acks = [];
    for (const [body] of sent
      .toString("latin1")
      .matchAll(/\{"id":"\w+","version":\d+,.*?"name":"z\w+".*?"title":"t\w[\w-]*"/g)) {
      const [, version] = /"version":(\d+)/.exec(body);
      acks.push({
        name: /"name":"(z\w+)"/.exec(body)[1],
        version: Number(version),
        title: /"title":"([^"]*)"/.exec(body)[1],
      });
    }
    return acks.length ? { kind: "ack", acks } : undefined;
  }
  if (call === "openat") {
    const [, name, flags] = /^[^"]*"([^"]*)"(?:\.\.\.)?, ([A-Z_|]+)/.exec(args) ?? [];
    if (!name || !flags.includes("O_CREAT")) return undefined;
    const made = plain(name);
    return made.startsWith(`${folder}/`)
      ? { kind: "make", file: made.slice(folder.length + 1) }
      : undefined;
  }
  if (!file?.startsWith(folder)) return undefined;
  const short = file.slice(folder.length + 1);
  if (call === "fsync" || call === "fdatasync") return { kind: "sync", file: short };
  if (call === "ftruncate")
    return { kind: "cut", file: short, size: Number(/, (\d+)/.exec(args)[1]) };
  if (call === "pwrite64") {
    const [, data, , at] = /, "([^"]*)", (\d+), (\d+)/.exec(args);
    return { kind: "write", file: short, data: bytes(data), at: Number(at) };
  }
  return undefined;
}

/** The recorded calls in order. A sync counts when it has returned, all else when it began. */
export function parse(log, folder) {
  const calls = [];
  const begun = new Map(); // pid → a sync that has not returned
  for (const line of readFileSync(log, "latin1").split("\n")) {
    const [, pid, call, args] = /^(\d+)\s+(\w+)\((.*)$/.exec(line) ?? [];
    const [, back, resumed] = /^(\d+)\s+<\.\.\. (\w+) resumed>/.exec(line) ?? [];
    const failed = /= -1 E\w+/.test(line);
    if (resumed?.endsWith("sync") && begun.has(back)) {
      if (!failed) calls.push(begun.get(back));
      begun.delete(back);
    } else if (call) {
      const one = failed ? undefined : read(call, args, folder);
      if (one?.kind === "sync" && line.includes("<unfinished")) begun.set(pid, one);
      else if (one) calls.push(one);
    }
  }
  return calls;
}

/** A small generator: the same seed rebuilds the same files. */
export function random(seed) {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Bytes that may grow: as much as they are long is valid, the rest is room. */
class Image {
  constructor(bytes) {
    this.bytes = bytes;
    this.length = bytes.length;
  }

  resize(length) {
    if (length > this.bytes.length) {
      this.bytes = Buffer.concat([this.bytes, Buffer.alloc(length + this.bytes.length)]);
    }
    if (length < this.length) this.bytes.fill(0, length, this.length);
    this.length = length;
  }

  apply({ kind, at, data, size }, chance) {
    if (kind === "cut") return this.resize(size);
    let part = data;
    if (chance) {
      const fate = chance();
      if (fate < 0.4) return undefined; // dropped
      if (fate < 0.6) part = data.subarray(0, Math.floor((chance() * data.length) / 512) * 512);
    }
    if (at + part.length > this.length) this.resize(at + part.length);
    part.copy(this.bytes, at);
    return undefined;
  }

  content() {
    return this.bytes.subarray(0, this.length);
  }
}

/**
 * Writes the files as of call n into `folder`, which holds their state before the recording.
 * Gives what had been acknowledged: name → { version, title }. lying: syncs did nothing.
 */
export function rebuild(calls, n, seed, folder, { lying = false } = {}) {
  const chance = random(seed);
  const files = new Map();
  const get = (name) => {
    if (!files.has(name)) {
      let image = Buffer.alloc(0);
      try {
        image = readFileSync(join(folder, name));
      } catch {
        // made during the recording
      }
      files.set(name, { image: new Image(image), open: [], isMade: false });
    }
    return files.get(name);
  };
  const told = new Map();
  for (const call of calls.slice(0, n)) {
    if (call.kind === "ack") {
      for (const ack of call.acks) {
        if ((told.get(ack.name)?.version ?? 0) < ack.version) told.set(ack.name, ack);
      }
    } else if (call.kind === "make") {
      if (!files.has(call.file)) get(call.file).isMade = get(call.file).image.length === 0;
    } else if (call.kind === "sync" && !lying) {
      if (call.file === "") {
        for (const file of files.values()) file.isMade = false;
      } else {
        const file = get(call.file);
        for (const one of file.open) file.image.apply(one);
        file.open = [];
      }
    } else if (call.kind === "write" || call.kind === "cut") {
      get(call.file).open.push(call);
    }
  }
  for (const [name, file] of files) {
    if (!/^tenant\.db(-wal)?$/.test(name)) continue;
    for (const one of file.open) file.image.apply(one, chance);
    if (file.isMade && chance() < 0.5) rmSync(join(folder, name), { force: true });
    else writeFileSync(join(folder, name), file.image.content());
  }
  rmSync(join(folder, "tenant.db-shm"), { force: true });
  return told;
}
