// move - tenants change their worker while people write to them; nobody notices but by the time.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as faults from "../kit/faults.mjs";
import { makeFolder } from "../kit/world.mjs";

const office = new faults.Office(makeFolder());
const { server } = office;
const move = (to) => server.must(["tenant", "move", "acme", "--worker", String(to)]);
const lives = () => JSON.parse(server.must(["tenant", "show", "acme", "--json"])).worker;

before(() => office.open({ people: 6, processes: [2, 3, 2] }));
after(async () => {
  if (server.child) faults.end(server.child.pid);
  server.remove();
});

test("moved to and fro under load, every write is answered and there", async () => {
  const from = lives();
  const places = [1, 2, 0, 2, 1, from];
  let over = false;
  const working = office.work(() => over);
  for (const to of places) {
    const before = office.sum().ok;
    move(to);
    assert.equal(lives(), to);
    await faults.until("people go on", () => office.sum().ok > before + 20);
  }
  over = true;
  const sum = await working;
  assert.deepEqual({ failed: sum.failed, unknown: sum.unknown }, { failed: 0, unknown: 0 });
  await office.judge();
});

test("imports and their turns on loan follow", async () => {
  const names = Array.from({ length: 3000 }, (_, i) => `${String(i).padStart(4, "x")}y`);
  const { spawn } = await import("node:child_process");
  const { writeFileSync } = await import("node:fs");
  const path = `${server.data}/names.csv`;
  writeFileSync(path, `name\n${names.join("\n")}\n`);
  const child = spawn(process.env.PERIGEE_BIN, ["import", "acme", "account", path, "--json"], {
    env: { ...process.env, PERIGEE_DATA: server.data },
  });
  let out = "";
  child.stdout.on("data", (part) => (out += part));
  child.stderr.on("data", (part) => (out += part));
  const ended = new Promise((done) => child.on("close", done));
  for (const to of [2, 0, 1]) move(to);
  assert.equal(await ended, 0, out);
  assert.match(out, /"created": ?3000/);
});

test("a worker that dies on the way loses nothing, and the move is asked for again", async () => {
  let over = false;
  const working = office.work(() => over);
  for (let round = 0; round < 6; round++) {
    const to = round % 3;
    const victims = faults.processes(server.child.pid).filter(({ role }) => role === "worker");
    process.kill(victims[round % victims.length].pid, "SIGKILL");
    await faults.until("it is moved", async () => {
      const done = server.command(["tenant", "move", "acme", "--worker", String(to)]);
      return done.status === 0 && lives() === to;
    });
  }
  over = true;
  await working;
  await office.judge();
});

test("a worker that is none is refused, and nothing moves", async () => {
  const before = lives();
  for (const to of ["3", "-1", "999999999999"]) {
    const done = server.command(["tenant", "move", "acme", "--worker", to]);
    assert.equal(done.status, 1, to);
    assert.match(done.stderr, /worker/);
  }
  assert.equal(server.command(["tenant", "move", "acme", "--worker", "x"]).status, 2);
  assert.equal(server.command(["tenant", "move", "acme"]).status, 2);
  assert.equal(server.command(["tenant", "move", "nobody", "--worker", "0"]).status, 1);
  assert.equal(lives(), before);
});

test("the next server remembers; a command without one does too", async () => {
  move(1);
  await office.close();
  await office.open({ people: 6, processes: [2, 3, 2] });
  assert.equal(lives(), 1);
  await office.close();
  server.must(["tenant", "move", "acme", "--worker", "0"]);
  await office.open({ people: 6, processes: [2, 3, 2] });
  assert.equal(lives(), 0);
  await office.work(500);
  await office.judge();
  await office.close();
});
