// live - streams of live events while processes die, and a reader that does not read.
// SPDX-License-Identifier: MIT
//
// What one reader may keep waiting is STREAM_QUEUE_BYTES_MAX, and for how long STREAM_SLOW_MS.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import * as faults from "../kit/faults.mjs";
import { Server } from "../kit/server.mjs";
import { Stream } from "../kit/stream.mjs";
import { makeFolder, Tenant } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const server = new Server(makeFolder());
let acme;

before(async () => {
  await server.start({ args: ["--operator-listen", "127.0.0.1:0"] });
  acme = new Tenant("acme", server);
  acme.tokens.admin = Promise.resolve(await faults.signIn(server.port));
});
after(async () => {
  acme?.close();
  try {
    await server.stop({ deaths: true });
  } finally {
    server.remove();
  }
});

const make = async () => {
  const { got } = await faults.until("a lead is made", async () => {
    const token = await acme.token("admin");
    const body = { name: "Ann" };
    const answer = await faults.attempt(acme.client, "POST", LEADS, { body, token });
    return answer.status === 201 && answer.json;
  });
  return got;
};

const kill = (role) => {
  for (const one of faults.processes(server.child.pid))
    if (one.role === role) process.kill(one.pid, "SIGKILL");
};

async function open(headers) {
  const { got } = await faults.until("a stream opens", () =>
    Stream.open(acme, "admin", { headers }).catch(() => undefined),
  );
  assert.equal(got.status, 200);
  return got;
}

test("a worker dies: its streams stay and go on telling", async () => {
  const stream = await open();
  for (let round = 0; round < 3; round++) {
    kill("worker");
    const made = await make();
    await stream.change(made.id);
  }
  assert.ok(!stream.isClosed);
  stream.close();
});

test("a gateway dies: who comes back is told everything once and in order", async () => {
  let stream = await open();
  const made = [];
  const told = [];
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 10; i++) made.push((await make()).id);
    kill("gateway");
    await stream.ended();
    told.push(...stream.events);
    for (let i = 0; i < 5; i++) made.push((await make()).id);
    stream = await open(stream.last ? { "last-event-id": stream.last } : {});
  }
  await stream.change(made.at(-1));
  told.push(...stream.events);
  stream.close();
  // A write whose answer was lost with the gateway is told too.
  const ids = told.map(({ data }) => data.id);
  assert.equal(new Set(ids).size, ids.length, "nothing twice");
  assert.deepEqual(
    ids.filter((id) => made.includes(id)),
    made,
  );
  const seqs = told.map(({ data }) => data.seq);
  assert.deepEqual(
    seqs,
    [...seqs].sort((a, b) => a - b),
  );
});

test("a reader that does not read is cut; the others are told all the while", async () => {
  const items = Array.from({ length: 1000 }, () => ({ op: "create", name: "Ann" }));
  for (let i = 0; i < 9; i++) {
    await acme.ok("admin", "POST", `${LEADS}/bulk`, { items, atomic: true });
  }
  const other = await open();
  const socket = net.connect(server.port, "127.0.0.1").pause();
  const token = await acme.token("admin");
  const since = Math.max(0, Number((await make(), await newest())) - 9900);
  socket.write(
    `GET /api/v1/events?since=${since} HTTP/1.1\r\nHost: ${acme.host}\r\n` +
      `Authorization: Bearer ${token}\r\n\r\n`,
  );
  await faults.until("it is open", async () => (await streams()) === 2);
  const made = await make();
  await other.change(made.id);
  await faults.until("it is cut", async () => (await streams()) === 1, 120_000);
  assert.match(server.log, /not read any more: cut/);
  await other.change((await make()).id);
  socket.destroy();
  other.close();
});

async function newest() {
  const stream = await open();
  await faults.until("it is told where it begins", () => stream.last);
  stream.close();
  await faults.until("it is closed", async () => (await streams()) === 1);
  return stream.last;
}

async function streams() {
  const answer = await fetch(`http://127.0.0.1:${server.operatorPort}/metrics`);
  const lines = (await answer.text()).matchAll(/^perigee_streams\{.*\} (\d+)$/gm);
  return [...lines].reduce((sum, [, n]) => sum + Number(n), 0);
}
