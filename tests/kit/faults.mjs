// faults - the release build, its processes one by one, people who remember what they were told.
// SPDX-License-Identifier: MIT
//
// Sanitizers would be in the way of killing, tracing and limiting, so these tests run the release
// binary: PERIGEE_RELEASE_BIN, else build/release/perigee, else build/perigee.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Client } from "./client.mjs";
import { ROOT, Server } from "./server.mjs";
import { HOSTS, PASSWORD } from "./world.mjs";

function release() {
  if (process.env.PERIGEE_RELEASE_BIN) return resolve(process.env.PERIGEE_RELEASE_BIN);
  const built = ["build/release/perigee", "build/perigee"].map((path) => join(ROOT, path));
  return built.find(existsSync) ?? process.env.PERIGEE_BIN;
}
process.env.PERIGEE_BIN = release();

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Asks again and again; what is still false after `most` ms fails the test. */
export async function until(what, ask, most = 60_000) {
  const from = Date.now();
  for (;;) {
    const got = await ask();
    if (got) return { got, ms: Date.now() - from };
    assert.ok(Date.now() - from < most, `waited ${most} ms in vain until ${what}`);
    await sleep(10);
  }
}

export function isAlive(pid) {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** The processes of a server: [{ pid, role, index }], the supervisor first. */
export function processes(pid) {
  const all = [{ pid, role: "supervisor", index: 0 }];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      if (Number(stat.slice(stat.lastIndexOf(")") + 4).split(" ")[0]) !== pid) continue;
      const [, word, role, index] = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
      if (word === "child") all.push({ pid: Number(name), role, index: Number(index) });
    } catch {
      // it ended while we looked
    }
  }
  return all;
}

/** A request whose every end is an answer: { status, json, ... } or { status: 0, error }. */
export async function attempt(client, method, path, options) {
  try {
    return await client.request(method, path, options);
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return { status: 0, error, headers: {}, text: String(error) };
  }
}

export async function signIn(port, tenant = "acme") {
  const client = new Client({ port, host: HOSTS[tenant] });
  const { got } = await until("somebody can sign in", async () => {
    const answer = await attempt(client, "POST", "/api/v1/sessions", {
      body: { login: "admin", password: PASSWORD },
    });
    return answer.status === 201 && answer.json.token;
  });
  client.close();
  return got;
}

/** A number as a word of five letters: names that search takes for different words. */
const word = (n) =>
  [4, 3, 2, 1, 0].map((i) => String.fromCharCode(97 + (Math.floor(n / 26 ** i) % 26))).join("");

/**
 * One person at work: creates leads and changes them, one request after the other, each with a key
 * of its own, and keeps for each record what was acknowledged.
 *   records  name → { name, id, version, title, state: "ok" | "failed" | "unknown", open }
 * `open` is the one request whose outcome is not known: { method, path, body, key }.
 */
export class Person {
  constructor(name, place, token, { update = 0.5, filler = "" } = {}) {
    Object.assign(this, { name, place, token, update, filler });
    this.client = new Client(place);
    this.records = new Map();
    this.count = 0;
    this.tally = { ok: 0, failed: 0, unknown: 0, replayed: 0 };
    this.touched = new Set();
  }

  async send(request) {
    return attempt(this.client, request.method, request.path, {
      body: request.body,
      token: this.token,
      headers: { "idempotency-key": request.key },
    });
  }

  /** Takes the answer into the books. */
  settle(record, request, answer) {
    const unknown = answer.status === 0 || answer.json?.error?.code === "outcome_unknown";
    this.touched.add(record);
    if (answer.status >= 200 && answer.status < 300) {
      const { id, version, title } = answer.json;
      if (record.id) assert.equal(id, record.id, "an update answers with its own record");
      // One effect: the version is the next one, whether the first or the tenth attempt made it.
      assert.equal(
        version,
        (record.version ?? 0) + 1,
        `version after ${request.method} ${request.key}`,
      );
      assert.equal(title, request.body.title);
      Object.assign(record, { id, version, title, state: "ok", open: undefined });
      this.tally.ok += 1;
      if (answer.headers["idempotency-replayed"]) this.tally.replayed += 1;
    } else if (unknown) {
      record.open = request;
      if (!record.id) record.state = "unknown";
      this.tally.unknown += 1;
    } else {
      assert.ok(
        answer.status >= 500 || answer.status === 429,
        `refused: ${answer.status} ${answer.text}`,
      );
      if (record.open !== request) record.open = undefined;
      if (!record.id && !record.open) record.state = "failed";
      this.tally.failed += 1;
    }
    return unknown || answer.status >= 500;
  }

