// bounds - queues that are full, turns that are held too long.
// SPDX-License-Identifier: MIT
//
// OVERSTAY_TURN_MS stands for its sisters of whole processes: one function watches them all, and
// a process cannot be met at work at will.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { Client, multipart } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { limit } from "../kit/limits.mjs";
import { HOSTS, makeFolder } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const office = new faults.Office(makeFolder());
let client;

before(async () => {
  const env = { PERIGEE_CONNS_PER_ADDRESS_MAX: "4096" };
  await office.open({ processes: [1, 1, 2], env });
  client = new Client(office.place);
});
after(async () => {
  client?.close();
  try {
    await office.close();
  } finally {
    if (office.server.child) faults.end(office.server.child.pid);
    office.server.remove();
  }
});

const child = (role, index = 0) =>
  faults
    .processes(office.server.child.pid)
    .find((one) => one.role === role && one.index === index);
const ask = async (method, path, options = {}) => {
  const answer = await client.request(method, path, { token: office.token, ...options });
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json;
};

const head = (method, path, bytes) =>
  `${method} ${path} HTTP/1.1\r\nHost: ${HOSTS.acme}\r\n` +
  `Authorization: Bearer ${office.token}\r\nContent-Type: application/json\r\n` +
  `Content-Length: ${bytes}\r\nConnection: close\r\n\r\n`;

/** A request over a connection of its own; `status` is there once it is answered. */
function single(method, path, body) {
  const text = JSON.stringify(body);
  const one = { status: 0, text: "" };
  const socket = net.connect(office.place.port, "127.0.0.1", () =>
    socket.write(head(method, path, Buffer.byteLength(text)) + text),
  );
  one.over = new Promise((done) => {
    socket.setEncoding("latin1").on("error", () => {});
    socket.on("data", (part) => {
      one.text += part;
      one.status ||= Number(/^HTTP\/1\.1 (\d{3})/.exec(one.text)?.[1] ?? 0);
    });
    socket.on("close", done);
  });
  return one;
}

/** Begins an import of many rows and stops its runner while it holds the company's write turn. */
async function holdTurn() {
  const rows = Array.from({ length: 60_000 }, (_, i) => `held ${i}`);
  const form = multipart([
    { name: "entity", content: "lead" },
    { name: "file", filename: "a.csv", type: "text/csv", content: `name\n${rows.join("\n")}\n` },
  ]);
  const { id } = await ask("POST", "/api/v1/imports", form);
  const path = `/api/v1/imports/${id}`;
  await ask("PUT", `${path}/mapping`, { body: {} });
  await ask("POST", `${path}/run`, { body: {} });
  const { pid } = child("runner", 1);
  for (let tries = 0; tries < 400; tries++) {
    await faults.sleep(20);
    process.kill(pid, "SIGSTOP");
    const probe = single("POST", LEADS, { name: `probe ${tries}` });
    await Promise.race([probe.over, faults.sleep(1500)]);
    if (!probe.status) return { pid, path, probe };
    process.kill(pid, "SIGCONT");
  }
  assert.fail("the runner was never met with a turn in its hands");
}

test("a full queue of a worker refuses, and a turn held too long is taken back", async (t) => {
  const { pid, probe, path } = await holdTurn();
  const most = limit("WORKER_QUEUE_MAX");
  const more = 32;
  const all = Array.from({ length: most - 1 + more }, (_, i) =>
    single("POST", LEADS, { name: `queued ${i}` }),
  );
  const refused = () => all.filter(({ status }) => status === 503).length;
  await faults.until("what is too many is refused", () => refused() >= more, 25_000);
  await faults.sleep(500);
  assert.equal(refused(), more, "and not one that fits");
  assert.equal(all.filter(({ status }) => status && status !== 503).length, 0);
  await faults.until("the runner is ended", () => !faults.isAlive(pid));
  await Promise.all([probe.over, ...all.map(({ over }) => over)]);
  const done = all.filter(({ status }) => status === 201).length;
  t.diagnostic(`${done} of ${most - 1} that waited are done`);
  assert.equal(done + all.filter(({ status }) => status === 503).length, all.length);
  assert.ok(done > 0, "who waited is served");
  assert.match(office.server.log, /runner.* has been busy for/);
  await faults.until("the import goes on in another process", async () => {
    const { state } = await ask("GET", path);
    return state === "done";
  }, 180_000);
});
