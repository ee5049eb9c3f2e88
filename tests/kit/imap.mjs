// imap - a mailbox for tests: speaks IMAP4rev1 with TLS, STARTTLS and sign-in, and holds letters.
// SPDX-License-Identifier: MIT
//
// Commands and answers are those of RFC 3501; unknown ones are refused as BAD. `add` puts a letter
// into the mailbox and gives its number; `renumber` makes another mailbox of it (UIDVALIDITY).
import net from "node:net";
import tls from "node:tls";

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const two = (n) => String(n).padStart(2, "0");
const internal = (at) =>
  `${two(at.getUTCDate())}-${MONTHS[at.getUTCMonth()]}-${at.getUTCFullYear()} ` +
  `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`;
const unquote = (word) => word.replace(/^"(.*)"$/, "$1").replace(/\\(.)/g, "$1");

class Session {
  constructor(server, socket, secure) {
    Object.assign(this, { server, secure, rest: "", user: null, selected: false });
    this.adopt(socket);
    this.say("* OK test.example.com IMAP4rev1");
  }

  adopt(socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("error", () => {});
    socket.on("data", (part) => this.take(part));
  }

  say(text) {
    if (!this.socket.destroyed) this.socket.write(`${text}\r\n`);
  }

  take(part) {
    this.rest += part;
    for (let at; (at = this.rest.indexOf("\r\n")) >= 0;) {
      const line = this.rest.slice(0, at);
      this.rest = this.rest.slice(at + 2);
      if (this.waits) {
        const waits = this.waits;
        this.waits = null;
        waits(line);
      } else {
        this.command(line);
      }
    }
  }

  command(line) {
    const [tag, word = "", ...more] = line.split(" ");
    const name = word.toUpperCase();
    this.server.seen.push(line);
    const refused = this.server.refuse[name];
    if (refused) return this.say(`${tag} ${refused}`);
    const run = this[`on${name}`];
    if (!run) return this.say(`${tag} BAD not known`);
    run.call(this, tag, more.join(" "));
  }

  capabilities() {
    const words = ["IMAP4rev1"];
    if (this.server.mode === "starttls" && !this.secure) words.push("STARTTLS", "LOGINDISABLED");
    if (this.secure) words.push("AUTH=PLAIN");
    return words.join(" ");
  }

  onCAPABILITY(tag) {
    this.say(`* CAPABILITY ${this.capabilities()}`);
    this.say(`${tag} OK done`);
  }

  onSTARTTLS(tag) {
    this.say(`${tag} OK begin`);
    this.socket.removeAllListeners("data");
    const { cert, key } = this.server.certificate;
    Object.assign(this, { rest: "", secure: true });
    this.adopt(new tls.TLSSocket(this.socket, { isServer: true, cert, key }));
  }

  signIn(tag, user, password) {
    if (this.server.users[user] !== password) return this.say(`${tag} NO wrong user or password`);
    this.user = user;
    this.say(`${tag} OK welcome`);
  }

  onLOGIN(tag, rest) {
    const [user, password] = rest.match(/"(?:[^"\\]|\\.)*"|\S+/g).map(unquote);
    this.signIn(tag, user, password);
  }

  onAUTHENTICATE(tag, rest) {
    const [kind, first] = rest.split(" ");
    if (kind.toUpperCase() !== "PLAIN") return this.say(`${tag} NO unknown`);
    const finish = (line) => {
      const [, user, password] = Buffer.from(line, "base64").toString("utf8").split("\0");
      this.signIn(tag, user, password);
    };
    if (first) return finish(first);
    this.waits = finish;
    this.say("+ ");
  }

  onSELECT(tag, rest) {
    if (Object.keys(this.server.users).length && !this.user)
      return this.say(`${tag} NO sign in first`);
    if (unquote(rest) !== this.server.folder) return this.say(`${tag} NO no such mailbox`);
    this.selected = true;
    this.say(`* ${this.server.letters.length} EXISTS`);
    this.say("* 0 RECENT");
    this.say(`* OK [UIDVALIDITY ${this.server.validity}] ok`);
    if (this.server.tellsNext) this.say(`* OK [UIDNEXT ${this.server.next}] ok`);
    this.say(`${tag} OK [READ-WRITE] done`);
  }

  onNOOP(tag) {
    this.say(`${tag} OK done`);
  }

  onUID(tag, rest) {
    const [command, set, ...items] = rest.split(" ");
    if (command.toUpperCase() !== "FETCH" || !this.selected) return this.say(`${tag} BAD no`);
    const [from, to = from] = set.split(":");
    const all = this.server.letters;
    const last = all.at(-1)?.uid ?? 0;
    const [low, high] = [from, to].map((n) => (n === "*" ? last : Number(n))).sort((a, b) => a - b);
    all.forEach((letter, i) => {
      if (letter.uid < low || letter.uid > high) return;
      const what = items.join(" ").toUpperCase();
      if (what.includes("BODY[]")) {
        this.server.fetched.push(letter.uid);
        const head = `* ${i + 1} FETCH (UID ${letter.uid} BODY[] {${letter.raw.length}}\r\n`;
        this.socket.write(Buffer.concat([Buffer.from(head), letter.raw, Buffer.from(")\r\n")]));
      } else {
        const size = letter.claims ?? letter.raw.length;
        const at = internal(letter.at);
        this.say(`* ${i + 1} FETCH (UID ${letter.uid} RFC822.SIZE ${size} INTERNALDATE "${at}")`);
      }
    });
    this.say(`${tag} OK done`);
  }

  onLOGOUT(tag) {
    this.say("* BYE");
    this.say(`${tag} OK bye`);
    this.socket.end();
  }
}

export class ImapServer {
  /** mode: "tls", "starttls" or "none"; users: { name: password }, none at all lets everyone in. */
  constructor({ mode = "tls", certificate, users = {}, folder = "INBOX" } = {}) {
    Object.assign(this, { mode, certificate, users, folder, refuse: {}, seen: [], fetched: [] });
    Object.assign(this, { letters: [], next: 7, validity: 4711, tellsNext: true });
    this.sockets = new Set();
  }

  /** raw: text with any line ends, or bytes. `at`: when the server got it. */
  add(raw, { at = new Date(), claims } = {}) {
    const bytes = Buffer.isBuffer(raw) ? raw : Buffer.from(raw.replace(/\r?\n/g, "\r\n"));
    this.letters.push({ uid: this.next, raw: bytes, at, claims });
    return this.next++;
  }

  renumber() {
    this.validity += 1;
    this.letters.forEach((letter, i) => (letter.uid = i + 1));
    this.next = this.letters.length + 1;
  }

  async start(port = 0) {
    const serve = (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
      new Session(this, socket, this.mode === "tls");
    };
    const { cert, key } = this.certificate ?? {};
    const whole = this.mode === "tls";
    const options = { noDelay: true }; // answers are written in pieces
    this.server = whole
      ? tls.createServer({ ...options, cert, key }, serve)
      : net.createServer(options, serve);
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
