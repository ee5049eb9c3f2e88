// keys - a runner is killed while it works; the same Idempotency-Key again never does it twice.
// SPDX-License-Identifier: MIT
//
// Users and uploads are made by runners. A login can be taken only once: if the work had been done
// and its key forgotten, the repeated request would be told 409. FAULTS_ROUNDS asks for more.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { Server } from "../kit/server.mjs";
import { HOSTS, makeFolder } from "../kit/world.mjs";

const ROUNDS = Number(process.env.FAULTS_ROUNDS || 8); // each death doubles the next one's wait
const server = new Server(makeFolder());
const place = { host: HOSTS.acme };
let token;

before(async () => {
  await server.start();
  place.port = server.port;
  token = await faults.signIn(place.port);
});

after(async () => {
  try {
    await server.stop({ deaths: true });
  } finally {
    server.remove();
  }
});

/** Sends it until it is answered for good; gives the answer and how often it was not. */
async function persist(client, path, options, tally) {
  const key = options.headers["idempotency-key"];
  const { got } = await faults.until(`${key} is answered`, async () => {
    const answer = await faults.attempt(client, "POST", path, { token, ...options });
    if (answer.status >= 200 && answer.status < 300) return answer;
    const again = answer.status === 0 || answer.status >= 500 || answer.status === 429;
    assert.ok(again, `refused: ${answer.status} ${answer.text}`);
    tally.again += 1;
    await faults.sleep(10);
    return undefined;
  });
  if (got.headers["idempotency-replayed"]) tally.replayed += 1;
  return got;
}

async function makeUsers(name, over, made, tally) {
  const client = new Client(place);
  for (let n = 0; !over(); n += 1) {
    const login = `${name}${n}`;
    const options = {
      headers: { "idempotency-key": `key-${login}` },
      body: { login, name: login, roles: [] },
    };
    const answer = await persist(client, "/api/v1/admin/users", options, tally);
    assert.equal(answer.status, 201, answer.text);
    made.add(login);
  }
  client.close();
}

test(`${ROUNDS} killed runners, and every user was made once`, async (t) => {
  const made = new Set();
  const tally = { again: 0, replayed: 0 };
  let over = false;
  const work = ["ka", "kb", "kc", "kd"].map((name) => makeUsers(name, () => over, made, tally));
  try {
    for (let i = 0; i < ROUNDS; i += 1) {
      await faults.sleep(50 + Math.random() * 150);
      const all = faults.processes(server.child.pid);
      for (const { pid, role } of all) if (role === "runner") process.kill(pid, "SIGKILL");
      const runners = () =>
        faults.processes(server.child.pid).filter(({ role }) => role === "runner");
      await faults.until("the runners are there again", () => runners().length === 2);
    }
  } finally {
    over = true;
  }
  await Promise.all(work);
  t.diagnostic(`${made.size} users, ${tally.again} asked again, ${tally.replayed} replayed`);
  assert.ok(made.size > 0 && tally.again > 0, "no kill met a request: the test proves nothing");
  faults.check(server, "acme");
});
