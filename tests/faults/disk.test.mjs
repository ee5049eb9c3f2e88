// disk - a full disk, failing writes and syncs: clear refusals, nothing acknowledged lost.
// SPDX-License-Identifier: MIT
//
// The full disk is a small tmpfs in a mount namespace of its own; failing calls are injected by
// strace from outside. Where the machine permits neither, the test is skipped and says so.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { folder, Server } from "../kit/server.mjs";
import { HOSTS, makeFolder } from "../kit/world.mjs";

const MOUNTS = faults.can("unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt");
const STRACE = faults.can(
  "strace",
  "-D",
  "-f",
  "-o",
  "/dev/null",
  "--seccomp-bpf",
  "-e",
  "trace=fsync",
  "true",
);

/** A process that keeps a mount namespace with a small disk at `place`. */
async function smallDisk(place, size) {
  const mount = `mount -t tmpfs -o size=${size},mode=700 none ${place}`;
  const script = `${mount} && echo there && exec sleep 100000`;
  const holder = spawn("unshare", ["-m", "sh", "-c", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((done, fail) => {
    holder.stdout.once("data", done);
    holder.once("exit", () => fail(new Error("the small disk could not be mounted")));
  });
  return holder;
}

test("a full disk refuses writes, serves reads, and works again when there is room", async (t) => {
  if (!MOUNTS) return t.skip("needs the right to mount (root)");
  const place = folder();
  const holder = await smallDisk(place, "20m");
  const inside = (...words) => {
    const done = spawnSync("nsenter", ["-t", String(holder.pid), "-m", ...words], {
      encoding: "utf8",
    });
    assert.equal(done.status, 0, done.stderr);
    return done.stdout;
  };
  const unwrap = faults.wrap(["nsenter", "-t", String(holder.pid), "-m", "--"]);
  const data = join(place, "data");
  const office = new faults.Office(data);
  try {
    makeFolder(data);
    inside("dd", "if=/dev/zero", `of=${place}/ballast`, "bs=1M", "count=6", "status=none");
    await office.open();
    for (const person of office.people) person.filler = "满".repeat(20_000);
    const full = await office.work(() => office.sum().failed + office.sum().unknown >= 40);
    t.diagnostic(`filled: ${JSON.stringify(full)}`);
    assert.ok(full.ok > 10, "some writes went through before the disk was full");

    const client = new Client(office.place);
    const refused = await client.request("POST", "/api/v1/records/lead", {
      body: { name: "zzrefused", description: office.people[0].filler.repeat(3) },
      token: office.token,
    });
    assert.equal(refused.status, 503, refused.text);
    assert.ok(
      ["storage_full", "busy", "outcome_unknown"].includes(refused.json.error.code),
      refused.text,
    );
    faults.compare(office.people, await faults.leads(client, office.token), { whole: false });

    inside("rm", join(place, "ballast"));
    for (const person of office.people) person.filler = "";
    const before = office.sum().ok;
    await office.work(() => office.sum().ok > before + 40);
    await office.judge();
    client.close();
    await office.crash();
    await office.open();
    await office.judge();
    await office.close();
  } finally {
    if (office.server.child) process.kill(office.server.child.pid, "SIGKILL");
    unwrap();
    holder.kill("SIGKILL");
    new Server(place).remove();
  }
});

const INJECTED = [
  { name: "each 7th sync fails with EIO", call: "fsync,fdatasync", error: "EIO", when: "20+7" },
  {
    name: "every sync fails with EIO from the 60th on",
    call: "fsync,fdatasync",
    error: "EIO",
    when: "60+",
  },
  {
    name: "each 131st write fails with ENOSPC",
    call: "pwrite64",
    error: "ENOSPC",
    when: "200+131",
  },
  {
    name: "every write fails with EIO from the 400th on",
    call: "pwrite64",
    error: "EIO",
    when: "400+",
  },
  { name: "each 97th write fails with EIO", call: "pwrite64", error: "EIO", when: "200+97" },
];

for (const { name, call, error, when } of INJECTED) {
  test(`${name}: what was acknowledged is there after a crash`, async (t) => {
    if (!STRACE) return t.skip("needs strace and the right to trace");
    const data = makeFolder();
    const office = new faults.Office(data);
    const wal = join(data, "tenants/acme/tenant.db-wal");
    const inject = `-e trace=${call} -e inject=${call}:error=${error}:when=${when}`;
    const unwrap = faults.wrap([
      "strace",
      "-D",
      "-f",
      "-qq",
      "--seccomp-bpf",
      "-o",
      "/dev/null",
      "-P",
      wal,
      inject,
    ]);
    try {
      await office.open();
      const until = Date.now() + 20_000;
      const sum = await office.work(
        () => office.sum().failed + office.sum().unknown >= 25 || Date.now() > until,
      );
      t.diagnostic(JSON.stringify(sum));
      assert.ok(sum.ok > 0 && sum.failed + sum.unknown > 0, "the failures met requests");
      assert.equal(
        faults.processes(office.server.child.pid).length,
        7,
        "a failing disk ends no process",
      );
      await office.crash();
    } finally {
      if (office.server.child) faults.end(office.server.child.pid);
      unwrap();
    }
    await office.open();
    await office.judge();
    await office.close();
    office.server.remove();
  });
}

test("people of another company are served while one company's disk fails", async (t) => {
  if (!STRACE) return t.skip("needs strace and the right to trace");
  const data = makeFolder();
  const office = new faults.Office(data);
  const wal = join(data, "tenants/acme/tenant.db-wal");
  const inject = "-e trace=fsync,fdatasync -e inject=fsync,fdatasync:error=EIO:when=40+";
  const unwrap = faults.wrap([
    "strace",
    "-D",
    "-f",
    "-qq",
    "--seccomp-bpf",
    "-o",
    "/dev/null",
    "-P",
    wal,
    inject,
  ]);
  try {
    await office.open();
    const place = { host: HOSTS.globex, port: office.server.port };
    const other = new faults.Person("g", place, await faults.signIn(place.port, "globex"));
    let over = false;
    const working = other.work(() => over);
    const until = Date.now() + 20_000;
    const sum = await office.work(
      () => office.sum().failed + office.sum().unknown >= 25 || Date.now() > until,
    );
    assert.ok(sum.failed + sum.unknown > 0, "the failures met requests");
    const before = other.tally.ok;
    await faults.until("the other company's writes go on", () => other.tally.ok > before + 10);
    over = true;
    await working;
    assert.equal(
      other.tally.failed + other.tally.unknown,
      0,
      "the other company was told of a failure",
    );
    other.close();
    await office.crash();
  } finally {
    if (office.server.child) faults.end(office.server.child.pid);
    unwrap();
    for (const person of office.people) person.close();
    office.server.remove();
  }
});
