// tls - versions, ciphers, cookies and a certificate that is renewed while serving.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import tls from "node:tls";
import { Client } from "../kit/client.mjs";
import { Server } from "../kit/server.mjs";
import { Stream } from "../kit/stream.mjs";
import { HOSTS, makeFolder, PASSWORD } from "../kit/world.mjs";

let server;
let client;

/* A certificate of its own making, named so that a renewed one can be told. */
function certify(data, name) {
  const files = { cert: join(data, "test.crt"), key: join(data, "test.key") };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const out = ["-keyout", files.key, "-out", files.cert, "-days", "2"];
  execFileSync("openssl", ["req", "-x509", ...key, ...out, "-subj", `/CN=${name}`], {
    stdio: "pipe",
  });
  return files;
}

before(async () => {
  server = new Server(makeFolder());
  const { cert, key } = certify(server.data, "first.example.com");
  await server.start({
    listen: null,
    // as they are named from where the command is called
    args: [
      ...["--tls-listen", "127.0.0.1:0"],
      ...["--cert", relative(".", cert), "--key", relative(".", key)],
    ],
    processes: [1, 1, 1],
  });
  client = new Client({ port: server.tlsPort, host: HOSTS.acme, tls: {} });
});

after(async () => {
  client?.close();
  try {
    await server?.stop();
  } finally {
    server?.remove();
  }
});

function connect(options = {}) {
  return new Promise((done, fail) => {
    const socket = tls.connect(
      { port: server.tlsPort, host: "127.0.0.1", rejectUnauthorized: false, ...options },
      () => {
        const seen = {
          version: socket.getProtocol(),
          cipher: socket.getCipher().standardName,
          name: socket.getPeerCertificate().subject.CN,
          alpn: socket.alpnProtocol,
          reused: socket.isSessionReused(),
        };
        socket.destroy();
        done(seen);
      },
    );
    socket.on("error", fail);
  });
}

for (const version of ["TLSv1.2", "TLSv1.3"]) {
  test(`${version} is spoken, with AEAD ciphers and fresh keys`, async () => {
    const seen = await connect({ minVersion: version, maxVersion: version });
    assert.equal(seen.version, version);
    assert.match(seen.cipher, /GCM|CHACHA20/);
    if (version === "TLSv1.2") assert.match(seen.cipher, /ECDHE/);
  });
}

for (const version of ["TLSv1", "TLSv1.1"]) {
  test(`${version} is refused`, async () => {
    const old = { minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" };
    await assert.rejects(connect(old));
  });
}

for (const cipher of ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"]) {
  test(`${cipher} is refused`, async () => {
    await assert.rejects(connect({ maxVersion: "TLSv1.2", ciphers: `${cipher}:@SECLEVEL=0` }));
  });
}

test("only HTTP/1.1 is agreed upon", async () => {
  assert.equal((await connect({ ALPNProtocols: ["h2", "http/1.1"] })).alpn, "http/1.1");
});

test("a browser's cookie is bound to the host and to TLS, and HSTS is said", async () => {
  const answer = await client.request("POST", "/api/v1/sessions", {
    body: { login: "admin", password: PASSWORD },
  });
  assert.equal(answer.status, 201, answer.text);
  const set = answer.headers["set-cookie"][0];
  assert.match(set, /^__Host-perigee=ps_/);
  for (const part of ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"])
    assert.ok(set.includes(part), set);
  assert.match(answer.headers["strict-transport-security"], /max-age=31536000/);
  const cookie = set.split(";")[0];
  const me = await client.request("GET", "/api/v1/me", { headers: { cookie } });
  assert.equal(me.status, 200);
  const plain = await client.request("GET", "/api/v1/me", {
    headers: { cookie: cookie.replace("__Host-", "") },
  });
  assert.equal(plain.status, 401, "the name for plain listeners counts for nothing here");
});

test("large bodies and answers pass through", async () => {
  const session = await client.request("POST", "/api/v1/sessions", {
    body: { login: "admin", password: PASSWORD },
  });
  const { token } = session.json;
  const body = { name: "large", original_message: "大".repeat(60_000) };
  const made = await client.request("POST", "/api/v1/records/lead", { token, body });
  assert.equal(made.status, 201, made.text.slice(0, 300));
  const read = await client.request("GET", `/api/v1/records/lead/${made.json.id}`, { token });
  assert.equal(read.json.original_message.length, 60_000);
});

test("a plain request to the TLS port gets no answer worth having, and harms nobody", async () => {
  const { raw } = await import("../kit/client.mjs");
  const { text } = await raw(server.tlsPort, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", { end: true });
  assert.ok(!text.includes("200"));
  assert.equal((await client.request("GET", "/healthz")).status, 200);
});

test("SIGHUP takes the renewed certificate without a pause", async () => {
  assert.equal((await connect()).name, "first.example.com");
  const kept = await client.request("GET", "/healthz");
  assert.equal(kept.status, 200);
  certify(server.data, "second.example.com");
  server.signal("SIGHUP");
  let name;
  for (let tries = 0; tries < 2000 && name !== "second.example.com"; tries++) {
    ({ name } = await connect());
    await new Promise((done) => setTimeout(done, 25));
  }
  assert.equal(name, "second.example.com");
  assert.equal((await client.request("GET", "/healthz")).status, 200, "old connections go on");
});

test("SIGHUP with a broken certificate keeps the old one", async () => {
  const { writeFileSync } = await import("node:fs");
  writeFileSync(join(server.data, "test.crt"), "no certificate\n");
  server.signal("SIGHUP");
  const isTold = () => server.log.includes("the certificate was not replaced");
  for (let tries = 0; tries < 2000 && !isTold(); tries++)
    await new Promise((done) => setTimeout(done, 25));
  assert.ok(isTold());
  assert.equal((await connect()).name, "second.example.com");
});

test("live events come over TLS as they are written", async () => {
  const signed = await client.request("POST", "/api/v1/sessions", {
    body: { login: "admin", password: PASSWORD },
  });
  const { token } = signed.json;
  const tenant = { host: HOSTS.acme, client };
  const stream = await Stream.open(tenant, null, { token, tls: { port: server.tlsPort } });
  assert.equal(stream.status, 200);
  const made = await client.request("POST", "/api/v1/records/lead", { token, body: { name: "A" } });
  await stream.change(made.json.id, "create");
  await client.request("DELETE", "/api/v1/sessions/current", { token });
  assert.equal(await stream.ended(), "unauthenticated");
});

test("a scanner finds only TLS 1.2 and 1.3, with authenticated ciphers and forward secrecy", () => {
  const options = ["--no-colour", `127.0.0.1:${server.tlsPort}`];
  const said = execFileSync("sslscan", options, { encoding: "utf8" });
  const offered = [...said.matchAll(/^(SSLv\d|TLSv[\d.]+)\s+(enabled|disabled)/gm)];
  const enabled = offered.filter((found) => found[2] === "enabled").map((found) => found[1]);
  assert.deepEqual(enabled, ["TLSv1.2", "TLSv1.3"], said);
  const ciphers = [...said.matchAll(/^(?:Preferred|Accepted)\s+TLSv\S+\s+\d+ bits\s+(\S+)/gm)];
  assert.ok(ciphers.length >= 4, said);
  for (const [, name] of ciphers) {
    assert.match(name, /^(TLS_(AES|CHACHA20)_|ECDHE-).*(GCM|POLY1305)/);
  }
  assert.doesNotMatch(said, /vulnerable to heartbleed(?<!not vulnerable to heartbleed)/);
});
