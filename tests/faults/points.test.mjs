// points - workers end by SIGKILL while members earn and spend; the ledger adds up all the same.
// SPDX-License-Identifier: MIT
//
// Whoever is told nothing asks again with the same key: what was done is told, not done again.
// PERIGEE_POINTS_STEPS asks for a longer history, PERIGEE_POINTS_SEED for another.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { must, Server } from "../kit/server.mjs";
import { HOSTS, makeFolder } from "../kit/world.mjs";

const STEPS = Number(process.env.PERIGEE_POINTS_STEPS || 1200);
const KILL_EVERY = 300; // operations
const PEOPLE = 8;
const MEMBERS = 24;
const RECORDS = "/api/v1/records";
const folder = makeFolder();
const server = new Server(folder);
const told = new Map(); // key → answer
let seed = Number(process.env.PERIGEE_POINTS_SEED || 20261122);
let [token, client, steps, kills] = [null, null, 0, 0];
const members = [];
const holds = [];

const draw = (n) => {
  seed = (seed * 48271) % 2147483647;
  return seed % n;
};
const one = (list) => list[draw(list.length)];

async function ok(method, path, body) {
  const answer = await client.request(method, path, { token, body });
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json;
}

before(async () => {
  for (const name of ["acme", "globex"]) must(folder, ["plugin", "enable", name, "membership"]);
  await server.start();
  client = new Client({ host: HOSTS.acme, port: server.port });
  token = await faults.signIn(server.port);
  for (const [lock_days, debt] of ["negative", "block", "offset"].entries()) {
    const body = { name: debt, debt, lock_days, transfer_allowed: true, expiry: "days" };
    const program = await ok("POST", `${RECORDS}/program`, { ...body, expiry_span: 90 });
    for (let i = 0; i < MEMBERS / 3; i += 1) {
      const card = await ok("POST", `${RECORDS}/member`, { name: `${i}`, program: program.id });
      members.push(card.id);
    }
  }
});

after(async () => {
  client?.close();
  try {
    await server.stop({ deaths: true });
  } finally {
    server.remove();
  }
});

const path = (entity, id, action) => `${RECORDS}/${entity}/${id}/actions/${action}`;
const day = (shift) => new Date(Date.now() - shift * 86400e3).toISOString().slice(0, 10);

/** What is asked next, a path and a body: kept by the key in it, else by an Idempotency-Key. */
function next(key) {
  const member = one(members);
  switch (draw(6)) {
    case 0:
    case 1: {
      const amount = { amount: `${1 + draw(300)}.${10 + draw(90)}`, currency: "CNY" };
      return [`${RECORDS}/purchase`, { member, amount, bought_on: day(draw(120)) }];
    }
    case 2:
      return [path("member", member, "redeem"), { points: 1 + draw(80), key }];
    case 3:
      return [path("member", member, "hold"), { points: 1 + draw(40), key }];
    case 4:
      return [path("member", member, "transfer"), { to: one(members), points: 1 + draw(30), key }];
    default:
      return holds.length
        ? [path("points_hold", one(holds), one(["capture", "release"])), {}]
        : [path("member", member, "adjust"), { points: 1 + draw(50), reason: "x", key }];
  }
}

/** Asks until somebody answers. */
async function ask(own, at, body, key) {
  for (;;) {
    const headers = body.key ? {} : { "idempotency-key": key };
    const answer = await faults.attempt(own, "POST", at, { token, body, headers });
    if ([200, 201, 422].includes(answer.status)) return answer;
    const passes = [0, 409, 429, 502, 503, 504].includes(answer.status);
    assert.ok(passes, `${at}: ${answer.status} ${answer.text}`);
    await faults.sleep(20);
  }
}

async function person() {
  const own = new Client({ host: HOSTS.acme, port: server.port });
  while (steps < STEPS) {
    const key = `k${(steps += 1)}`;
    const [at, body] = next(key);
    const answer = await ask(own, at, body, key);
    if (answer.status === 422) continue;
    if (body.key) told.set(key, { points: body.points, ...answer.json });
    if (answer.json.hold && answer.json.state === "held") holds.push(answer.json.hold);
  }
  own.close();
}

async function killer() {
  for (let due = KILL_EVERY; steps < STEPS; await faults.sleep(5)) {
    if (steps < due) continue;
    due += KILL_EVERY;
    const workers = faults.processes(server.child.pid).filter(({ role }) => role === "worker");
    for (const { pid } of workers) process.kill(pid, "SIGKILL");
    kills += 1;
    const gone = () => workers.every(({ pid }) => !faults.isAlive(pid));
    await faults.until("the workers are gone", gone);
  }
}

async function all(entity) {
  const items = [];
  for (let more = ""; more !== null;) {
    const page = await ok("GET", `${RECORDS}/${entity}?limit=200${more}`);
    items.push(...page.items);
    more = page.next && `&cursor=${encodeURIComponent(page.next)}`;
  }
  return items;
}

test("a ledger whose workers die adds up, and does nothing twice", async (t) => {
  await Promise.all([killer(), ...Array.from({ length: PEOPLE }, person)]);
  assert.ok(kills >= Math.floor(STEPS / KILL_EVERY) - 1, `${kills} kills`);
  const entries = await all("points_entry");
  const held = await all("points_hold");
  t.diagnostic(`${steps} operations, ${kills} kills, ${entries.length} entries`);
  for (const [key, answer] of told) {
    const own = new Set(["hold", "redeem", "transfer", "adjust"].map((kind) => `${kind}:${key}`));
    const found = (answer.hold ? held : entries).filter((row) => own.has(row.key));
    assert.equal(found.length, 1, `${key} was told and is there ${found.length} times`);
    assert.equal(Math.abs(found[0].points), answer.hold ? answer.points : Math.abs(answer.points));
  }
  faults.check(server, "acme");
  faults.check(server, "globex");
});
