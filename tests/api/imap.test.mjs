// imap - letters that come in: taken once, linked to what they answer, loops and junk kept out.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { certify } from "../kit/certify.mjs";
import { multipart } from "../kit/client.mjs";
import { ImapServer } from "../kit/imap.mjs";
import { limit } from "../kit/limits.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { world } from "../kit/world.mjs";

const BOXES = "/api/v1/admin/mailboxes";
const R = "/api/v1/records";
const SECRET = "Imap-Secret-2026";
const certificate = certify();
const w = world({
  env: { PERIGEE_OUTBOUND_PRIVATE: "127.0.0.1", PERIGEE_OUTBOUND_CA: certificate.paths.cert },
  setup: prepare,
});
const servers = [];
after(async () => {
  for (const server of servers) await server.stop();
});

/* What comes is written down as greetings; a subject may ask for worse. */
const init = `
crm.on("mail.received", { id = "note" }, function(ev, ctx)
  local mail = ev.payload
  if mail.mailbox == "tickets" then return end
  local db = ctx.db:as_system().greeting
  local note = table.concat({ mail.from or "?", mail.from_name or "?", mail.subject,
    #mail.body > 500 and tostring(#mail.body) or mail.body,
    tostring(mail.automatic), tostring(#mail.attachments), mail.in_reply_to or "-",
    table.concat(mail.references, " "), mail.sent_at, tostring(mail.left_out) }, "|")
  assert(db:insert { name = "mail", text = note })
  if mail.subject == "refuse" then ev:abort("Not this one.") end
end)
`;

async function prepare() {
  const files = bundle(
    "acme.post",
    { "init.lua": init },
    { requires: { hello: "^1" }, capabilities: ["db:greeting:rw"] },
  );
  const path = "/api/v1/admin/plugins/acme.post/deploys";
  const answer = await w.acme.as("admin", "POST", path, packed(files));
  assert.equal(answer.status, 201, answer.text);
  await w.acme.ok("admin", "POST", "/api/v1/admin/plugins/tickets/enable", {});
}

async function imap(options) {
  const server = await new ImapServer({ certificate, users: { crm: SECRET }, ...options }).start();
  servers.push(server);
  return server;
}
const settings = (server, more = {}) => ({
  host: "localhost",
  port: server.port,
  tls: server.mode,
  user: "crm",
  password: SECRET,
  ...more,
});
const put = (name, body, t = w.acme) => t.as("admin", "PUT", `${BOXES}/${name}`, { body });
const box = async (name) =>
  (await w.acme.ok("admin", "GET", BOXES)).items.find((one) => one.name === name);
