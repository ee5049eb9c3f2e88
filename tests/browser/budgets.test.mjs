// budgets - bytes, requests and nodes of the first screens. Times are nobody's promise here.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { DESKTOP, browserPlace } from "../kit/browser.mjs";
import { ROOT } from "../kit/server.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const KIB = 1024;
const SIGN_IN_JS_MAX = 100 * KIB;
const LIST_JS_MAX = 180 * KIB;
const LIST_CSS_MAX = 20 * KIB;
const NODES_MAX = 3500;
const REQUESTS_MAX = 20; // of the first list, with its data
const CHUNK_MAX = 100 * KIB;
const CHARTS_MAX = 200 * KIB;
const place = browserPlace();
const w = world(place.world);

const size = (path) =>
  gzipSync(readFileSync(join(ROOT, "plugins/console/dist", path)), { level: 9 }).length;

/** What a page asks for until it is at rest. */
function counted(page) {
  const seen = { paths: new Set(), requests: 0 };
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    seen.requests++;
    if (pathname.startsWith("/assets/")) seen.paths.add(pathname);
  });
  seen.bytes = (ending) =>
    [...seen.paths]
      .filter((path) => path.endsWith(ending))
      .reduce((sum, path) => sum + size(path), 0);
  return seen;
}

test("signing in and the first list stay within their bytes", place, async (t) => {
  const screen = await place.open(DESKTOP);
  const seen = counted(screen.page);
  await screen.page.goto("/login");
  await screen.page.locator("#login").waitFor();
  t.diagnostic(`sign-in: ${Math.round(seen.bytes(".js") / KIB)} KiB of JS`);
  assert.ok(seen.bytes(".js") <= SIGN_IN_JS_MAX, `sign-in: ${seen.bytes(".js")} bytes of JS`);
  await screen.signIn("admin", PASSWORD);
  await screen.close();

  const fresh = await place.open(DESKTOP);
  await fresh.signIn("admin", PASSWORD);
  const list = counted(fresh.page);
  await fresh.page.goto("/e/lead");
  await fresh.page.locator(".grid tbody tr").nth(49).waitFor();
  await fresh.settled();
  const [js, css] = [list.bytes(".js"), list.bytes(".css")];
  const nodes = await fresh.page.evaluate(() => document.querySelectorAll("*").length);
  t.diagnostic(
    `list: ${Math.round(js / KIB)} KiB of JS, ${Math.round(css / KIB)} KiB of CSS, ` +
      `${list.requests} requests, ${nodes} nodes`,
  );
  assert.ok(js <= LIST_JS_MAX, `first list: ${js} bytes of JS`);
  assert.ok(css <= LIST_CSS_MAX, `first list: ${css} bytes of CSS`);
  assert.ok(list.requests <= REQUESTS_MAX, `${list.requests} requests`);
  assert.ok(nodes <= NODES_MAX, `${nodes} nodes`);
  await fresh.sound();
  await fresh.close();
});

test("chunks that come later are small", place, async (t) => {
  const { readdirSync } = await import("node:fs");
  const folder = join(ROOT, "plugins/console/dist/assets");
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".js"))) {
    const bytes = size(`assets/${name}`);
    const most = name.startsWith("ReportCard") ? CHARTS_MAX : CHUNK_MAX;
    if (bytes > most / 2) t.diagnostic(`${name}: ${Math.round(bytes / KIB)} KiB`);
    assert.ok(bytes <= most, `${name} has ${bytes} bytes`);
  }
});

test("the files are served as they were made", place, async () => {
  const { client } = w.acme;
  const index = await client.request("GET", "/");
  assert.equal(index.status, 200);
  assert.match(index.headers["content-security-policy"], /script-src 'self'; style-src 'self'/);
  assert.equal(index.headers["cache-control"], "no-cache");
  assert.ok(index.headers.etag);
  const path = /src="(\/assets\/[^"]+\.js)"/.exec(index.text)[1];
  const brotli = await client.request("GET", path, { headers: { "accept-encoding": "br, gzip" } });
  assert.equal(brotli.headers["content-encoding"], "br");
  assert.match(brotli.headers["cache-control"], /immutable/);
  assert.equal(brotli.headers["x-content-type-options"], "nosniff");
  assert.equal((await client.request("GET", "/assets/absent-12345678.js")).status, 404);
  const deep = await client.request("GET", "/e/lead/any/where");
  assert.equal(deep.text, index.text);
  const frame = await client.request("GET", "/widget");
  assert.match(frame.headers["content-security-policy"], /ancestors .self.; sandbox allow-scripts/);
  assert.equal(frame.headers["cross-origin-opener-policy"], undefined);
  const script = /src="(\/assets\/widget-[^"]+\.js)"/.exec(frame.text)[1];
  for (const open of [script, "/plugins/hello/1/ui.js"]) {
    const answer = await client.request("GET", open);
    assert.equal(answer.headers["access-control-allow-origin"], "*");
  }
  const own = await client.request("GET", path);
  assert.equal(own.headers["access-control-allow-origin"], undefined);
  const headers = { "if-none-match": index.headers.etag };
  assert.equal((await client.request("GET", "/", { headers })).status, 304);
});
