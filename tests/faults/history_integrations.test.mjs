// history_integrations - messages come in and changes go out while processes die.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import * as faults from "../kit/faults.mjs";
import { history } from "../kit/history.mjs";
import { sign, Target } from "../kit/target.mjs";

const SECRET = "hook-secret-of-2026-history";
const CONFIG = "/api/v1/admin/plugins/integrations/config";
const target = new Target();
const sent = new Map(); // the key of a message → the name it carries
const changed = new Map(); // account → the versions that were acknowledged
const MOST = 900_000; // ms, for the backlog of a long history
let refuses = false;

/* Three deaths pause a job, whoever caused them: here we know better. */
async function resume(h) {
  for (const name of ["dispatch", "deliver", "sweep", "process"]) {
    await h.ask("admin", "POST", `/api/v1/admin/jobs/integrations/${name}/resume`);
  }
}

history("a message has one effect, a change is told at least once and in order", {
  plugins: ["integrations"],
  kept: ["inbound_message", "account"],
  env: { PERIGEE_OUTBOUND_PRIVATE: "127.0.0.1" },
  begin: async (h) => {
    await target.start();
    // First tries only: the second comes after ten seconds, a fourth after half an hour.
    const isFirst = ({ headers }) => headers["x-perigee-attempt"] === "1";
    target.answer = (call) => (refuses && isFirst(call) && h.draw(10) === 0 ? 503 : 200);
    refuses = true;
    await h.ask("admin", "PUT", CONFIG, { allow_http: true }, {});
    const told = { name: "所有", url: target.url, secret: SECRET, entities: ["account"] };
    await h.made("webhook", told);
    const hook = await h.create("admin", "inbound_hook", {
      name: "ERP",
      secret: SECRET,
      entity_name: "contact",
      field_map: { name: "name" },
      acts_as: h.tenant.users.admin,
    });
    const path = `/api/v1/x/integrations/in/${hook.json.path}`;
    const send = async (key) => {
      const text = JSON.stringify({ name: sent.get(key) });
      const stamp = String(Math.floor(Date.now() / 1000));
      const headers = { "x-perigee-timestamp": stamp, "x-perigee-delivery": key };
      headers["x-perigee-signature"] = sign(SECRET, stamp, text);
      headers["content-type"] = "application/json";
      const answer = await h.ask("admin", "POST", path, text, headers);
      assert.equal(answer.status, 202, answer.text);
    };
    const message = async () => {
      const key = `m${sent.size}`;
      sent.set(key, `来信${sent.size}`);
      await Promise.all(h.draw(3) ? [send(key)] : [send(key), send(key)]);
    };
    const again = () => (sent.size ? send(`m${h.draw(sent.size)}`) : undefined);
    const accounts = [];
    const late = () => accounts[accounts.length - 1 - h.draw(Math.min(accounts.length, 10))];
    const make = async () => {
      const { status, json } = await h.create("admin", "account", { name: `客户${h.steps}` });
      if (status !== 201) return;
      accounts.push(json.id);
      changed.set(json.id, [json.version]);
    };
    for (let i = 0; i < 3; i++) await make();
    const change = async () => {
      const id = late();
      const { status, json } = await h.change("admin", "account", id, { name: `新${h.steps}` });
      if (status === 200) changed.get(id).push(json.version);
    };
    return [make, change, change, change, message, message, again, again];
  },
  judge: async (h) => {
    refuses = false;
    let hook = (await h.all("webhook"))[0];
    const count = changed.size;
    await faults.until(
      "everything is told and taken",
      async () => {
        await resume(h);
        hook = (await h.all("webhook"))[0];
        await h.act("admin", "webhook", hook.id, "resume");
        await h.ask("admin", "POST", "/api/v1/admin/jobs/integrations/sweep/run", {}, {});
        const waiting = await h.all("inbound_message", "state=waiting");
        const open = await h.all("delivery", "state=waiting");
        await faults.sleep(200);
        return waiting.length + open.length === 0;
      },
      MOST,
    );
    assert.equal(changed.size, count);
    const told = new Map(); // account → versions, as they were told first
    for (const { json } of target.calls) {
      const list = told.get(json.id) ?? [];
      if (!list.includes(json.version)) told.set(json.id, [...list, json.version]);
    }
    for (const [id, versions] of changed) {
      const list = told.get(id) ?? [];
      assert.deepEqual(
        list,
        [...list].sort((a, b) => a - b),
        `${id} was told out of order`,
      );
      const last = Math.max(...versions);
      assert.ok(list.includes(last), `version ${last} of ${id} was never told`);
    }
    const names = (await h.all("contact")).map(({ name }) => name).filter((n) => /^来信/.test(n));
    assert.equal(new Set(names).size, names.length, "a message had two effects");
    assert.equal(names.length, sent.size, "a message had no effect");
    target.stop();
  },
});
