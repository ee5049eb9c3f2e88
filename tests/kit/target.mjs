// target - a server that is called by others: keeps what it is sent, answers as it is told.
// SPDX-License-Identifier: MIT
import http from "node:http";
import { createHmac } from "node:crypto";

export class Target {
  /** answer: (call) => status, or { status, headers, body }; never called with a lost connection */
  constructor(answer = () => 200) {
    this.answer = answer;
    this.calls = [];
    this.server = http.createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (part) => (body += part));
      request.on("end", async () => {
        const { method, url, headers } = request;
        const call = { method, url, headers, body, json: parse(body) };
        this.calls.push(call);
        const given = await this.answer(call);
        const told = typeof given === "number" ? { status: given } : given;
        if (!told) return; // it hangs
        const json = typeof told.body === "object" ? JSON.stringify(told.body) : told.body;
        response.writeHead(told.status ?? 200, told.headers ?? {}).end(json ?? "");
      });
    });
  }

  async start() {
    await new Promise((done) => this.server.listen(0, "127.0.0.1", done));
    this.server.unref();
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The signature as the README of plugins/integrations has it. */
export function sign(secret, stamp, body) {
  return `sha256=${createHmac("sha256", secret).update(`${stamp}.${body}`).digest("hex")}`;
}

/** Asks again until it is so; fails after a minute with what was seen last. */
export async function until(what, look) {
  const end = Date.now() + 60_000;
  for (let wait = 20; ; wait = Math.min(wait * 2, 500)) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await new Promise((done) => setTimeout(done, wait));
  }
}