  step() {
    const known = [...this.records.values()].filter((one) => one.id && !one.open);
    const n = (this.count += 1);
    const key = `${this.name}-${n}`;
    if (known.length && Math.random() < this.update) {
      const record = known[Math.floor(Math.random() * known.length)];
      const path = `/api/v1/records/lead/${record.id}`;
      return [record, { method: "PATCH", path, body: { title: `t${key}` }, key }];
    }
    const record = { name: `z${this.name}${word(n)}`, state: "unknown" };
    this.records.set(record.name, record);
    const body = { name: record.name, title: `t${key}` };
    if (this.filler) body.description = this.filler;
    return [record, { method: "POST", path: "/api/v1/records/lead", body, key }];
  }

  async work(over) {
    while (!over()) {
      const [record, request] = this.step();
      if (this.settle(record, request, await this.send(request))) await sleep(20);
    }
  }

  /** Repeats what is open with the same key until it is answered for good. */
  async repeat() {
    for (const record of this.records.values()) {
      if (!record.open) continue;
      const request = record.open;
      await until(`${request.key} is answered`, async () => {
        this.settle(record, request, await this.send(request));
        return !record.open;
      });
    }
  }

  close() {
    this.client.close();
  }
}

/** All leads, page by page: name → [records]. */
export async function leads(client, token) {
  const all = new Map();
  let path = "/api/v1/records/lead?limit=200&fields=name,title,version";
  for (let cursor = ""; cursor !== undefined;) {
    const answer = await client.request("GET", cursor ? `${path}&cursor=${cursor}` : path, {
      token,
    });
    assert.equal(answer.status, 200, answer.text);
    for (const item of answer.json.items) {
      all.set(item.name, [...(all.get(item.name) ?? []), item]);
    }
    cursor = answer.json.next ? encodeURIComponent(answer.json.next) : undefined;
  }
  return all;
}

/** What people were told against what is there. */
export function compare(people, all, { whole = true } = {}) {
  const ids = new Set();
  for (const person of people) {
    for (const record of person.records.values()) {
      const found = all.get(record.name) ?? [];
      assert.ok(found.length <= 1, `${record.name} is there ${found.length} times`);
      const [there] = found;
      if (record.state === "ok") {
        assert.ok(there, `${record.name} was acknowledged and is lost`);
        assert.equal(there.id, record.id);
        const next = record.open ? [record.version, record.version + 1] : [record.version];
        assert.ok(
          next.includes(there.version),
          `${record.name}: version ${there.version}, told ${record.version}`,
        );
        if (there.version === record.version) assert.equal(there.title, record.title, record.name);
        else assert.equal(there.title, record.open.body.title, record.name);
      } else if (record.state === "failed") {
        assert.equal(there, undefined, `${record.name} failed and is there`);
      }
      if (there) {
        assert.ok(!ids.has(there.id), `${there.id} was given twice`);
        ids.add(there.id);
      }
    }
  }
  if (whole) {
    const there = [...all.values()].reduce((sum, found) => sum + found.length, 0);
    assert.equal(there, ids.size, "there is a record nobody asked for");
  }
}

/** The change log tells each record's life without a gap, up to the version that is there. */
export async function compareLog(client, token, all) {
  const last = new Map();
  let since = 0;
  for (;;) {
    const answer = await client.request("GET", `/api/v1/changes?since=${since}&limit=200`, {
      token,
    });
    assert.equal(answer.status, 200, answer.text);
    for (const { seq, entity, id, op, version } of answer.json.items) {
      assert.ok(seq > since, "the log goes forward");
      since = seq;
      if (entity !== "lead") continue;
      if (op === "delete") {
        assert.ok(last.delete(id), `${id} was deleted before it was made`);
        continue;
      }
      assert.equal(op, last.has(id) ? "update" : "create", id);
      assert.equal(version, (last.get(id) ?? 0) + 1, `a gap in the log of ${id}`);
      last.set(id, version);
    }
    if (!answer.json.items.length) break;
  }
  for (const [found] of all.values()) {
    assert.equal(last.get(found.id), found.version, `the log of ${found.name}`);
  }
  assert.equal(last.size, all.size, "the log tells of a record that is not there");
}

