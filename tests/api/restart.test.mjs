// restart - a server that is told to stop finishes what it began, and the next one knows all of it.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "../kit/server.mjs";
import { makeFolder, Tenant } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
let server;
let data;

before(() => {
  data = makeFolder();
  server = new Server(data);
});
after(async () => {
  try {
    await server.stop();
  } finally {
    server.remove();
  }
});

test("stopped under load, nothing that was answered is lost, and sessions live on", async () => {
  await server.start();
  const acme = new Tenant("acme", server);
  const token = await acme.token("admin");
  const told = [];
  let refused = 0;
  let going = true;
  const writer = async (name) => {
    for (let i = 0; going; i++) {
      const body = { name: `${name}-${i}` };
      const answer = await acme.as("admin", "POST", LEADS, { body }).catch(() => undefined);
      if (answer?.status === 201) told.push(answer.json.id);
      else refused++;
      if (!answer) return;
    }
  };
  const writers = Array.from({ length: 8 }, (_, i) => writer(`writer${i}`));
  while (told.length < 100) await new Promise((done) => setTimeout(done, 5));
  await server.stop();
  going = false;
  await Promise.all(writers);
  acme.close();

  await server.start();
  const again = new Tenant("acme", server);
  const me = await again.as(null, "GET", "/api/v1/me", { token });
  assert.equal(me.status, 200, "the session is still good");
  const { count } = await again.ok(null, "GET", `${LEADS}?count=true`, undefined, { token });
  assert.ok(
    count >= told.length && count <= told.length + refused + 8,
    `${count} of ${told.length}`,
  );
  for (const id of told) {
    const answer = await again.as(null, "GET", `${LEADS}/${id}`, { token });
    assert.equal(answer.status, 200, id);
  }
  again.close();
});

test("an idempotency key is known to the next server", async () => {
  const once = async () => {
    const tenant = new Tenant("acme", server);
    const headers = { "idempotency-key": "over-the-restart" };
    const answer = await tenant.as("admin", "POST", LEADS, { body: { name: "once" }, headers });
    tenant.close();
    assert.equal(answer.status, 201, answer.text);
    return answer.json.id;
  };
  const first = await once();
  await server.stop();
  await server.start();
  assert.equal(await once(), first);
});

test("another number of processes serves the same companies", async () => {
  for (const processes of [
    [1, 1, 1],
    [3, 5, 2],
  ]) {
    await server.stop();
    await server.start({ processes });
    for (const name of ["acme", "globex"]) {
      const tenant = new Tenant(name, server);
      const lead = await tenant.create("admin", "lead", { name: `with ${processes}` });
      assert.equal((await tenant.as("admin", "GET", `${LEADS}/${lead.id}`)).status, 200);
      const job = await tenant.ok("admin", "POST", "/api/v1/exports", { entity: "lead" });
      const done = await tenant.settled("admin", `/api/v1/jobs/${job.id}`);
      assert.equal(done.state, "done", JSON.stringify(done));
      tenant.close();
    }
  }
});
