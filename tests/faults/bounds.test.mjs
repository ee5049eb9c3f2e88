// bounds - queues that are full, turns that are held too long, bodies that trickle.
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

/** Sends a body of `bytes` in pieces of `piece` twice a second; gives the answer's status, or 0. */
function trickle(bytes, piece) {
  return new Promise((done) => {
    let text = "";
    let sent = 0;
    const body = `{"name":"${"x".repeat(bytes - 11)}"}`;
    const socket = net.connect(office.place.port, "127.0.0.1", () =>
      socket.write(head("POST", LEADS, bytes)),
    );
    const timer = setInterval(() => {
      if (sent >= bytes || socket.destroyed) return;
      socket.write(body.slice(sent, sent + piece));
      sent += piece;
    }, 500);
    socket.setEncoding("latin1").on("error", () => {});
    socket.on("data", (part) => (text += part));
    socket.on("close", () => {
      clearInterval(timer);
      done(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0));
    });
  });
}

test("a body slower than its rate is cut, one a little faster is read to its end", async () => {
  const rate = limit("BODY_RATE_BYTES_S");
  const seconds = limit("BODY_TIMEOUT_MS") / 1000;
  const bytes = rate * (seconds + 6);
  const [slow, fast] = await Promise.all([
    trickle(bytes, Math.floor((rate * 0.8) / 2)),
    trickle(bytes, Math.ceil((rate * 1.2) / 2)),
  ]);
  assert.equal(slow, 0, "cut without an answer");
  assert.equal(fast, 422, "read, and then refused for its long name");
});
