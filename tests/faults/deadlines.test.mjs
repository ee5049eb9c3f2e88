// deadlines - every wait has an end: who is busy for too long is killed, who is silent is let go.
// SPDX-License-Identifier: MIT
//
// All of it happens side by side, each on a server of its own, so that the file takes as long as
// the longest wait. Nothing is timed: what must not last is waited for.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import net from "node:net";
import { test } from "node:test";
import { Client, multipart } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { limit } from "../kit/limits.mjs";
import { HOSTS, makeFolder, PASSWORD } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const GREETINGS = "/api/v1/records/greeting";
const MORE = 30_000; // on a busy machine

async function withOffice(t, options, play) {
  const office = new faults.Office(makeFolder());
  t.after(() => {
    if (office.server.child) faults.end(office.server.child.pid);
    office.server.remove();
  });
  await office.open(options);
  await play(office);
  await office.judge();
  await office.close();
}

const child = (office, role, index = 0) =>
  faults
    .processes(office.server.child.pid)
    .find((one) => one.role === role && one.index === index);

/** Waits until a process has something to do: it runs, or would if a processor were free. */
async function met(pid) {
  const isAtWork = () => /^\d+ \(.*\) R /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  for (let round = 0; round < 500; round++) {
    for (let look = 0; look < 100; look++) if (isAtWork()) return;
    await faults.sleep(5);
  }
}

/** Stops a process until the supervisor has killed it; one that was met idle after all goes on,
 * and is met again when the others have their answers. */
async function overstay(office, role, index, ms) {
  for (let tries = 0; tries < 8; tries++) {
    const { pid } = child(office, role, index);
    await met(pid);
    process.kill(pid, "SIGSTOP");
    const until = Date.now() + ms + MORE / 3;
    while (Date.now() < until && faults.isAlive(pid)) await faults.sleep(50);
    if (!faults.isAlive(pid)) {
      await faults.until(`there is another ${role}`, () => child(office, role, index)?.pid !== pid);
      return;
    }
    const { ok } = office.sum();
    process.kill(pid, "SIGCONT");
    await faults.until("work goes on", () => office.sum().ok > ok + 5);
  }
  assert.fail(`no ${role} was met at work`);
}

/** Signs in again and again, which keeps a quick runner busy. */
async function signIns(office, over) {
  const client = new Client(office.place);
  const body = { login: "admin", password: PASSWORD };
  while (!over()) await faults.attempt(client, "POST", "/api/v1/sessions", { body });
  client.close();
}

const head = (office, path) =>
  `GET ${path} HTTP/1.1\r\nHost: ${HOSTS.acme}\r\nAuthorization: Bearer ${office.token}\r\n\r\n`;

/** Has lists asked for one behind the other without waiting, which keeps a gateway busy. */
async function lists(office, over) {
  const text = head(office, `${LEADS}?limit=200`).repeat(20);
  while (!over()) {
    const socket = net.connect(office.place.port, "127.0.0.1").on("error", () => {});
    const closed = new Promise((done) => socket.on("close", done));
    const timer = setInterval(() => {
      if (over()) socket.destroy();
      else if (!socket.writableLength) socket.write(text);
    }, 5);
    socket.resume();
    await closed;
    clearInterval(timer);
  }
}

const posting = (office, bytes) =>
  `POST ${LEADS} HTTP/1.1\r\nHost: ${HOSTS.acme}\r\n` +
  `Authorization: Bearer ${office.token}\r\nContent-Type: application/json\r\n` +
  `Content-Length: ${bytes}\r\nConnection: close\r\n\r\n`;

