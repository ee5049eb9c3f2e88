// kill - one process after the other ends by SIGKILL while people work; nothing told is lost.
// SPDX-License-Identifier: MIT
//
// Each round kills one kind of process (or all) under load, waits until the server serves again,
// and holds what is there against what people were told. FAULTS_ROUNDS asks for more rounds.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { Server } from "../kit/server.mjs";
import { HOSTS, makeFolder, PASSWORD } from "../kit/world.mjs";

const ROUNDS = Number(process.env.FAULTS_ROUNDS || 20);
const PEOPLE = 6;
const KINDS = ["worker", "gateway", "runner", "supervisor", "all"];
const server = new Server(makeFolder());
const place = { host: HOSTS.acme };
const people = [];
const sessions = []; // tokens of acknowledged sign-ins
let token;

before(async () => {
  await server.start();
  place.port = server.port;
  token = await faults.signIn(place.port);
  for (let i = 0; i < PEOPLE; i += 1) people.push(new faults.Person("abcdef"[i], place, token));
});

after(async () => {
  for (const person of people) person.close();
  try {
    await server.stop({ deaths: true });
  } finally {
    server.remove();
  }
});

/**
 * Signs in again and again: the write turn is lent to a runner. Fewer times than a user may: with
 * one session more the oldest would end, and be rightly gone.
 */
async function signIns(over) {
  const client = new Client(place);
  while (!over() && sessions.length < 900) {
    const answer = await faults.attempt(client, "POST", "/api/v1/sessions", {
      body: { login: "admin", password: PASSWORD },
    });
    if (answer.status === 201) sessions.push(answer.json.token);
    else await faults.sleep(20);
  }
  client.close();
}

/** Ends the processes of that kind; gives what should be gone. */
function killKind(kind, round) {
  const all = faults.processes(server.child.pid);
  assert.equal(all.length, 7, "supervisor, 2 gateways, 2 workers, 2 runners");
  const victims = all.filter(({ role }) => kind === "all" || role === kind);
  const chosen =
    kind === "all" ? victims : [victims[Math.floor(round / KINDS.length) % victims.length]];
  for (const { pid } of chosen) process.kill(pid, "SIGKILL");
  return { all, chosen };
}

/** A new server on the same folder, tried from the first moment: never beside what is left. */
async function startAgain(all, diagnose) {
  const from = Date.now();
  let refused = 0;
  for (;;) {
    try {
      await server.start();
      break;
    } catch (error) {
      assert.match(error.message, /another server or command is using/, error.message);
      refused += 1;
      assert.ok(Date.now() - from < 30_000, "leftovers hold the folder for ever");
    }
  }
  for (const { pid, role } of all)
    assert.ok(!faults.isAlive(pid), `${role} ${pid} outlived its supervisor`);
  place.port = server.port;
  diagnose(
    `    refused ${refused} times beside the old children; ready after ${Date.now() - from} ms`,
  );
}

async function round(number, diagnose) {
  const kind = KINDS[number % KINDS.length];
  let over = false;
  const work = people.map((person) => person.work(() => over));
  work.push(signIns(() => over));
  await faults.sleep(150 + Math.random() * 350);
  const { all, chosen } = killKind(kind, number);
  const { ms } = await faults.until(`the killed ${kind} is gone`, () =>
    chosen.every(({ pid }) => !faults.isAlive(pid)),
  );
  if (kind === "supervisor" || kind === "all") {
    await startAgain(all, diagnose);
  } else {
    await faults.until(
      `a ${kind} is there again`,
      () => faults.processes(server.child.pid).length === 7,
    );
  }
  // It serves by itself: people get answers again while the load goes on.
  const before = people.map((person) => person.tally.ok);
  const served = await faults.until("everybody is served again", () =>
    people.every((person, i) => person.tally.ok > before[i]),
  );
  over = true;
  await Promise.all(work);
  diagnose(`round ${number}: ${kind} gone after ${ms} ms, all served ${served.ms} ms later`);
}

async function judge() {
  const client = new Client(place);
  const all = await faults.leads(client, token);
  faults.compare(people, all);
  for (const person of people) await person.repeat();
  const settled = await faults.leads(client, token);
  faults.compare(people, settled);
  client.close();
  return settled;
}

test(`${ROUNDS} killed processes, and nothing acknowledged is lost`, async (t) => {
  for (let i = 0; i < ROUNDS; i += 1) {
    await round(i, (text) => t.diagnostic(text));
    await judge();
    faults.check(server, "acme");
  }
  const sum = (name) => people.reduce((total, person) => total + person.tally[name], 0);
  t.diagnostic(
    `${sum("ok")} acknowledged, ${sum("unknown")} unknown, ` +
      `${sum("failed")} failed, ${sum("replayed")} replayed`,
  );
  assert.ok(sum("unknown") > 0, "no kill met a request: the test proves nothing");
});

test("the change log and the search index tell of the same records", async () => {
  const client = new Client(place);
  const all = await judge();
  await faults.compareLog(client, token, all);
  const names = [...all.keys()];
  await faults.compareSearch(
    client,
    token,
    names.filter((_, i) => i % Math.ceil(names.length / 60) === 0),
  );
  client.close();
});

test("sessions that were given are good after all that", async () => {
  assert.ok(sessions.length > 0);
  const client = new Client(place);
  for (const one of sessions.filter((_, i) => i % Math.ceil(sessions.length / 40) === 0)) {
    const answer = await client.request("GET", "/api/v1/me", { token: one });
    assert.equal(answer.status, 200, answer.text);
  }
  client.close();
});

test("perigee check finds nothing wrong while serving", () => {
  // More than once: each process that checks has seen an older state.
  for (const tenant of ["acme", "globex", "acme"]) faults.check(server, tenant);
});
