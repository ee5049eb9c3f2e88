// browser - real Chromium against the real server; what a page must never do fails its test.
// SPDX-License-Identifier: MIT
//
// Every page is watched: a message of console.error, a violation of the CSP, a rejection that
// nobody caught, an answer with 5xx. `axe` asks for serious findings. Refusals with 4xx that a
// test provokes are written by Chromium itself as "Failed to load resource"; those are no error
// of the page.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { ROOT } from "./server.mjs";
import { PASSWORD } from "./world.mjs";

const need = createRequire(join(ROOT, "plugins/console/package.json"));
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];
const FLAGS =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking " +
  "--disable-component-update --disable-sync";

export const DESKTOP = { viewport: { width: 1280, height: 800 }, locale: "zh-CN" };
export const ENGLISH = { ...DESKTOP, locale: "en" };
export const PHONE = {
  viewport: { width: 390, height: 844 },
  locale: "zh-CN",
  hasTouch: true,
  isMobile: true,
  deviceScaleFactor: 2,
};

/** Why no browser test can run here, or false. */
export function missing() {
  if (!CHROMIUM.some(existsSync))
    return "there is no chromium (scripts/deps --browser installs it)";
  if (!existsSync(join(ROOT, "plugins/console/node_modules/playwright-core"))) {
    return "the console's packages are not installed (npm ci in plugins/console)";
  }
  if (!existsSync(join(ROOT, "plugins/console/dist/index.html"))) return "the console is not built";
  return false;
}

export async function launch() {
  const { chromium } = need("playwright-core");
  const profile = mkdtempSync(join(tmpdir(), "perigee-chromium-"));
  const browser = await chromium.launch({
    executablePath: CHROMIUM.find(existsSync),
    args: FLAGS.split(" "),
    env: { ...process.env, HOME: profile },
  });
  browser.on("disconnected", () => rmSync(profile, { recursive: true, force: true }));
  return browser;
}

/** A fresh profile of one kind of device; `faults` fills with what no page may do. */
export class Screen {
  static async open(browser, { port, host = "localhost", ...device }) {
    const screen = new Screen();
    screen.base = `http://${host}:${port}`;
    screen.faults = [];
    screen.provoked = false; // a test of failures: the server's and the network's are no faults
    screen.context = await browser.newContext({
      baseURL: screen.base,
      timezoneId: "Asia/Shanghai",
      reducedMotion: "reduce",
      ...device,
    });
    screen.page = await screen.context.newPage();
    screen.page.setDefaultTimeout(20_000);
    screen.watch(screen.page);
    return screen;
  }

  watch(page) {
    const fault = (text) => this.faults.push(text);
    page.on("pageerror", (error) => fault(`uncaught: ${error.message}`));
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() !== "error" || /^Failed to load resource.*status of 4\d\d/.test(text))
        return;
      if (this.provoked && /^Failed to load resource/.test(text)) return;
      fault(`console: ${text}`);
    });
    page.on("response", (response) => {
      const status = response.status();
      if (status >= 500 && !this.provoked) fault(`${status} ${response.url()}`);
    });
    void page.addInitScript(() => {
      window.__violations = [];
      document.addEventListener("securitypolicyviolation", (event) => {
        window.__violations.push(`${event.violatedDirective} ${event.blockedURI}`);
      });
    });
  }

  async signIn(login, password) {
    await this.page.goto("/login");
    await this.page.locator("#login").fill(login);
    await this.page.locator("#password").fill(password);
    await this.page.locator("form .btn.primary").click();
    await this.page.waitForURL((url) => url.pathname !== "/login");
    await this.page.locator("#main h1").first().waitFor();
  }

  /** Until it can be dragged: the library that does it is loaded behind the screen. */
  async draggable(locator) {
    const isHeld = (element) => {
      for (let at = element; at; at = at.parentElement)
        if (Object.keys(at).some((key) => key.startsWith("Sortable") && at[key])) return true;
      return false;
    };
    while (!(await locator.evaluate(isHeld))) await this.page.waitForTimeout(20);
  }

  /** Fails on anything that has gone wrong so far. */
  async sound() {
    const violations = await this.page.evaluate(() => window.__violations ?? []);
    assert.deepEqual([...this.faults, ...violations], []);
  }

  /** No serious or critical finding of axe; its source is evaluated: the CSP bars scripts. */
  async axe(what) {
    const source = readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");
    await this.page.evaluate(source);
    const found = await this.page.evaluate(async () => {
      const result = await window.axe.run(document, { resultTypes: ["violations"] });
      return result.violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(
          ({ id, nodes }) =>
            `${id}: ${nodes
              .slice(0, 3)
              .map((node) => node.html)
              .join(" | ")}`,
        );
    });
    assert.deepEqual(found, [], `${what}: ${found.join("\n")}`);
  }

  /** Nothing is wider than a phone's screen. */
  async fits(what) {
    const over = await this.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.ok(over <= 0, `${what} scrolls sideways by ${over} px`);
  }

  /** With PERIGEE_SHOTS a picture of the screen is left there, to be looked at. */
  async shot(name) {
    const folder = process.env.PERIGEE_SHOTS;
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: join(folder, `${name}.png`) });
  }

  /** Until nothing on the screen says that it is busy. */
  async settled() {
    await this.page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
    await this.page.waitForFunction(() => document.fonts.status === "loaded");
    await this.page.waitForLoadState("load");
  }

  theme(value) {
    return this.page.emulateMedia({ colorScheme: value, reducedMotion: "reduce" });
  }

  close() {
    return this.context.close();
  }
}

/**
 * For the top of a file, with world.mjs: `const place = browserPlace()`, `place.world` handed to
 * `world`, and `place` as the options of each test, which are skipped where there is no browser.
 */
export function browserPlace({ leads = 60 } = {}) {
  const place = { skip: missing() };
  const setup = async (w) => {
    if (place.skip) return;
    place.browser = await launch();
    await seed(w.acme, leads);
    place.open = (device = DESKTOP) =>
      Screen.open(place.browser, { port: w.server.port, ...device });
  };
  /** Somebody signs in and works, and is judged by everything the page has done. */
  place.working = async (device, login, work) => {
    const screen = await place.open(device);
    try {
      await screen.signIn(login, PASSWORD);
      await work(screen.page, screen);
      await screen.sound();
    } catch (error) {
      await screen.shot(`failed-${Date.now()}`);
      throw error;
    } finally {
      await screen.close();
    }
  };
  place.world = { setup, hosts: { acme: ["localhost"] } }; // a trustworthy origin without TLS
  after(() => place.browser?.close());
  return place;
}

const NAMES = ["王芳", "李娜", "刘洋", "陈静", "杨勇", "赵磊", "黄敏", "周杰"];

async function seed(tenant, count) {
  const items = Array.from({ length: count }, (_, i) => ({
    op: "create",
    data: {
      name: `${NAMES[i % NAMES.length]}${i}`,
      company: `远景${i}有限公司`,
      phones: [`1390000${String(1000 + i)}`],
      source: ["website", "referral", "event"][i % 3],
      status: ["new", "working", "qualified"][i % 3],
      estimated_amount: { amount: `${1000 * (i + 1)}.00`, currency: "CNY" },
      owner: tenant.users.sales1,
    },
  }));
  const path = "/api/v1/records/lead/bulk";
  for (let at = 0; at < count; at += 20) {
    const body = { atomic: true, items: items.slice(at, at + 20) };
    await tenant.ok("sales1", "POST", path, body); // to whom nobody could give as many
  }
}
