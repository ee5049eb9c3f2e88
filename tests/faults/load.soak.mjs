// load - an hour of ordinary work: memory and descriptors of every process stay where they were.
// SPDX-License-Identifier: MIT
//
// Run by scripts/soak, not by the suite. SOAK_SECONDS of load, after a tenth of it to warm up; the
// slope over the rest, per hour, is held against P4 when the run is long enough to tell. The
// write-ahead logs have to stay short meanwhile, and what the server warned of is told at the end.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { Stream } from "../kit/stream.mjs";
import { HOSTS, makeFolder } from "../kit/world.mjs";

const SECONDS = Number(process.env.SOAK_SECONDS || 3600);
const IDLE = Number(process.env.SOAK_IDLE || 1000); // open connections that say nothing
const ACTIVE = Number(process.env.SOAK_ACTIVE || 192); // others that read beside the writers
const PEOPLE = Number(process.env.SOAK_PEOPLE || 8); // who write, each one request after the other
const SLOW = Number(process.env.SOAK_SLOW || 1000); // clients that send a byte a second
const STREAMS = 8; // live events, as a user's windows have them
const SLOPE_MAX = 0.01; // of the mean, per hour
/* All connections come from one address here. */
const ALL_FROM_HERE = { PERIGEE_CONNS_PER_ADDRESS_MAX: "4096" };
/* What a slope has to come to before it is one: pages of the program that are met late (rss), a
   heap that finds its shape, connections that come and go. */
const GROWTH_MIN = { rss: 1 << 20, anon: 256 << 10, fds: 4 };
const RSS_MAX = 512 << 20;
const WAL_BYTES_MAX = 128 << 20;

/** The longest write-ahead log of the folder. */
function walBytes(data) {
  const stores = readdirSync(join(data, "tenants")).map((name) => `tenants/${name}/tenant.db-wal`);
  const sizes = [...stores, "control.db-wal"].map((path) => {
    return statSync(join(data, path), { throwIfNoEntry: false })?.size ?? 0;
  });
  return Math.max(...sizes);
}

/** What a log warns of, each sentence once with its count; numbers and ids stand as #. */
function warnings(log) {
  const counts = new Map();
  for (const line of log.split("\n").filter((one) => /\b(warn|error)\b/i.test(one))) {
    const text = line.replace(/\d[\w:.-]*/g, "#").slice(0, 300);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `${count} x ${text}`);
}

function sample(pid) {
  return faults.processes(pid).map(({ pid: one, role, index }) => {
    const status = readFileSync(`/proc/${one}/status`, "utf8");
    const bytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)[1]) * 1024;
    const fds = readdirSync(`/proc/${one}/fd`).length;
    return { name: `${role} ${index}`, rss: bytes("VmRSS"), anon: bytes("RssAnon"), fds };
  });
}

/** Least squares: change per second. */
function slope(points) {
  const mean = (pick) => points.reduce((sum, one) => sum + pick(one), 0) / points.length;
  const [x, y] = [mean(([at]) => at), mean(([, value]) => value)];
  const top = points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0);
  return { perSecond: top / points.reduce((sum, [at]) => sum + (at - x) ** 2, 0), mean: y };
}

/* Opened again when the server has closed it for its silence. */
function keepIdle(port, seconds) {
  const one = { over: false };
  const open = () => {
    one.socket = net.connect(port, "127.0.0.1").on("error", () => {});
    one.socket.on("close", () => {
      if (!one.over && seconds() < SECONDS) setTimeout(open, 100);
    });
  };
  open();
  one.close = () => {
    one.over = true;
    one.socket.destroy();
  };
  return one;
}

/* A person who looks something up every now and then. */
async function readOn(client, token, seconds) {
  while (seconds() < SECONDS) {
    const answer = await faults.attempt(client, "GET", "/api/v1/records/lead?limit=5", { token });
    assert.ok([0, 200, 429, 503].includes(answer.status), answer.text);
    await faults.sleep(500);
  }
}

