// limits - out of descriptors, out of memory, confined: a process gives up, the server does not.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import net from "node:net";
import { test } from "node:test";
import { Client, multipart } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { HOSTS, makeFolder } from "../kit/world.mjs";

const MEMORY = /bug: core\/[^"]*: out of memory"/;
const PRLIMIT = faults.can("prlimit", "--version");

/** An office that is closed and removed whatever happens. */
async function withOffice(t, run, options) {
  const office = new faults.Office(makeFolder());
  t.after(() => {
    if (office.server.child) faults.end(office.server.child.pid);
    office.server.remove();
  });
  await office.open(options);
  await run(office);
  await office.judge();
  await office.close();
}

const status = (pid) => readFileSync(`/proc/${pid}/status`, "utf8");
const field = (pid, name) => new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(status(pid))[1];

test("a worker that runs out of memory aborts, comes back, and loses nothing", async (t) => {
  if (!PRLIMIT) return t.skip("needs prlimit");
  await withOffice(t, async (office) => {
    for (let i = 0; i < 3; i += 1) {
      const workers = faults
        .processes(office.server.child.pid)
        .filter(({ role }) => role === "worker");
      for (const { pid } of workers) {
        const most = (Number(field(pid, "VmSize")) + 512) * 1024;
        assert.equal(
          spawnSync("prlimit", ["--pid", String(pid), `--as=${most}:${most}`]).status,
          0,
        );
      }
      const filler = "满".repeat(18_000);
      for (const person of office.people) person.filler = filler;
      const isThere = new Set(workers.map(({ pid }) => pid));
      const until = Date.now() + 20_000;
      await office.work(
        () => Date.now() > until || [...isThere].some((pid) => !faults.isAlive(pid)),
      );
      assert.ok(
        [...isThere].some((pid) => !faults.isAlive(pid)),
        "no worker ran out of memory",
      );
      for (const person of office.people) person.filler = "";
      // The other may still be short of it: both begin anew.
      for (const pid of isThere) if (faults.isAlive(pid)) process.kill(pid, "SIGABRT");
      await faults.until("the workers are there again", () => {
        const now = faults
          .processes(office.server.child.pid)
          .filter(({ role }) => role === "worker");
        return now.length === 2 && now.every(({ pid }) => !isThere.has(pid));
      });
      const before = office.sum().ok;
      await office.work(() => office.sum().ok > before + 20);
    }
    t.diagnostic(JSON.stringify(office.sum()));
    // These words are what the test was about; any others are judged when the server stops.
    const meant = office.server.log.split("\n").filter((line) => MEMORY.test(line));
    assert.ok(meant.length > 0, "the worker says why");
    office.server.log = office.server.log
      .split("\n")
      .filter((line) => !MEMORY.test(line))
      .join("\n");
  });
});

test("a file that may not grow refuses writes, ends no process, and may grow again", async (t) => {
  if (!PRLIMIT) return t.skip("needs prlimit");
  await withOffice(t, async (office) => {
    await office.work(200);
    const all = faults.processes(office.server.child.pid);
    const may = (bytes) => {
      for (const { pid, role } of all)
        if (role !== "supervisor")
          spawnSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:${2 ** 38}`]);
    };
    may(1 << 20);
    const filler = "满".repeat(18_000);
    for (const person of office.people) person.filler = filler;
    const sum = await office.work(() => office.sum().failed >= 20);
    t.diagnostic(JSON.stringify(sum));
    const client = new Client({ host: HOSTS.acme, port: office.place.port });
    const made = [];
    let refused;
    const isRefused = async () => {
      refused = await client.request("POST", "/api/v1/records/lead", {
        body: { name: "zzlarge", description: filler },
        token: office.token,
      });
      if (refused.status === 201) made.push(refused.json.id);
      return refused.status !== 201;
    };
    await faults.until("a write is refused", isRefused);
    assert.deepEqual([refused.status, refused.json.error.code], [503, "storage_full"]);
    const content = Buffer.alloc(3 << 20, "x");
    const type = "application/octet-stream";
    const form = multipart([{ name: "file", filename: "large.bin", type, content }]);
    const upload = () => client.request("POST", "/api/v1/files", { token: office.token, ...form });
    const large = await upload();
    assert.deepEqual([large.status, large.json.error.code], [503, "storage_full"], large.text);
    may(2 ** 38);
    assert.equal((await upload()).status, 201);
    for (const id of made) {
      const path = `/api/v1/records/lead/${id}`;
      assert.equal((await client.request("DELETE", path, { token: office.token })).status, 204);
    }
    client.close();
    for (const person of office.people) person.filler = "";
    const before = office.sum().ok;
    await office.work(() => office.sum().ok > before + 20);
    const now = faults.processes(office.server.child.pid);
    assert.deepEqual(now.map(({ pid }) => pid).sort(), all.map(({ pid }) => pid).sort());
  });
});

test("out of descriptors: connections are refused, those that are there are served", async (t) => {
  if (!PRLIMIT) return t.skip("needs prlimit");
  const unwrap = faults.wrap(["prlimit", "--nofile=48:48", "--"]);
  t.after(unwrap);
  await withOffice(t, async (office) => {
    const before = faults.processes(office.server.child.pid).map(({ pid }) => pid);
    await office.work(200); // everybody has a connection
    const first = office.sum();
    const sockets = [];
    for (let i = 0; i < 150; i += 1) {
      const socket = net.connect(office.place.port, "127.0.0.1");
      socket.on("error", () => {});
      sockets.push(socket);
    }
    await faults.sleep(300);
    const sum = await office.work(500);
    assert.ok(sum.ok > first.ok, "those who were connected are served");
    t.diagnostic(`with 150 idle connections: ${JSON.stringify(sum)}`);
    for (const socket of sockets) socket.destroy();
    const ok = office.sum().ok;
    await office.work(() => office.sum().ok > ok + 20);
    const after = faults.processes(office.server.child.pid).map(({ pid }) => pid);
    assert.deepEqual(after.sort(), before.sort(), "no process has ended");
  });
});

test("every process is confined and holds only what its role needs", async (t) => {
  await withOffice(t, async (office) => {
    await office.work(200);
    for (const { pid, role } of faults.processes(office.server.child.pid)) {
      if (role === "supervisor") continue;
      const what = `${role} ${pid}`;
      assert.equal(field(pid, "Seccomp"), "2", `${what} has a filter`);
      assert.equal(field(pid, "NoNewPrivs"), "1", what);
      const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
      assert.match(limits, /Max core file size\s+0\s+0/, what);
      assert.ok(Number(/Max open files\s+\d+\s+(\d+)/.exec(limits)[1]) <= 8192, what);
      assert.ok(Number(/Max address space\s+\d+\s+(\d+)/.exec(limits)[1]) <= 8 * 2 ** 30, what);
      const files = readdirSync(`/proc/${pid}/fd`).map((fd) => {
        try {
          return readlinkSync(`/proc/${pid}/fd/${fd}`);
        } catch {
          return "";
        }
      });
      assert.ok(
        files.some((path) => path.endsWith("/lock")),
        `${what} holds the folder lock`,
      );
      const sockets = files.map((path) => /^socket:\[(\d+)\]$/.exec(path)?.[1]).filter(Boolean);
      const inet = readFileSync("/proc/net/tcp", "utf8")
        .split("\n")
        .map((line) => line.trim().split(/\s+/)[9]);
      const public_ = sockets.filter((inode) => inet.includes(inode));
      assert.equal(
        public_.length > 0,
        role === "gateway",
        `${what} and TCP sockets: ${public_.length}`,
      );
    }
  });
});

test("a request for a child role by hand is refused", () => {
  for (const role of ["gateway", "worker", "runner"]) {
    const done = spawnSync(process.env.PERIGEE_BIN, ["child", role, "0"], {
      encoding: "utf8",
      env: { PATH: process.env.PATH },
      timeout: 20_000,
    });
    assert.ok(done.status > 0, `child ${role}: ${done.status} ${done.signal}`);
    assert.match(done.stderr, /perigee/);
  }
});

test("a worker that stands still for a moment is waited for", async (t) => {
  await withOffice(t, async (office) => {
    const worker = faults
      .processes(office.server.child.pid)
      .find(({ role, index }) => role === "worker" && index === 0);
    process.kill(worker.pid, "SIGSTOP");
    const client = new Client({ host: HOSTS.acme, port: office.place.port });
    const asked = faults.attempt(client, "POST", "/api/v1/records/lead", {
      body: { name: "zzwaited", title: "w" },
      token: office.token,
      headers: { "idempotency-key": "waited" },
    });
    await faults.sleep(500);
    process.kill(worker.pid, "SIGCONT");
    const answer = await asked;
    assert.equal(answer.status, 201, answer.text);
    const gone = await client.request("DELETE", `/api/v1/records/lead/${answer.json.id}`, {
      token: office.token,
    });
    assert.ok(gone.status < 300, gone.text);
    client.close();
  });
});