/** What `perigee check` finds, told with its words. */
export function check(server, tenant) {
  const { status, stdout, stderr } = server.command(["check", tenant]);
  const broken = stdout.match(/^BROKEN.*/gm) ?? stdout;
  assert.equal(status, 0, `perigee check ${tenant}: ${broken} ${stderr}`);
}

/** Search finds each of these names, once. */
export async function compareSearch(client, token, names) {
  for (const name of names) {
    const path = `/api/v1/search?q=${name}&entities=lead`;
    const answer = await client.request("GET", path, { token });
    assert.equal(answer.status, 200, answer.text);
    assert.ok(answer.text.includes(`"${name}"`), `search does not find ${name}: ${answer.text}`);
  }
}

/**
 * Runs every command and server from now on as `words... perigee ARGS`, until the function that is
 * given back is called. The words must end in exec: the process id stays that of perigee.
 */
export function wrap(words) {
  const folder = mkdtempSync(join(tmpdir(), "perigee-wrap-"));
  const file = join(folder, "perigee");
  const plain = process.env.PERIGEE_BIN;
  writeFileSync(file, `#!/bin/sh\nexec ${words.join(" ")} '${plain}' "$@"\n`, { mode: 0o755 });
  process.env.PERIGEE_BIN = file;
  return () => {
    process.env.PERIGEE_BIN = plain;
    rmSync(folder, { recursive: true, force: true });
  };
}

/** Whether a program can be run here with these arguments. */
export const can = (name, ...args) => spawnSync(name, args, { stdio: "ignore" }).status === 0;

/** A server with people at work on its company acme. */
export class Office {
  constructor(data) {
    this.server = new Server(data);
    this.place = { host: HOSTS.acme };
    this.people = [];
  }

  async open({ people = 4, ...options } = {}) {
    await this.server.start(options);
    this.place.port = this.server.port;
    this.token ??= await signIn(this.place.port);
    while (this.people.length < people) {
      const name = String.fromCharCode(97 + this.people.length);
      this.people.push(new Person(name, this.place, this.token));
    }
    return this;
  }

  /** All work until `over` says so or `ms` have passed; gives the sum of what they were told. */
  async work(over) {
    const until = typeof over === "number" ? Date.now() + over : Infinity;
    const done = typeof over === "number" ? () => Date.now() > until : over;
    await Promise.all(this.people.map((person) => person.work(done)));
    return this.sum();
  }

  sum() {
    const sum = { ok: 0, failed: 0, unknown: 0, replayed: 0 };
    for (const { tally } of this.people)
      for (const name of Object.keys(sum)) sum[name] += tally[name];
    return sum;
  }

  /** What is there against what people were told, before and after they repeat what is open. */
  async judge() {
    const client = new Client(this.place);
    compare(this.people, await leads(client, this.token));
    for (const person of this.people) await person.repeat();
    const all = await leads(client, this.token);
    compare(this.people, all);
    await compareLog(client, this.token, all);
    client.close();
    check(this.server, "acme");
  }

  /** Every process by SIGKILL, as a crash of the machine would. */
  async crash() {
    for (const { pid } of processes(this.server.child.pid)) process.kill(pid, "SIGKILL");
    await this.server.exited;
  }

  async close(options = { deaths: true }) {
    for (const person of this.people) person.close();
    await this.server.stop(options);
  }
}

/** Ends a server whatever its state: for clearing up after a failure. */
export function end(pid) {
  for (const one of isAlive(pid) ? processes(pid) : []) {
    try {
      process.kill(one.pid, "SIGKILL");
    } catch {
      // it has ended
    }
  }
}
