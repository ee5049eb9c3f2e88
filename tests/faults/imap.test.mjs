// imap - runners and workers die by SIGKILL while letters come in: each is there once.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { certify } from "../kit/certify.mjs";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { ImapServer } from "../kit/imap.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { Server } from "../kit/server.mjs";
import { HOSTS, makeFolder } from "../kit/world.mjs";

const ROUNDS = Number(process.env.FAULTS_ROUNDS || 6);
const EACH = 8; // letters of one round
const certificate = certify();
const server = new Server(makeFolder());
const mailbox = new ImapServer({ certificate, users: { crm: "secret" } });
const BOXES = "/api/v1/admin/mailboxes";
let client, token;

async function ask(method, path, options = {}) {
  const { got } = await faults.until(`${method} ${path} is answered`, async () => {
    const answer = await faults.attempt(client, method, path, { ...options, token });
    return answer.status >= 200 && answer.status < 500 && answer;
  });
  return got;
}

const init = `
crm.on("mail.received", { id = "note" }, function(ev, ctx)
  assert(ctx.db:as_system().greeting:insert { name = "mail", text = ev.payload.subject })
end)
`;

before(async () => {
  await mailbox.start();
  const { cert } = certificate.paths;
  await server.start({ env: { PERIGEE_OUTBOUND_PRIVATE: "127.0.0.1", PERIGEE_OUTBOUND_CA: cert } });
  client = new Client({ host: HOSTS.acme, port: server.port });
  token = await faults.signIn(server.port);
  const files = bundle(
    "acme.post",
    { "init.lua": init },
    { requires: { hello: "^1" }, capabilities: ["db:greeting:rw"] },
  );
  const made = await ask("POST", "/api/v1/admin/plugins/acme.post/deploys", packed(files));
  assert.equal(made.status, 201, made.text);
  const body = { host: "localhost", port: mailbox.port, user: "crm", password: "secret" };
  assert.equal((await ask("PUT", `${BOXES}/in`, { body })).status, 200);
  await faults.until("it was looked into", async () => {
    const { json } = await ask("GET", BOXES);
    return json.items[0].looked_at;
  });
});

after(async () => {
  client?.close();
  await mailbox.stop();
  try {
    await server.stop({ deaths: true });
  } finally {
    server.remove();
  }
});

async function subjects() {
  const all = [];
  for (let cursor = ""; cursor !== null;) {
    const path = `/api/v1/records/greeting?limit=200&sort=id${cursor && `&cursor=${cursor}`}`;
    const { json } = await ask("GET", path);
    all.push(...json.items.map(({ text }) => text));
    cursor = json.next;
  }
  return all;
}

test(`${ROUNDS} killed processes: each letter once, in order`, async (t) => {
  const wanted = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < EACH; i++) {
      const subject = `letter ${round * EACH + i}`;
      const id = `<${subject.replace(" ", "")}@x>`;
      mailbox.add(`From: a${round}@x.org\nSubject: ${subject}\nMessage-ID: ${id}\n\nText\n`);
      wanted.push(subject);
    }
    await ask("POST", `${BOXES}/in/look`, { body: {} });
    await faults.sleep(Math.random() * 150);
    const role = round % 3 === 2 ? "worker" : "runner";
    for (const { pid } of faults.processes(server.child.pid).filter((p) => p.role === role))
      process.kill(pid, "SIGKILL");
    const isWhole = () => faults.processes(server.child.pid).length === 7;
    await faults.until("they are there again", isWhole);
  }
  await faults.until("all have come", async () => {
    await ask("POST", `${BOXES}/in/look`, { body: {} });
    return (await subjects()).length >= wanted.length;
  });
  await ask("POST", `${BOXES}/in/look`, { body: {} });
  await faults.sleep(500);
  assert.deepEqual(await subjects(), wanted);
  t.diagnostic(`${wanted.length} letters, ${mailbox.fetched.length} times fetched`);
  faults.check(server, "acme");
});
