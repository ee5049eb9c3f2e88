// smtp - a mail server for tests: speaks the protocol, with TLS, keeps what it was given.
// SPDX-License-Identifier: MIT
//
// Commands and replies are those of RFC 5321, 3207 (STARTTLS) and 4954 (AUTH PLAIN and LOGIN); it
// refuses what comes in the wrong order, as real servers do. `refuse` answers a command, by name,
// with a reply of the test's choice: { RCPT: "550 no such user" }.
import net from "node:net";
import tls from "node:tls";

const text = (base64) => Buffer.from(base64, "base64").toString("utf8");

class Session {
  constructor(server, socket, secure) {
    Object.assign(this, { server, secure, rest: "", state: "command", user: null });
    this.reset();
    this.adopt(socket);
    this.say("220 test.example.com ESMTP");
  }

  adopt(socket) {
    this.socket = socket;
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("data", (part) => this.take(part));
  }

  reset() {
    Object.assign(this, { from: null, to: [], lines: [] });
  }

  say(...lines) {
    if (!this.socket.destroyed) this.socket.write(`${lines.join("\r\n")}\r\n`);
  }

  take(part) {
    this.rest += part;
    for (let at; (at = this.rest.indexOf("\r\n")) >= 0;) {
      const line = this.rest.slice(0, at);
      this.rest = this.rest.slice(at + 2);
      if (this.state === "data") this.data(line);
      else if (this.state !== "command") this.answer(line);
      else this.command(line);
    }
  }

  data(line) {
    if (line !== ".") {
      this.lines.push(line.startsWith(".") ? line.slice(1) : line);
      return;
    }
    this.state = "command";
    const refused = this.server.refuse["."];
    if (refused) {
      this.say(refused);
    } else {
      const { from, to, lines, secure, user } = this;
      this.server.letters.push({ from, to, raw: `${lines.join("\r\n")}\r\n`, secure, user });
      this.say("250 2.0.0 taken");
    }
    this.reset();
  }

  /** The next line of a sign-in. */
  answer(line) {
    if (this.state === "plain") {
      const [, user, password] = text(line).split("\0");
      this.signIn(user, password);
    } else if (this.state === "user") {
      this.name = text(line);
      this.state = "password";
      this.say("334 UGFzc3dvcmQ6");
    } else {
      this.signIn(this.name, text(line));
    }
  }

  signIn(user, password) {
    this.state = "command";
    const fits = this.server.users[user] === password;
    if (fits) this.user = user;
    this.say(fits ? "235 2.7.0 welcome" : "535 5.7.8 wrong user or password");
  }

  command(line) {
    const name = line.split(/[ :]/, 1)[0].toUpperCase();
    this.server.seen.push(line);
    const refused = this.server.refuse[name];
    const run = this[`on${name}`];
    if (refused) this.say(refused);
    else if (!run) this.say("502 5.5.1 not known");
    else run.call(this, line.slice(name.length + 1));
  }

  onEHLO(helo) {
    this.helo = helo;
    const extensions = ["8BITMIME", "SIZE 50000000"];
    if (this.server.starttls && !this.secure) extensions.push("STARTTLS");
    if (this.secure || this.server.clear) extensions.push("AUTH PLAIN LOGIN");
    const all = ["test.example.com", ...extensions];
    this.say(...all.map((word, i) => `250${i === all.length - 1 ? " " : "-"}${word}`));
  }

  onSTARTTLS() {
    if (this.secure || !this.server.starttls) return this.say("503 5.5.1 not now");
    this.say("220 2.0.0 go on");
    this.socket.removeAllListeners("data");
    const { cert, key } = this.server.certificate;
    this.rest = "";
    this.secure = true;
    this.adopt(new tls.TLSSocket(this.socket, { isServer: true, cert, key }));
  }

  onAUTH(what) {
    const [kind, first] = what.split(" ");
    if (!this.secure && !this.server.clear) return this.say("530 5.7.0 start TLS first");
    this.state = kind.toUpperCase() === "LOGIN" ? "user" : "plain";
    if (first) this.answer(first);
    else this.say(this.state === "user" ? "334 VXNlcm5hbWU6" : "334 ");
  }

  onMAIL(path) {
    if (this.server.users && Object.keys(this.server.users).length && !this.user)
      return this.say("530 5.7.0 sign in first");
    this.reset();
    this.from = /<([^>]*)>/.exec(path)?.[1];
    this.say("250 2.1.0 ok");
  }

  onRCPT(path) {
    if (this.from === null) return this.say("503 5.5.1 who sends it?");
    this.to.push(/<([^>]*)>/.exec(path)?.[1]);
    this.say("250 2.1.5 ok");
  }

  onDATA() {
    if (!this.to.length) return this.say("503 5.5.1 for whom?");
    this.state = "data";
    this.say("354 go on");
  }

  onRSET() {
    this.reset();
    this.say("250 2.0.0 ok");
  }

  onNOOP() {
    this.say("250 2.0.0 ok");
  }

  onQUIT() {
    this.say("221 2.0.0 bye");
    this.socket.end();
  }
}

export class SmtpServer {
  /** mode: "starttls", "tls" or "none"; users: { name: password }, none at all lets everyone in. */
  constructor({ mode = "starttls", certificate, users = {} } = {}) {
    Object.assign(this, { mode, certificate, users, refuse: {}, letters: [], seen: [] });
    this.starttls = mode === "starttls";
    this.clear = false; // AUTH without TLS
    this.sockets = new Set();
  }

  async start(port = 0) {
    const serve = (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
      new Session(this, socket, this.mode === "tls");
    };
    const { cert, key } = this.certificate ?? {};
    const whole = this.mode === "tls";
    this.server = whole ? tls.createServer({ cert, key }, serve) : net.createServer(serve);
    this.server.on("tlsClientError", () => {});
    await new Promise((done) => this.server.listen(port, "127.0.0.1", done));
    this.port = this.server.address().port;
    return this;
  }

  async stop() {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((done) => this.server.close(done));
  }
}

const unword = (value) =>
  value
    .replace(/\?=\s+=\?/g, "?==?")
    .replace(/=\?UTF-8\?B\?([^?]*)\?=/gi, (_, base64) => text(base64));

/** A message taken apart: { headers (unfolded, decoded), parts, body }. */
export function parseLetter(raw) {
  const split = raw.indexOf("\r\n\r\n");
  const head = raw.slice(0, split).replace(/\r\n[ \t]+/g, (fold) => (fold ? " " : ""));
  const headers = {};
  for (const line of head.split("\r\n")) {
    const at = line.indexOf(":");
    headers[line.slice(0, at).toLowerCase()] = unword(line.slice(at + 1).trim());
  }
  const body = raw.slice(split + 4);
  const boundary = /boundary="([^"]+)"/.exec(headers["content-type"] ?? "")?.[1];
  if (boundary) {
    const parts = body.split(`--${boundary}`).slice(1, -1);
    return { headers, parts: parts.map((part) => parseLetter(part.replace(/^\r\n/, ""))) };
  }
  const base64 = headers["content-transfer-encoding"] === "base64";
  return { headers, body: base64 ? Buffer.from(body, "base64").toString("utf8") : body, parts: [] };
}