test(`${SECONDS} s of load`, async (t) => {
  const office = new faults.Office(makeFolder());
  t.after(() => {
    if (office.server.child) faults.end(office.server.child.pid);
    office.server.remove();
  });
  await office.open({ people: PEOPLE, env: ALL_FROM_HERE });
  for (const person of office.people) person.update = 0.9;
  const from = Date.now();
  const seconds = () => (Date.now() - from) / 1000;
  const idle = Array.from({ length: IDLE }, () => keepIdle(office.place.port, seconds));
  const clients = Array.from({ length: ACTIVE }, () => new Client(office.place));
  const reading = clients.map((client) => readOn(client, office.token, seconds));
  const tenant = { host: HOSTS.acme, client: clients[0] };
  const streams = [];
  for (let i = 0; i < STREAMS; i++) {
    streams.push(await Stream.open(tenant, null, { token: office.token }));
  }
  const samples = [];
  let [all, wal] = [0, 0];
  const watch = setInterval(
    () => {
      const now = sample(office.server.child.pid);
      all = Math.max(
        all,
        now.reduce((sum, { rss }) => sum + rss, 0),
      );
      wal = Math.max(wal, walBytes(office.server.data));
      if (seconds() > SECONDS / 10) samples.push({ at: seconds(), now });
    },
    Math.max(200, SECONDS * 5),
  );
  await office.work(() => seconds() > SECONDS);
  clearInterval(watch);
  for (const one of idle) one.close();
  for (const stream of streams) {
    assert.ok(!stream.isClosed, "a stream lives through it all");
    assert.ok(stream.events.length > 0);
    stream.close();
  }
  await Promise.all(reading);
  for (const client of clients) client.close();
  const mib = (bytes) => (bytes / 2 ** 20).toFixed(0);
  t.diagnostic(`${JSON.stringify(office.sum())}; at most ${mib(all)} MiB in all`);
  t.diagnostic(`at most ${mib(wal)} MiB of one write-ahead log in all`);
  t.diagnostic(`${office.server.log.length} bytes of log in all`);
  for (const line of warnings(office.server.log)) t.diagnostic(`the log: ${line}`);
  assert.ok(all <= RSS_MAX, `${all} bytes`);
  assert.ok(wal <= WAL_BYTES_MAX, `${wal} bytes of one write-ahead log`);
  const growing = [];
  for (const { name } of samples[0].now) {
    for (const what of ["rss", "anon", "fds"]) {
      const points = samples.map(({ at, now }) => [at, now.find((one) => one.name === name)[what]]);
      const { perSecond, mean } = slope(points);
      const perHour = (perSecond * 3600) / mean;
      const grown = perSecond * (samples.at(-1).at - samples[0].at);
      t.diagnostic(
        `${name} ${what}: mean ${Math.round(mean)}, ${(perHour * 100).toFixed(2)} % per hour`,
      );
      if (perHour >= SLOPE_MAX && grown >= GROWTH_MIN[what]) growing.push(`${name} ${what}`);
    }
  }
  if (SECONDS >= 1800) assert.deepEqual(growing, []);
  await office.judge();
  await office.close({});
});

test("slow clients are cut in their time while others are served", async (t) => {
  if (SECONDS < 5) return t.skip("needs SOAK_SECONDS of 5 and more");
  const office = new faults.Office(makeFolder());
  t.after(() => {
    if (office.server.child) faults.end(office.server.child.pid);
    office.server.remove();
  });
  await office.open({ env: ALL_FROM_HERE });
  let over = false;
  const working = office.work(() => over);
  const slow = (first, drop) =>
    new Promise((done) => {
      const from = Date.now();
      const socket = net.connect(office.place.port, "127.0.0.1", () => socket.write(first));
      const timer = setInterval(() => socket.write(drop), 1000);
      socket.on("error", () => {}).resume();
      socket.on("close", () => {
        clearInterval(timer);
        done(Date.now() - from);
      });
    });
  const body =
    `POST /api/v1/records/lead HTTP/1.1\r\nHost: ${HOSTS.acme}\r\n` +
    `Authorization: Bearer ${office.token}\r\n` +
    "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n";
  const ends = await Promise.all([
    ...Array.from({ length: SLOW / 2 }, () => slow("GET / HTTP/1.1\r\nX-A: b", "c")),
    ...Array.from({ length: SLOW / 2 }, () => slow(body, "{")),
  ]);
  over = true;
  const sum = await working;
  t.diagnostic(
    `headers cut after ${ends[0]} ms, bodies after ${ends.at(-1)} ms; ` +
      `others: ${JSON.stringify(sum)}`,
  );
  assert.equal(sum.failed + sum.unknown, 0);
  await office.judge();
  await office.close({});
});
