// replay - power cuts at recorded calls: whatever was answered before is there after each of them.
// SPDX-License-Identifier: MIT
//
// FAULTS_POINTS asks for more points, FAULTS_SEED for another series. The last test takes all syncs
// back, as if the store ran without them, and wants losses to be found: the method can fail.
import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import * as replay from "../kit/replay.mjs";
import { folder, Server } from "../kit/server.mjs";
import { HOSTS, makeFolder } from "../kit/world.mjs";

const POINTS = Number(process.env.FAULTS_POINTS || 200);
const SEED = Number(process.env.FAULTS_SEED || 1);
const STRACE = faults.can(
  "strace",
  "-D",
  "-f",
  "-y",
  "-o",
  "/dev/null",
  "-e",
  "trace=fsync",
  "true",
);
const kept = []; // folders to remove
let base; // the data folder before the recording
let calls;

/** strace stands beside what it follows (-D), so its end is nobody's to be told. */
const isWriting = (log) =>
  readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .some((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return words[0] === "strace" && words.includes(log);
      } catch {
        return false; // it has ended meanwhile
      }
    });

before(async () => {
  if (!STRACE) return;
  base = makeFolder();
  const data = folder();
  const log = join(folder(), "calls");
  kept.push(base, data, join(log, ".."));
  cpSync(base, data, { recursive: true, verbatimSymlinks: true });
  const unwrap = faults.wrap([
    "strace",
    "-D",
    "-f",
    "-y",
    "-qq",
    "-xx",
    "-s",
    "70000",
    "-o",
    log,
    "-e",
    `trace=${replay.CALLS}`,
  ]);
  const office = new faults.Office(data);
  try {
    await office.open({ processes: [1, 1, 1] });
    const until = Date.now() + 20_000;
    await office.work(() => office.sum().ok > 250 || Date.now() > until);
    for (const person of office.people) person.close();
    await office.crash();
  } finally {
    if (office.server.child) faults.end(office.server.child.pid);
    unwrap();
  }
  await faults.until("strace has written its last lines", () => !isWriting(log));
  calls = replay.parse(log, join(data, "tenants/acme"));
});

after(() => {
  for (const path of kept) new Server(path).remove();
});

/** The folder of a power cut at call n, opened: undefined, or what is wrong with it. */
async function judge(n, seed, options) {
  const data = folder();
  kept.push(data);
  cpSync(base, data, { recursive: true, verbatimSymlinks: true });
  const told = replay.rebuild(calls, n, seed, join(data, "tenants/acme"), options);
  const server = new Server(data);
  try {
    await server.start({ processes: [1, 1, 1] });
    const token = await faults.signIn(server.port);
    const client = new Client({ host: HOSTS.acme, port: server.port });
    const all = await faults.leads(client, token);
    for (const [name, { version, title }] of told) {
      const found = all.get(name) ?? [];
      assert.equal(found.length, 1, `${name} was acknowledged and is there ${found.length} times`);
      assert.ok(
        found[0].version >= version,
        `${name}: version ${found[0].version}, told ${version}`,
      );
      if (found[0].version === version) assert.equal(found[0].title, title);
    }
    await faults.compareLog(client, token, all);
    client.close();
    faults.check(server, "acme");
    await server.stop();
    return { told: told.size };
  } catch (error) {
    return { wrong: error };
  } finally {
    if (server.child) faults.end(server.child.pid);
    server.remove();
  }
}

test(`${POINTS} power cuts, and nothing acknowledged is lost`, async (t) => {
  if (!STRACE) return t.skip("needs strace and the right to trace");
  const count = (wanted) => calls.filter(({ kind }) => kind === wanted).length;
  t.diagnostic(`${count("write")} writes, ${count("sync")} syncs, ${count("ack")} answers`);
  assert.ok(
    calls.some(({ kind }) => kind === "ack"),
    "answers were recorded",
  );
  assert.ok(
    calls.some(({ kind }) => kind === "sync"),
    "syncs were recorded",
  );
  const chance = replay.random(SEED);
  let most = 0;
  for (let i = 0; i < POINTS; i += 1) {
    const n = 1 + Math.floor(chance() * calls.length);
    const { wrong, told } = await judge(n, SEED * 100_000 + i);
    if (wrong)
      throw new Error(
        `cut at call ${n} of ${calls.length}, seed ${SEED * 100_000 + i}: ${wrong.stack}`,
      );
    most = Math.max(most, told);
  }
  assert.ok(most > 0, "some cuts came after an answer");
});

test("without syncs the same cuts are found to lose", async (t) => {
  if (!STRACE) return t.skip("needs strace and the right to trace");
  const chance = replay.random(SEED + 7);
  let found;
  for (let i = 0; i < 12 && !found; i += 1) {
    const n = Math.floor(calls.length * (0.5 + chance() / 2));
    found = (await judge(n, i, { lying: true })).wrong;
  }
  assert.ok(found, "the method sees no difference");
  t.diagnostic(String(found.message).split("\n")[0]);
});