/** Sends a body of `bytes` in pieces of `piece` twice a second; gives the answer's status, or 0. */
function trickle(office, bytes, piece) {
  return new Promise((done) => {
    let text = "";
    let sent = 0;
    const body = `{"name":"${"x".repeat(bytes - 11)}"}`;
    const socket = net.connect(office.place.port, "127.0.0.1", () =>
      socket.write(posting(office, bytes)),
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

// A runner that is met with a write turn lent to it is killed for that, at OVERSTAY_TURN_MS.
const KILLED = [
  ["gateway", 0, "OVERSTAY_GATEWAY_MS"],
  ["worker", 0, "OVERSTAY_WORKER_MS"],
  ["runner", 0, "OVERSTAY_QUICK_MS", "OVERSTAY_TURN_MS"],
];

test("deadlines", { concurrency: true }, async (t) => {
  const all = KILLED.map(([role, index, name, sooner = name]) =>
    t.test(`a ${role} that does not get on with one thing is killed: ${sooner} at least`, (t) =>
      withOffice(t, { processes: [1, 1, 2], people: 6 }, async (office) => {
        let over = false;
        const working = [office.work(() => over)];
        for (let i = 0; i < 8; i++) {
          if (role === "runner") working.push(signIns(office, () => over));
          if (role === "gateway") working.push(lists(office, () => over));
        }
        await faults.sleep(1500);
        await overstay(office, role, index, limit(name));
        const before = office.sum().ok;
        await faults.until("work goes on", () => office.sum().ok > before + 5);
        over = true;
        await Promise.all(working);
        const told = new RegExp(`${role} ${index}.* has been busy for (\\d+) ms`);
        const [, ms] = office.server.log.match(told) ?? assert.fail("the log tells why");
        assert.ok(Number(ms) >= limit(sooner), `killed after ${ms} ms, which it may last`);
      }),
    ),
  );
  all.push(
    t.test("a worker that does not answer, and a turn that nobody lends", (t) =>
      withOffice(t, { processes: [1, 1, 2] }, async (office) => {
        const { pid } = child(office, "worker");
        process.kill(pid, "SIGSTOP"); // idle: it does not overstay anything
        const client = new Client(office.place);
        const [written, signed] = await Promise.all([
          client.request("POST", GREETINGS, { token: office.token, body: { name: "waits" } }),
          new Client(office.place).request("POST", "/api/v1/sessions", {
            body: { login: "admin", password: PASSWORD },
          }),
        ]);
        // After OUTCOME_WAIT_MS; the sign-in needs a turn, LOAN_WAIT_MS.
        assert.deepEqual([written.status, written.json.error.code], [503, "outcome_unknown"]);
        assert.equal(signed.status, 503, signed.text);
        process.kill(pid, "SIGCONT");
        await faults.until("it can be written to", async () => {
          const { status } = await faults.attempt(client, "POST", GREETINGS, {
            token: office.token,
            body: { name: "goes on" },
          });
          return status === 201;
        });
        client.close();
      }),
    ),
    t.test("who is silent between requests, and who does not take an answer, are let go", (t) =>
      withOffice(t, { processes: [1, 1, 2] }, async (office) => {
        const content = Buffer.alloc(limit("UPLOAD_BYTES_MAX"), "x");
        const type = "application/octet-stream";
        const form = multipart([{ name: "file", filename: "a.bin", type, content }]);
        const client = new Client(office.place);
        const file = await client.request("POST", "/api/v1/files", {
          token: office.token,
          ...form,
        });
        assert.equal(file.status, 201, file.text);
        client.close();
        const idle = net.connect(office.place.port, "127.0.0.1");
        let closed = false;
        idle.on("close", () => (closed = true)).resume();
        idle.write(head(office, "/healthz"));
        const deaf = net.connect(office.place.port, "127.0.0.1").pause();
        deaf.write(head(office, `/api/v1/files/${file.json.id}`));
        // What the kernel takes at once counts for the first while.
        await faults.sleep(2 * limit("WRITE_TIMEOUT_MS") + MORE / 3);
        let taken = 0;
        const cut = new Promise((done) => deaf.on("close", done).on("error", () => {}));
        deaf.on("data", (bytes) => (taken += bytes.length)).resume();
        await cut;
        assert.ok(taken < content.length, "what was not taken in time is gone");
        const most = limit("IDLE_TIMEOUT_MS") + MORE;
        await faults.until("the silent one is closed", () => closed, most);
      }),
    ),
    t.test("a body slower than its rate is cut, one a little faster is read to its end", (t) =>
      withOffice(t, { processes: [1, 1, 2] }, async (office) => {
        const rate = limit("BODY_RATE_BYTES_S");
        const seconds = limit("BODY_TIMEOUT_MS") / 1000;
        const bytes = rate * (seconds + 6);
        const [slow, fast] = await Promise.all([
          trickle(office, bytes, Math.floor((rate * 0.8) / 2)),
          trickle(office, bytes, Math.ceil((rate * 1.2) / 2)),
        ]);
        assert.equal(slow, 0, "cut without an answer");
        assert.equal(fast, 422, "read, and then refused for its long name");
      }),
    ),
    t.test("a stop waits for a request that never ends, but not for ever", async (t) => {
      const office = new faults.Office(makeFolder());
      t.after(() => {
        if (office.server.child) faults.end(office.server.child.pid);
        office.server.remove();
      });
      await office.open({ processes: [1, 1, 1] });
      const socket = net.connect(office.place.port, "127.0.0.1").on("error", () => {});
      socket.write(`${posting(office, 60_000)}{`);
      const drip = setInterval(() => socket.write(" ".repeat(2000)), 500);
      await faults.sleep(300);
      await office.close({}); // SIGTERM; STOP_GRACE_MS later it has ended, with status 0
      clearInterval(drip);
      socket.destroy();
    }),
  );
  await Promise.all(all);
});
