// history - many people do anything at once while processes die; then everything has to hold.
// SPDX-License-Identifier: MIT
//
// A move is an async function (h) that asks one thing or a few by h.ask. Whoever is told nothing
// asks again with the same Idempotency-Key, so what was done is told, not done again. Afterwards
// the company's own check (`perigee check`) must find nothing, and what people were told is there.
// PERIGEE_HISTORY_STEPS asks for longer histories, PERIGEE_HISTORY_SEED for others.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "./client.mjs";
import * as faults from "./faults.mjs";
import { must } from "./server.mjs";
import { HOSTS, world } from "./world.mjs";

const STEPS = Number(process.env.PERIGEE_HISTORY_STEPS || 500);
const SEED = Number(process.env.PERIGEE_HISTORY_SEED || 20261122);
const PEOPLE = 8;
const KILL_EVERY = 100; // steps
const CHECK_EVERY = 10_000; // steps, in the long ones
/* By turns. With all of them a new supervisor begins, who knows of no deaths to wait after. */
const KINDS = ["worker", "runner", "gateway", "all"];
const RECORDS = "/api/v1/records";
const FINAL = [200, 201, 202, 204, 403, 404, 409, 412, 422]; // all others are asked again
const WAITS = [0, 429, 502, 503, 504];
const TRIES_MAX = 1000; // with a pause of 20 ms or more

export class History {
  constructor(w, options) {
    Object.assign(this, { options });
    Object.assign(this, { w, tenant: w.acme, seed: SEED, steps: 0, worked: 0, kills: 0, keys: 0 });
    this.told = new Map(); // "entity/id" → the version it was told with
    this.tokens = {};
  }

  draw(n) {
    this.seed = (this.seed * 48271) % 2147483647;
    return this.seed % n;
  }

  one(list) {
    return list[this.draw(list.length)];
  }

  /** To where the server is now: one that was begun anew has another port. */
  way() {
    const { port } = this.w.server;
    if (this.client?.place.port !== port) {
      this.client?.close();
      this.client = new Client({ host: HOSTS.acme, port });
    }
    return this.client;
  }

  /** Asks until somebody answers; gives the answer, which may be a refusal. */
  async ask(login, method, path, body, more) {
    const once = { "idempotency-key": `h${(this.keys += 1)}` };
    const headers = more ?? (method === "GET" ? {} : once);
    const token = (this.tokens[login] ??= await this.tenant.token(login));
    for (let tries = 0; ; tries += 1) {
      const sent = { token, body, headers };
      const answer = await faults.attempt(this.way(), method, path, sent);
      if (FINAL.includes(answer.status)) return this.note(answer, path);
      assert.ok(WAITS.includes(answer.status), `${path}: ${answer.status} ${answer.text}`);
      assert.ok(
        tries < TRIES_MAX && !this.over,
        `${path}: nobody answers: ${answer.status} ${answer.text}`,
      );
      await faults.sleep(20);
    }
  }

  note(answer, path) {
    if (answer.status >= 300) return answer;
    this.worked += 1;
    const entity = /\/records\/(\w+)(\/[^/]+)?$/.exec(path)?.[1];
    const { id, version } = answer.json ?? {};
    if (entity && id && version) {
      const key = `${entity}/${id}`;
      this.told.set(key, Math.max(version, this.told.get(key) ?? 0));
    }
    return answer;
  }

  create(login, entity, body) {
    return this.ask(login, "POST", `${RECORDS}/${entity}`, body);
  }

  change(login, entity, id, body) {
    return this.ask(login, "PATCH", `${RECORDS}/${entity}/${id}`, body);
  }

  remove(login, entity, id) {
    return this.ask(login, "DELETE", `${RECORDS}/${entity}/${id}`);
  }

  act(login, entity, id, action, body = {}) {
    return this.ask(login, "POST", `${RECORDS}/${entity}/${id}/actions/${action}`, body);
  }

  /** For what has to work before the history begins; gives the id. */
  async made(entity, body, login = "admin") {
    const answer = await this.create(login, entity, body);
    assert.ok(answer.status < 300, `${entity}: ${answer.status} ${answer.text}`);
    return answer.json.id;
  }