async function until(what, ask, most = 1500) {
  for (let tries = 0; ; tries += 1) {
    const got = await ask();
    if (got) return got;
    assert.ok(tries < most, `waited in vain until ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}
/* One look, to its end. */
async function look(name) {
  const before = (await box(name)).looked_at;
  await w.acme.ok("admin", "POST", `${BOXES}/${name}/look`, {});
  return until("it was looked into", async () => {
    const now = await box(name);
    return now.looked_at !== before && now;
  });
}
async function setUp(name, server, more) {
  const made = await put(name, settings(server, more));
  assert.equal(made.status, 200, made.text);
  assert.equal(made.json.password, more?.password === null ? null : "********");
  return until("it was looked into first", async () => (await box(name)).looked_at);
}
const notes = async () =>
  (await w.acme.ok("admin", "GET", `${R}/greeting?sort=id&limit=200&name=mail`)).items.map(
    ({ text }) => text.split("|"),
  );
let ids = 0;
const letter = ({
  from = "Ann <Ann@Example.com>",
  subject = "Hi",
  body = "Text",
  head = "",
  id,
} = {}) =>
  `From: ${from}\nTo: crm@acme.example.com\nSubject: ${subject}\n` +
  `Message-ID: <${id ?? `m${++ids}@example.com`}>\nDate: Mon, 02 Mar 2026 10:00:00 +0800\n` +
  `${head}\n${body}\n`;

test("settings are checked, and the password is never told", async () => {
  const server = await imap();
  for (const [more, field] of [
    [{ host: undefined }, "host"],
    [{ host: "a b" }, "host"],
    [{ port: 0 }, "port"],
    [{ tls: "maybe" }, "tls"],
    [{ tls: "none" }, "tls"],
    [{ folder: 'A"B' }, "folder"],
    [{ minutes: 0 }, "minutes"],
    [{ minutes: limit("MAILBOX_MINUTES_MAX") + 1 }, "minutes"],
    [{ unknown: 1 }, "unknown"],
  ]) {
    const answer = await put("one", settings(server, more));
    assert.equal(answer.status, 422, JSON.stringify(more) + answer.text);
    assert.ok(field in answer.json.error.fields, answer.text);
  }
  assert.equal((await put("No Name", settings(server))).status, 404);
  const made = await put("one", settings(server));
  assert.equal(made.status, 200, made.text);
  assert.ok(!(await w.acme.as("admin", "GET", BOXES)).text.includes(SECRET));
  const raw = readFileSync(join(w.server.data, "tenants", "acme", "tenant.db"));
  assert.ok(!raw.includes(SECRET));
  const moved = await put("one", settings(await imap(), { password: "********" }));
  assert.equal(moved.status, 422, "a stored password goes to no other server");
  for (const login of ["sales1", "viewer"])
    assert.equal((await w.acme.as(login, "GET", BOXES)).status, 403);
  assert.deepEqual((await w.globex.ok("admin", "GET", BOXES)).items, []);
  assert.equal((await w.globex.as("admin", "DELETE", `${BOXES}/one`)).status, 404);
  assert.equal((await w.acme.as("admin", "DELETE", `${BOXES}/one`)).status, 204);
  for (let i = 0; i <= limit("MAILBOXES_MAX"); i += 1) {
    const answer = await put(`box${i}`, { host: "imap.invalid" });
    assert.equal(answer.status, i < limit("MAILBOXES_MAX") ? 200 : 422, answer.text);
  }
  for (let i = 0; i < limit("MAILBOXES_MAX"); i += 1)
    await w.acme.as("admin", "DELETE", `${BOXES}/box${i}`);
});

for (const mode of ["tls", "starttls", "none"]) {
  test(`what comes from now on is taken, once, by ${mode}`, async () => {
    const users = mode === "none" ? {} : { crm: SECRET };
    const server = await imap({ mode, users, folder: mode === "tls" ? "In/Neu" : "INBOX" });
    server.add(letter({ subject: `old ${mode}` }));
    const more = mode === "none" ? { user: undefined, password: null } : {};
    await setUp("in", server, { folder: server.folder, ...more });
    server.add(
      letter({ subject: `first ${mode}`, head: "References: <a@b> <c@d>\nIn-Reply-To: <c@d>\n" }),
    );
    server.add(letter({ subject: `second ${mode}` }));
    await look("in");
    await look("in");
    const seen = (await notes()).filter((note) => note[2].endsWith(mode));
    assert.deepEqual(
      seen.map((note) => note[2]),
      [`first ${mode}`, `second ${mode}`],
    );
    const [from, name, , body, automatic, files, reply, references, at] = seen[0];
    assert.deepEqual(
      [from, name, body, automatic, files, reply, references, at],
      [
        "ann@example.com",
        "Ann",
        "Text",
        "false",
        "0",
        "c@d",
        "a@b c@d",
        "2026-03-02T02:00:00.000Z",
      ],
    );
    assert.equal((await box("in")).taken, 2);
    server.renumber();
    server.add(letter({ subject: `third ${mode}` }));
    await look("in");
    const again = (await notes()).filter((note) => note[2].endsWith(mode));
    assert.deepEqual(
      again
        .map((note) => note[2])
        .filter((s) => !s.startsWith("old"))
        .sort(),
      [`first ${mode}`, `second ${mode}`, `third ${mode}`],
    );
    await w.acme.as("admin", "DELETE", `${BOXES}/in`);
  });
}

test("charsets, broken letters, HTML and files", async () => {
  const server = await imap();
  await setUp("odd", server);
  const gbk = Buffer.from("b1a8bcdbb5a5", "hex"); // 报价单
  const head = (more) => `From: Li <li@example.cn>\r\nMessage-ID: <o${++ids}@x>\r\n${more}\r\n`;
  const raw = (more, body) => Buffer.concat([Buffer.from(head(more)), body]);
  for (const charset of ["GBK", "gb2312", "GB18030", "nonsense"])
    server.add(
      raw(`Subject: c ${charset}\r\nContent-Type: text/plain; charset=${charset}\r\n`, gbk),
    );
  server.add(raw("Subject: c none\r\n", gbk));
  server.add(
    raw(
      "Subject: =?gb2312?B?saG829Wl?= c jis\r\nContent-Type: text/plain; charset=ISO-2022-JP\r\n",
      Buffer.from("\x1b$B8+@Q\x1b(B"),
    ),
  );
  server.add(
    raw(
      "Subject: =?utf-8?B?5oql5Lu3?= html\r\nContent-Type: text/html\r\n",
      Buffer.from("<style>p{}</style><p>Hello &amp; <b>you</b></p><script>x</script><p>bye&#33;"),
    ),
  );
  server.add(
    raw(
      'Subject: files\r\nContent-Type: multipart/mixed; boundary="q"\r\n',
      Buffer.from(
        "--q\r\nContent-Type: text/plain\r\n\r\nSee.\r\n--q\r\nContent-Type: text/plain\r\n" +
          'Content-Disposition: attachment; filename="../../a.txt"\r\n\r\nabc\r\n--q--\r\n',
      ),
    ),
  );
  server.add(
    Buffer.from("From: z@example.com\r\nContent-Type: multipart/mixed\r\n\r\n--\r\n\0\xff"),
  );
  server.add(Buffer.from(`Subject: nobody\r\n\r\nx`));
  server.add(letter({ subject: "claims" }), { claims: limit("MESSAGE_BYTES_MAX") + 1 });
  server.add(letter({ subject: "big", body: `${"x".repeat(70)}\n`.repeat(30000) }));
  const done = await look("odd");
  const all = await notes();
  const of = (end) => all.find((note) => note[2].endsWith(end));
  for (const charset of ["GBK", "gb2312", "GB18030", "nonsense", "none"])
    assert.equal(of(`c ${charset}`)[3], "报价单", charset);
  assert.equal(of("c jis")[3], "見積");
  assert.deepEqual(of("报价 html").slice(2, 4), ["报价 html", "Hello & you\nbye!"]);
  assert.deepEqual([of("files")[3], of("files")[5]], ["See.", "1"]);
  assert.ok(all.some((note) => note[0] === "z@example.com"));
  assert.ok(Number(of("big")[3]) <= limit("MESSAGE_TEXT_MAX"), of("big")[3]);
  const why = done.failed.map((one) => one.why);
  assert.ok(
    why.some((text) => /no sender/.test(text)) && why.some((text) => /larger/.test(text)),
    why,
  );
  await w.acme.as("admin", "DELETE", `${BOXES}/odd`);
});

test("a server that tells no next number is read from behind the last letter", async () => {
  const server = await imap();
  server.tellsNext = false;
  server.add(letter({ subject: "before untold" }));
  await setUp("untold", server);
  server.add(letter({ subject: "after untold" }));
  await look("untold");
  const subjects = (await notes()).map((note) => note[2]).filter((s) => s.endsWith(" untold"));
  assert.deepEqual(subjects, ["after untold"]);
  await w.acme.as("admin", "DELETE", `${BOXES}/untold`);
});

test("machines and floods do not start a loop", async () => {
  const server = await imap();
  await setUp("loop", server);
  await w.acme.ok("admin", "PUT", "/api/v1/admin/mail", {
    host: "localhost",
    port: 25,
    tls: "none",
    from: "crm@acme.example.com",
  });
  for (const [mark, head] of [
    ["auto", "Auto-Submitted: auto-replied\n"],
    ["bulk", "Precedence: bulk\n"],
    ["list", "List-Id: <x>\n"],
    ["no", "Auto-Submitted: no\n"],
  ])
    server.add(letter({ subject: `mark ${mark}`, head }));
  server.add(
    letter({ from: "crm@acme.example.com", subject: "ours", id: "x.acme@acme.example.com" }),
  );
  const most = limit("MAILBOX_SENDER_HOUR");
  for (let i = 0; i < most + 2; i += 1)
    server.add(letter({ from: "flood@example.com", subject: `flood ${i}` }));
  const done = await look("loop");
  const all = await notes();
  const marks = all.filter((note) => note[2].startsWith("mark "));
  assert.deepEqual(
    marks.map((note) => [note[2].slice(5), note[4]]),
    [
      ["auto", "true"],
      ["bulk", "true"],
      ["list", "true"],
      ["no", "false"],
    ],
  );
  assert.ok(!all.some((note) => note[2] === "ours"));
  assert.equal(all.filter((note) => note[0] === "flood@example.com").length, most);
  assert.deepEqual(
    done.failed.map(({ why }) => /own letter|of this sender/.exec(why)?.[0]).sort(),
    ["of this sender", "of this sender", "own letter"],
  );
  await w.acme.as("admin", "DELETE", `${BOXES}/loop`);
});

test("what a handler refuses leaves no trace, is tried again, and stops nothing", async () => {
  const server = await imap();
  await setUp("refused", server);
  server.add(letter({ subject: "refuse" }));
  server.add(letter({ subject: "behind it" }));
  const most = limit("MAILBOX_TRIES_MAX");
  for (let i = 1; i < most; i += 1) {
    const now = await look("refused");
    assert.match(now.error, /Not this one/);
    assert.equal(now.taken, 0);
  }
  const last = await look("refused");
  assert.deepEqual([last.error, last.taken, last.failed.length], [null, 1, 1]);
  assert.match(last.failed[0].why, /Not this one/);
  const all = await notes();
  assert.ok(!all.some((note) => note[2] === "refuse"), "its writes were rolled back");
  assert.ok(all.some((note) => note[2] === "behind it"));
  const told = await w.acme.ok("admin", "GET", `${R}/notification?kind=mail_refused`);
  assert.equal(told.items.length, 1);
  await w.acme.as("admin", "DELETE", `${BOXES}/refused`);
});

test("a server that is away, or wants another password, is told and tried again", async () => {
  const server = await imap();
  await setUp("away", server);
  server.users.crm = "another";
  assert.match((await look("away")).error, /\S/);
  server.users.crm = SECRET;
  server.add(letter({ subject: "after all" }));
  assert.equal((await look("away")).error, null);
  assert.ok((await notes()).some((note) => note[2] === "after all"));
  const inward = await put("inward", { host: "127.0.0.2", port: server.port, tls: "none" });
  assert.equal(inward.status, 200);
  const told = await until("it was refused", async () => (await box("inward")).error);
  assert.match(told, /may not be reached/);
  for (const name of ["away", "inward"]) await w.acme.as("admin", "DELETE", `${BOXES}/${name}`);
});

test("a letter opens a ticket; its answer, with a file, belongs to it; once", async () => {
  const server = await imap();
  await w.acme.create("admin", "contact", { name: "Ann Lee", emails: ["ann@example.com"] });
  await setUp("tickets", server);
  server.add(letter({ subject: "Printer broken", id: "t1@example.com" }));
  await look("tickets");
  const first = await w.acme.ok("admin", "GET", `${R}/ticket?expand=contact`);
  const [ticket] = first.items.filter(({ subject }) => subject === "Printer broken");
  assert.deepEqual([ticket.channel, ticket.requester_email], ["mail", "ann@example.com"]);
  assert.equal(ticket.contact?.name, "Ann Lee", "linked by the sender's address");
  const boundary = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="q"\n';
  const body =
    "--q\nContent-Type: text/plain\n\nStill broken.\n--q\nContent-Type: text/plain\n" +
    'Content-Disposition: attachment; filename="log.txt"\n\nlog\n--q--';
  const reply = letter({ subject: "Re", head: `In-Reply-To: <t1@example.com>\n${boundary}`, body });
  server.add(reply);
  server.add(reply);
  server.add(letter({ subject: `Re: ${ticket.number}`, body: "By number." }));
  await look("tickets");
  const filter = encodeURIComponent(JSON.stringify({ ticket: ticket.id }));
  const messages = await w.acme.ok("admin", "GET", `${R}/ticket_message?sort=id&filter=${filter}`);
  assert.deepEqual(
    messages.items.map((one) => one.body),
    ["Text", "Still broken.", "By number."],
  );
  const [file] = messages.items[1].attachments;
  const download = await w.acme.as("admin", "GET", `/api/v1/files/${file.id ?? file}`);
  assert.equal(download.text, "log");
  await w.acme.as("admin", "DELETE", `${BOXES}/tickets`);
});

test("a letter is listed at the contact or lead that wrote it, and opens no ticket", async () => {
  const server = await imap();
  const config = (plugin, body) =>
    w.acme.ok("admin", "PUT", `/api/v1/admin/plugins/${plugin}/config`, body);
  await config("people", { link_mailboxes: "sales, other" });
  await config("tickets", { ticket_mailboxes: "tickets" });
  const own = { emails: ["mei@example.com"], owner: w.acme.users.sales1 };
  const contact = await w.acme.create("admin", "contact", { name: "Mei", ...own });
  const lead = await w.acme.create("sales2", "lead", { name: "Bob", emails: ["bob@example.com"] });
  const tickets = async () =>
    (await w.acme.ok("admin", "GET", `${R}/ticket?count=true&limit=1`)).count;
  const before = await tickets();
  await setUp("sales", server);
  const boundary = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="q"\n';
  const body =
    "--q\nContent-Type: text/plain\n\nOur order.\n--q\nContent-Type: text/plain\n" +
    'Content-Disposition: attachment; filename="order.txt"\n\n12 pieces\n--q--';
  const first = { from: "Mei <Mei@example.com>", subject: "Order", id: "s1@example.com" };
  server.add(letter({ ...first, head: boundary, body }));
  server.add(letter({ from: "bob@example.com", subject: "Question" }));
  server.add(letter({ from: "stranger@example.com", subject: "Who am I" }));
  const away = { subject: "Away", head: "Auto-Submitted: auto-replied\n" };
  server.add(letter({ from: "mei@example.com", ...away }));
  await look("sales");
  server.add(letter({ ...first, head: boundary, body }));
  await look("sales");
  const list = (await w.acme.ok("admin", "GET", `${R}/activity?type=mail&sort=id`)).items;
  assert.deepEqual(
    list.map(({ subject, about, owner }) => [subject, about.entity, about.id, owner]),
    [
      ["Order", "contact", contact.id, w.acme.users.sales1],
      ["Question", "lead", lead.id, w.acme.users.sales2],
    ],
  );
  const [file] = list[0].files;
  const path = `/api/v1/files/${file.id ?? file}`;
  assert.equal((await w.acme.as("sales1", "GET", path)).text, "12 pieces");
  assert.equal((await w.globex.as("admin", "GET", path)).status, 404);
  assert.equal(await tickets(), before);
  await config("people", { link_mailboxes: "" });
  await config("tickets", { ticket_mailboxes: "" });
  await w.acme.as("admin", "DELETE", `${BOXES}/sales`);
});

test("letters are taken look by look, senders counted, failures remembered: so many", async () => {
  const server = await imap();
  await setUp("many", server, { minutes: limit("MAILBOX_MINUTES_MAX") });
  const mail = (from, subject) => server.add(letter({ from, subject, head: "List-Id: <x>\n" }));
  const [most, senders] = [limit("MAILBOX_SENDER_HOUR"), limit("MAILBOX_SENDERS_MAX")];
  for (let i = 0; i < senders; i += 1) mail(`many${i}@example.com`, "many");
  for (let i = 0; i < most + 1; i += 1) mail("late@example.com", `late ${i}`);
  const failures = limit("MAILBOX_FAILED_MAX");
  for (let i = 0; i < failures; i += 1)
    server.add(
      letter({
        from: "crm@acme.example.com",
        subject: `ours ${i}`,
        id: `${i}.acme@acme.example.com`,
      }),
    );
  assert.ok(senders > limit("MAILBOX_TAKE_MAX"), "it takes more than one look");
  await w.acme.ok("admin", "POST", `${BOXES}/many/look`, {});
  const all = async () => {
    const now = await box("many");
    return now.failed?.[0]?.subject === `ours ${failures - 1}` && now;
  };
  const done = await until("all were taken", all, 10000);
  const subjects = done.failed.map(({ subject }) => subject);
  assert.equal(subjects.length, failures, "the newest are remembered");
  assert.ok(!subjects.some((subject) => subject.startsWith("late")), "the oldest made room");
  assert.equal(done.taken, senders + most, "one of the late sender's was too much");
  await w.acme.as("admin", "DELETE", `${BOXES}/many`);
});

test("without room for files a letter comes without them, and says so", async () => {
  const path = join(w.server.data, "perigee.json");
  const config = readFileSync(path, "utf8");
  const upload = async (content) => {
    const parts = [{ name: "file", filename: "room.txt", type: "text/plain", content }];
    return (await w.acme.as("admin", "POST", "/api/v1/files", multipart(parts))).status;
  };
  const reload = async (text, status) => {
    writeFileSync(path, text, { mode: 0o600 });
    w.server.signal("SIGHUP");
    await until(`an upload is told ${status}`, async () => (await upload("room")) === status);
  };
  await reload(JSON.stringify({ ...JSON.parse(config), files_bytes_max: 1 }), 413);
  const server = await imap();
  await setUp("full", server);
  const head = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="q"\n';
  const body =
    "--q\nContent-Type: text/plain\n\nWith a file.\n--q\nContent-Type: text/plain\n" +
    'Content-Disposition: attachment; filename="log.txt"\n\nlog of no room\n--q--';
  server.add(letter({ subject: "No room", head, body }));
  await look("full");
  const newest = await w.acme.ok("admin", "GET", `${R}/greeting?sort=-id&limit=1&name=mail`);
  const note = newest.items[0].text.split("|");
  assert.equal(note[2], "No room");
  assert.equal(note[3], "With a file.");
  assert.deepEqual([note[5], note.at(-1)], ["0", "1"], "no file, and one left out");
  await reload(config, 201);
  await w.acme.as("admin", "DELETE", `${BOXES}/full`);
});
