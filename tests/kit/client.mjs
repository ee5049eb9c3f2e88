// client - requests as one company's users make them, and raw bytes where no client would.
// SPDX-License-Identifier: MIT
//
// Every answer to a client is searched for the markers of other companies (P3 of the promises): a
// test that only looks at a status still finds a leak.
import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import net from "node:net";

/* A command of a minute blocks this process; the server has closed what was idle meanwhile. */
const IDLE_MS = 20000;

export class Client {
  /** place: { port, tls, host, foreign: [texts that must never appear] } */
  constructor(place) {
    this.place = place;
    const Agent = place.tls ? https.Agent : http.Agent;
    this.agent = new Agent({ keepAlive: true, maxSockets: 32 });
    this.asked_at = Date.now();
  }

  forgetIdle() {
    const now = Date.now();
    if (now - this.asked_at > IDLE_MS)
      for (const sockets of Object.values(this.agent.freeSockets))
        for (const socket of [...sockets]) socket.destroy();
    this.asked_at = now;
  }

  /** One request to its end: { status, headers, text, json, bytes }. */
  request(method, path, { body, headers = {}, token, host } = {}) {
    const { port, tls, foreign = [] } = this.place;
    this.forgetIdle();
    const send = { host: host ?? this.place.host, ...headers };
    if (token) send.authorization = `Bearer ${token}`;
    let payload;
    if (body !== undefined) {
      const raw = typeof body === "string" || Buffer.isBuffer(body);
      payload = Buffer.from(raw ? body : JSON.stringify(body));
      if (!("content-type" in send)) send["content-type"] = "application/json";
      if (send["content-type"] === null) delete send["content-type"];
      send["content-length"] = payload.length;
    }
    // Paths are written readably in tests: Chinese and spaces are escaped here.
    const options = {
      port,
      method,
      path: path.replace(/[^\x21-\x7e]/gu, encodeURIComponent),
      headers: send,
    };
    options.host = "127.0.0.1";
    options.agent = this.agent;
    if (tls) Object.assign(options, { rejectUnauthorized: false, ...tls });
    return new Promise((done, fail) => {
      const asked = (tls ? https : http).request(options, (answer) => {
        const parts = [];
        const endless = answer.headers["content-type"] === "text/event-stream";
        let told = false;
        const finish = () => {
          if (told) return;
          told = true;
          const bytes = Buffer.concat(parts);
          const text = bytes.toString("utf8");
          const all = text + JSON.stringify(answer.headers);
          for (const mark of foreign) {
            assert.ok(!all.includes(mark), `${method} ${path} shows "${mark}" of another company`);
          }
          done({
            status: answer.statusCode,
            headers: answer.headers,
            text,
            bytes,
            json: parse(text),
          });
        };
        answer.on("data", (part) => {
          parts.push(part);
          if (!endless) return;
          finish(); // the first bytes are the answer: stream.mjs reads on
          answer.destroy();
        });
        answer.on("error", fail);
        answer.on("end", finish);
      });
      asked.on("error", fail);
      asked.end(payload);
    });
  }

  close() {
    this.agent.destroy();
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Makes a query string; values that are objects become JSON. */
export function query(members) {
  const pairs = Object.entries(members).map(([name, value]) => {
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    return `${encodeURIComponent(name)}=${encodeURIComponent(text)}`;
  });
  return `?${pairs.join("&")}`;
}

/**
 * Writes bytes and reads until the server closes, `until` matches, or `quiet` is over (for a server
 * that rightly says nothing). Gives the text and how the socket ended.
 */
export function raw(port, bytes, { until, quiet = 20_000, end = false } = {}) {
  return new Promise((done, fail) => {
    const socket = net.connect(port, "127.0.0.1");
    let text = "";
    const finish = (closed) => {
      clearTimeout(timer);
      socket.destroy();
      done({ text, closed });
    };
    const timer = setTimeout(() => finish(false), quiet);
    socket.on("data", (part) => {
      text += part.toString("latin1");
      if (until?.test(text)) finish(false);
    });
    socket.on("close", () => finish(true));
    socket.on("error", (error) => {
      if (error.code === "ECONNRESET" || error.code === "EPIPE") finish(true);
      else fail(error);
    });
    const parts = Array.isArray(bytes) ? bytes : [bytes];
    socket.on("connect", async () => {
      for (const part of parts) {
        if (socket.destroyed) return;
        if (typeof part === "function") await part(() => text);
        else socket.write(Buffer.from(part, "latin1"));
      }
      if (end) socket.end();
    });
  });
}

/** Status codes of all the answers on a raw connection, in order. */
export function statuses(text) {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}

/** A multipart/form-data body. parts: [{ name, filename?, type?, content }] */
export function multipart(parts, boundary = "perigee-test-boundary") {
  const chunks = [];
  for (const { name, filename, type, content } of parts) {
    const file = filename ? `; filename="${filename}"` : "";
    const kind = type ? `Content-Type: ${type}\r\n` : "";
    const head = `Content-Disposition: form-data; name="${name}"${file}\r\n${kind}`;
    chunks.push(
      Buffer.from(`--${boundary}\r\n${head}\r\n`),
      Buffer.from(content),
      Buffer.from("\r\n"),
    );
  }
  chunks.push(Buffer.from(`--${boundary}--\r\n`));
  return {
    body: Buffer.concat(chunks),
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
  };
}