  /** A file, which may be there twice afterwards: uploads have no key. */
  async upload(login, bytes, name, fields) {
    const form = new FormData();
    form.append("file", new Blob([bytes]), name);
    for (const [key, value] of Object.entries(fields)) form.append(key, value);
    const request = new Response(form);
    const body = Buffer.from(await request.arrayBuffer());
    const headers = { "content-type": request.headers.get("content-type") };
    return this.ask(login, "POST", "/api/v1/files", body, headers);
  }

  /** The login of a user's id. */
  login(id) {
    return Object.entries(this.tenant.users).find(([, one]) => one === id)?.[0];
  }

  async all(entity, query = "") {
    const items = [];
    for (let more = ""; more !== null;) {
      const path = `${RECORDS}/${entity}?limit=200&${query}${more}`;
      const page = await this.ask("admin", "GET", path);
      assert.equal(page.status, 200, `${path}: ${page.text}`);
      items.push(...page.json.items);
      more = page.json.next && `&cursor=${encodeURIComponent(page.json.next)}`;
    }
    return items;
  }

  /** Somebody's turns, until the count that all share is used up. */
  async person(moves, end) {
    while (this.steps < end) {
      this.steps += 1;
      await this.one(moves)(this);
    }
  }

  async kill(kind) {
    const { server } = this.w;
    const all = faults.processes(server.child.pid);
    const victims = all.filter(({ role }) => kind === "all" || role === kind);
    for (const { pid } of victims) process.kill(pid, "SIGKILL");
    if (kind === "all") {
      await server.exited;
      await server.start(this.options);
    } else {
      const gone = () => victims.every(({ pid }) => !faults.isAlive(pid));
      await faults.until(`the ${kind}s are gone`, gone);
    }
  }

  async killer(end) {
    for (let due = this.steps + KILL_EVERY; this.steps < end && !this.over; await faults.sleep(5)) {
      if (this.steps < due) continue;
      due = this.steps + KILL_EVERY;
      await this.kill(KINDS[this.kills % KINDS.length]);
      this.kills += 1;
    }
  }

  /** What was told with a version is there with that or a later one. */
  async compare(entities) {
    for (const entity of entities) {
      const there = new Map((await this.all(entity)).map((one) => [one.id, one.version]));
      for (const [key, version] of this.told) {
        const [of, id] = key.split("/");
        if (of !== entity) continue;
        assert.ok(there.has(id), `${key} was acknowledged and is lost`);
        assert.ok(there.get(id) >= version, `${key}: told ${version}, there is ${there.get(id)}`);
      }
    }
  }

  async run(moves, { kept = [] }) {
    while (this.steps < STEPS) {
      const end = Math.min(STEPS, this.steps + CHECK_EVERY);
      const people = Array.from({ length: PEOPLE }, () => this.person(moves, end));
      await Promise.all([this.killer(end), ...people]);
      for (const name of ["acme", "globex"]) faults.check(this.w.server, name);
    }
    await this.compare(kept);
    assert.ok(this.worked > this.steps / 5, `${this.worked} of ${this.steps} worked`);
  }
}

/**
 * For the whole of a test file. `plugins` are switched on beside those of every test; `begin(h)`
 * makes what the moves need and gives them; `kept` names entities whose records nobody deletes;
 * `judge(h)` looks at the end.
 */
export function history(title, { plugins, begin, kept, judge, ...options }) {
  const w = world({
    deaths: true,
    setup: ({ server }) => {
      for (const name of ["acme", "globex"])
        for (const plugin of plugins) must(server.data, ["plugin", "enable", name, plugin]);
    },
    ...options,
  });
  test(title, async (t) => {
    const h = new History(w, options);
    try {
      await h.run(await begin(h), { kept });
      if (judge) await judge(h);
    } catch (error) {
      const bad = w.server.log.split("\n").filter((line) => /"level":"(error|warn)"/.test(line));
      for (const line of bad.slice(-20)) t.diagnostic(line);
      throw error;
    } finally {
      h.over = true; // whoever still asks gives up
      h.client?.close();
      t.diagnostic(
        `${h.steps} steps, ${h.worked} worked, ${h.kills} kills, ${h.told.size} records`,
      );
    }
  });
}
