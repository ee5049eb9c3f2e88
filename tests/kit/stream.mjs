// stream - live events as a browser's EventSource reads them: open until somebody ends it.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";

export class Stream {
  /** Opens it and waits for the answer's head: status, headers; for a refusal also json. */
  static async open(tenant, login, { path = "/api/v1/events", headers = {}, token, tls } = {}) {
    const stream = new Stream();
    stream.foreign = tenant.client.place.foreign ?? [];
    stream.events = [];
    stream.comments = 0;
    stream.waiting = [];
    const send = { host: tenant.host, ...headers };
    const bearer = token ?? (login ? await tenant.token(login) : undefined);
    if (bearer) send.authorization = `Bearer ${bearer}`;
    const options = { host: "127.0.0.1", path, headers: send, agent: false };
    options.port = tls?.port ?? tenant.client.place.port;
    if (tls) Object.assign(options, { rejectUnauthorized: false, servername: tenant.host });
    await new Promise((done, fail) => {
      stream.asked = (tls ? https : http).get(options, (answer) => {
        stream.status = answer.statusCode;
        stream.headers = answer.headers;
        stream.answer = answer;
        stream.read(answer);
        done();
      });
      stream.asked.on("error", fail);
    });
    if (stream.status !== 200) {
      await stream.ended();
      stream.json = JSON.parse(stream.rest);
    }
    return stream;
  }

  read(answer) {
    this.rest = "";
    answer.setEncoding("utf8").on("data", (text) => {
      this.rest += text;
      const parts = this.status === 200 ? this.rest.split("\n\n") : [this.rest];
      this.rest = parts.pop();
      for (const part of parts) this.take(part);
      this.wake();
    });
    this.closed = new Promise((done) => {
      answer.on("close", () => {
        this.isClosed = true;
        this.wake();
        done();
      });
    });
    answer.on("error", () => {});
  }

  take(part) {
    for (const mark of this.foreign) {
      assert.ok(!part.includes(mark), `an event shows "${mark}" of another company`);
    }
    const event = { event: "message", data: undefined };
    for (const line of part.split("\n")) {
      const [, field, value] = /^(\w*): ?(.*)$/.exec(line) ?? assert.fail(`a line "${line}"`);
      if (field === "") this.comments++;
      else if (field === "id") this.last = value;
      else if (field === "data") event.data = JSON.parse(value);
      else event[field] = value;
    }
    if (event.data !== undefined) this.events.push({ ...event, id: this.last });
  }

  wake() {
    for (const check of this.waiting) check();
  }

  /** The first event, seen or to come, that `matches`; rejects when the stream ends without. */
  async wait(matches, what = "an event") {
    return new Promise((done, fail) => {
      const check = () => {
        const found = this.events.find(matches);
        if (!found && !this.isClosed) return;
        this.waiting = this.waiting.filter((other) => other !== check);
        if (found) done(found);
        else fail(new Error(`${what} did not come: ${JSON.stringify(this.events)}`));
      };
      this.waiting.push(check);
      check();
    });
  }

  /** The change event of that record. */
  change(id, op) {
    const matches = ({ event, data }) =>
      event === "change" && data.id === id && (!op || data.op === op);
    return this.wait(matches, `a change of ${id}`);
  }

  async ended() {
    await this.closed;
    return this.events.findLast(({ event }) => event === "end")?.data.reason;
  }

  close() {
    this.asked.destroy();
  }
}
