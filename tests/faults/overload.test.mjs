// overload - more than can be done: refusals that say when to come back, and others are served.
// SPDX-License-Identifier: MIT
//
// Nothing here is timed; the figures are printed. Slow clients of the full length (10 s, 30 s) are
// scripts/soak's.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { limit } from "../kit/limits.mjs";
import { HOSTS, makeFolder, PASSWORD } from "../kit/world.mjs";

const office = new faults.Office(makeFolder());
let other;

before(async () => {
  await office.open();
  const place = { host: HOSTS.globex, port: office.server.port };
  other = new faults.Person("g", place, await faults.signIn(place.port, "globex"));
});

after(async () => {
  other?.close();
  try {
    await office.close({});
  } finally {
    if (office.server.child) faults.end(office.server.child.pid);
    office.server.remove();
  }
});

/** Sends all at once over `lines` connections, each with many requests under way (pipelined). */
function flood(lines, each, request) {
  return Promise.all(
    Array.from({ length: lines }, () => {
      let text = "";
      return new Promise((done) => {
        const socket = net.connect(office.place.port, "127.0.0.1", () => {
          for (let i = 0; i < each; i += 1) socket.write(request(i, i === each - 1));
        });
        socket.setEncoding("latin1");
        socket.on("data", (part) => (text += part));
        socket.on("error", () => {});
        socket.on("close", () => done(text));
      });
    }),
  );
}

const raw = (method, path, token, body, last) =>
  `${method} ${path} HTTP/1.1\r\nHost: ${HOSTS.acme}\r\nAuthorization: Bearer ${token}\r\n` +
  `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
  `${last ? "Connection: close\r\n" : ""}\r\n${body}`;

const tally = (texts) => {
  const counts = {};
  for (const text of texts) {
    for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g))
      counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
};

test("sign-ins beyond the quick lane are 503 with Retry-After, the rest are done", async (t) => {
  const body = JSON.stringify({ login: "admin", password: PASSWORD });
  const most = limit("RUNNER_QUEUE_MAX") / 2; // of one company
  const texts = await flood(2 * most, 1, (_, last) =>
    raw("POST", "/api/v1/sessions", "none", body, last),
  );
  const counts = tally(texts);
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts[201] > 0, "some are done");
  assert.ok(counts[503] > 0, "more than may wait are refused");
  assert.equal(
    Object.keys(counts).filter((status) => !["201", "429", "503"].includes(status)).length,
    0,
    JSON.stringify(counts),
  );
  for (const text of texts) {
    for (const answer of text
      .split(/(?=HTTP\/1\.1 \d{3} )/)
      .filter((one) => / (503|429) /.test(one.slice(0, 14)))) {
      assert.match(answer, /^Retry-After: \d+\r$/m);
      assert.match(answer, /"code":"(busy|too_many_requests|rate_limited)"/);
    }
  }
});

test("a company that floods does not stop another", async (t) => {
  let over = false;
  const working = other.work(() => over);
  let n = 0;
  const request = (_, last) => {
    n += 1;
    return raw(
      "POST",
      "/api/v1/records/lead",
      office.token,
      JSON.stringify({ name: `zzflood${n}` }),
      last,
    );
  };
  const before = other.tally.ok;
  const texts = await flood(60, 40, request);
  const during = other.tally.ok - before;
  t.diagnostic(`acme: ${JSON.stringify(tally(texts))}; globex meanwhile: ${during} acknowledged`);
  over = true;
  await working;
  assert.ok(during > 0, "the other company was served during the flood");
  assert.equal(other.tally.failed + other.tally.unknown, 0, "and nothing of it was refused");
  const client = new Client(office.place);
  const all = await faults.leads(client, office.token);
  const created = tally(texts)[201];
  assert.equal([...all.keys()].filter((name) => name.startsWith("zzflood")).length, created);
  client.close();
});

test("connections of one address beyond its share are closed until others end", async () => {
  const open = [];
  let closed = 0;
  for (let i = 0; i < 500; i += 1) {
    const socket = net.connect(office.place.port, "127.0.0.1");
    socket.on("close", () => (closed += 1)).on("error", () => {});
    open.push(socket);
  }
  await faults.until("some are refused", () => closed > 0);
  for (const socket of open) socket.destroy();
  await faults.until("a new one is served", async () => {
    const client = new Client(office.place);
    const answer = await faults.attempt(client, "GET", "/api/v1/me", { token: office.token });
    client.close();
    return answer.status === 200;
  });
});

test("a reader who never reads holds nobody up", async () => {
  const deaf = Array.from({ length: 20 }, () => {
    const socket = net.connect(office.place.port, "127.0.0.1");
    socket.on("error", () => {}).pause();
    const one = raw("GET", "/api/v1/records/lead?limit=200", office.token, "", false);
    socket.write(one.repeat(16));
    return socket;
  });
  const before = other.tally.ok;
  let over = false;
  const working = other.work(() => over);
  await faults.until("others are served", () => other.tally.ok > before + 20);
  over = true;
  await working;
  for (const socket of deaf) socket.destroy();
});

test("clients that go away in the middle leave nothing half-done", async () => {
  for (let i = 0; i < 60; i += 1) {
    const socket = net.connect(office.place.port, "127.0.0.1");
    socket.on("error", () => {});
    const whole = raw(
      "POST",
      "/api/v1/records/lead",
      office.token,
      JSON.stringify({ name: `zzgone${i}` }),
      false,
    );
    await new Promise((done) => socket.on("connect", done));
    socket.write(whole.slice(0, 1 + Math.floor((whole.length * (i + 1)) / 60)));
    socket.destroy();
  }
  await faults.sleep(300); // a whole one may still be under way: it is there, or it is not
  const client = new Client(office.place);
  const all = await faults.leads(client, office.token);
  for (const [name, found] of all) assert.equal(found.length, 1, name);
  await faults.compareLog(client, office.token, all);
  client.close();
  faults.check(office.server, "acme");
});

/** Sends `first`, then `drop` twice a second; resolves when the server closes. */
function drip(first, drop) {
  return new Promise((done) => {
    const socket = net.connect(office.place.port, "127.0.0.1", () => socket.write(first));
    const timer = setInterval(() => socket.write(drop), 500);
    socket.on("error", () => {}).resume();
    socket.on("close", () => {
      clearInterval(timer);
      done(true);
    });
  });
}

test("a head that never ends is cut, however steadily it comes", async () => {
  const whole = raw("GET", "/api/v1/me", office.token, "", false);
  const slow = [
    drip("G", "E"),
    drip("GET / HTTP/1.1\r\nX-A: b", "c"),
    drip("", "\r\n"),
    drip(`${whole}GET / HTTP/1.1\r\nX-A: b`, "c"), // behind a request that is answered
  ];
  let closed = 0;
  for (const one of slow) one.then(() => (closed += 1));
  await faults.until("all are cut", () => closed === slow.length);
});

test("after all that nobody waits and every process is the first of its slot", () => {
  assert.doesNotMatch(office.server.log, /has been busy|ended after|defect/);
});
