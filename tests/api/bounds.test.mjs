// bounds - sizes and numbers that the operator sets: what just fits, and one more.
// SPDX-License-Identifier: MIT
//
// Keys lowered here, with their defaults in limits.h: UPLOAD_BYTES_MAX, IMPORT_BYTES_MAX,
// CONNS_PER_ADDRESS_MAX.
import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import { multipart } from "../kit/client.mjs";
import { limit } from "../kit/limits.mjs";
import { HOSTS, world } from "../kit/world.mjs";

const BYTES = 65_536;
const CONNS = 12;
const w = world({
  processes: [1, 1, 2],
  env: {
    PERIGEE_UPLOAD_BYTES_MAX: String(BYTES),
    PERIGEE_IMPORT_BYTES_MAX: String(BYTES),
    PERIGEE_CONNS_PER_ADDRESS_MAX: String(CONNS),
  },
});

const upload = (content) =>
  w.acme.as(
    "sales1",
    "POST",
    "/api/v1/files",
    multipart([{ name: "file", filename: "a.bin", type: "application/octet-stream", content }]),
  );

test("a file of that size is kept, one byte more is refused", async () => {
  const fits = await upload("x".repeat(BYTES));
  assert.equal(fits.status, 201, fits.text);
  assert.equal(fits.json.bytes, BYTES);
  const beyond = await upload("x".repeat(BYTES + 1));
  assert.equal(beyond.status, 413, beyond.text);
  const back = await w.acme.as("sales1", "GET", `/api/v1/files/${fits.json.id}`);
  assert.equal(back.bytes.length, BYTES);
});

test("what frames a file has so many bytes beside it", async () => {
  const form = (pad) =>
    multipart([
      { name: "note", content: "n".repeat(pad) },
      { name: "file", filename: "a.bin", type: "application/octet-stream", content: "x" },
    ]);
  const all = BYTES + limit("BODY_FORM_BYTES_MAX");
  const bare = form(0).body.length;
  const send = (pad) => w.acme.as("sales1", "POST", "/api/v1/files", form(pad));
  assert.notEqual((await send(all - bare)).status, 413);
  assert.equal((await send(all - bare + 1)).status, 413);
});

const table = (bytes) => `name\n${"x".repeat(bytes - 6)}\n`;
const importing = (content) =>
  w.acme.as(
    "admin",
    "POST",
    "/api/v1/imports",
    multipart([
      { name: "entity", content: "greeting" },
      { name: "file", filename: "a.csv", type: "text/csv", content },
    ]),
  );

test("a table of that size is taken, one byte more is refused", async () => {
  const fits = await importing(table(BYTES));
  assert.equal(fits.status, 201, fits.text);
  const beyond = await importing(table(BYTES + 1));
  assert.equal(beyond.status, 413, beyond.text);
});

/** A connection that asks once and stays; gives whether it was answered. */
async function open() {
  const socket = net.connect(w.server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(`GET /healthz HTTP/1.1\r\nHost: ${HOSTS.acme}\r\n\r\n`);
  const served = await new Promise((done) => {
    socket.once("data", () => done(true)).once("close", () => done(false));
  });
  return { socket, served };
}

test("an address has so many connections, and one more is closed", async () => {
  w.acme.close(); // what the tests before kept open
  w.globex.close();
  let held = [];
  for (let tries = 0; held.length < CONNS; tries++) {
    assert.ok(tries < 2000, `${held.length} connections are served`);
    const { socket, served } = await open();
    if (served) held.push(socket);
  }
  for (let i = 0; i < 5; i++) assert.equal((await open()).served, false, "one more");
  const freed = held.pop();
  freed.destroy();
  for (let tries = 0, served = false; !served; tries++) {
    assert.ok(tries < 2000, "the freed place is given again");
    const again = await open();
    served = again.served;
    if (served) held.push(again.socket);
  }
  for (const socket of held) socket.destroy();
});
