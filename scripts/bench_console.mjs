// bench_console - what the console costs with a company's data: bytes, requests, nodes, main-thread
// time and memory of the first screens, as a table. The tests hold bytes, requests and nodes.
// SPDX-License-Identifier: MIT
//
// usage: node scripts/bench_console.mjs FOLDER [LEADS]
// FOLDER is a demo company; scripts/demo makes it first, with 100,000 leads, where there is none.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DESKTOP, launch, PHONE, Screen } from "../tests/kit/browser.mjs";
import { ROOT, Server } from "../tests/kit/server.mjs";

const [folder, leads = "100000"] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node scripts/bench_console.mjs FOLDER [LEADS]");
  process.exit(2);
}
if (!existsSync(join(folder, "control.db"))) {
  spawnSync(join(ROOT, "scripts/demo"), [folder, leads], { stdio: "inherit" });
}
const password = readFileSync(join(folder, "demo-password"), "utf8").trim();
const SLOW = { latency: 150, downloadThroughput: 200_000, uploadThroughput: 90_000 }; // 1.6 Mbit/s
const CPU = 4;
const ROUTES = 50;

const server = await new Server(folder).start();
const browser = await launch();
const row = (what, budget, value) =>
  console.log(`${what.padEnd(46)} ${budget.padStart(10)} ${String(value).padStart(12)}`);

class Meter {
  static async on(screen) {
    const meter = new Meter();
    meter.page = screen.page;
    meter.session = await screen.context.newCDPSession(screen.page);
    await meter.session.send("Performance.enable");
    return meter;
  }

  async metric(name) {
    const { metrics } = await this.session.send("Performance.getMetrics");
    return metrics.find((one) => one.name === name).value;
  }

  /** Main-thread and wall time of some work, in milliseconds. */
  async of(work) {
    const [cpu, at] = [await this.metric("TaskDuration"), performance.now()];
    await work();
    const wall = Math.round(performance.now() - at);
    return `${Math.round(((await this.metric("TaskDuration")) - cpu) * 1000)} / ${wall}`;
  }

  async heap() {
    await this.session.send("HeapProfiler.collectGarbage");
    return ((await this.metric("JSHeapUsedSize")) / 1e6).toFixed(1);
  }

  nodes() {
    return this.page.evaluate(() => document.querySelectorAll("*").length);
  }
}

async function desktop() {
  const screen = await Screen.open(browser, { port: server.port, ...DESKTOP });
  await screen.signIn("admin", password);
  const { page } = screen;
  const meter = await Meter.on(screen);
  const rows = () => page.locator(".grid tbody .name").nth(10).waitFor();
  let requests = 0;
  page.on("request", () => requests++);
  const open = await meter.of(async () => {
    await page.goto("/e/lead");
    await rows();
    await screen.settled();
  });
  row("first list: CPU / wall, ms", "600", open);
  row("first list: requests", "20", requests);
  row("first list: nodes", "3500", await meter.nodes());
  await page.evaluate(() => {
    window.__longest = 0;
    const longer = (list) => {
      for (const { duration } of list.getEntries())
        window.__longest = Math.max(window.__longest, duration);
    };
    new PerformanceObserver(longer).observe({ type: "event", durationThreshold: 16 });
  });
  const still = () =>
    page.waitForFunction(() => !document.querySelector(".grid .waits, [aria-busy='true']"));
  const press = async (name) => {
    await page.getByRole("button", { name, exact: true }).click();
    await still();
  };
  const next = () => press("下一页");
  for (let i = 2; i <= 4; i++) row(`page ${i}`, "250", await meter.of(next));
  row("to the end of the list", "", await meter.of(() => press("最后")));
  row("a page towards the begin", "250", await meter.of(() => press("上一页")));
  row("to the begin", "", await meter.of(() => press("最前")));
  const sort = async () => {
    await page.locator("th button", { hasText: "评分" }).click();
    await page.waitForURL(/s=score/);
    await still();
  };
  row("sorted by score", "", await meter.of(sort));
  row("nodes after all that", "3500", await meter.nodes());
  const tick = () => page.locator(".grid tbody .check").first().check();
  row("tick a row", "100", await meter.of(tick));
  const drawer = async () => {
    await page.keyboard.press("Escape");
    await page.locator(".list-head").getByRole("button", { name: "新建" }).click();
    await page.locator("#q-name").waitFor();
  };
  row("open the drawer", "500", await meter.of(drawer));
  row("longest event, ms", "200", await page.evaluate(() => Math.round(window.__longest)));
  await page.keyboard.press("Escape");
  const modes = ["/e/task?mode=calendar", "/e/opportunity?mode=board"];
  const paths = ["/e/lead", "/", "/e/account", ...modes];
  const before = await meter.heap();
  for (let i = 0; i < ROUTES; i++) {
    await page.evaluate((to) => {
      history.pushState({}, "", to);
      dispatchEvent(new PopStateEvent("popstate", { state: {} }));
    }, paths[i % paths.length]);
    await page.locator("h1").first().waitFor();
  }
  await screen.settled();
  row(`heap before and after ${ROUTES} routes, MB`, "40", `${before} ${await meter.heap()}`);
  await screen.close();
}

async function phone() {
  const screen = await Screen.open(browser, { port: server.port, ...PHONE });
  await screen.signIn("admin", password);
  const meter = await Meter.on(screen);
  await meter.session.send("Emulation.setCPUThrottlingRate", { rate: CPU });
  await meter.session.send("Network.emulateNetworkConditions", { offline: false, ...SLOW });
  await meter.session.send("Network.setCacheDisabled", { cacheDisabled: true });
  const open = await meter.of(async () => {
    await screen.page.goto("/e/lead");
    await screen.page.locator(".cards .card").nth(5).waitFor();
  });
  row("phone, slow: CPU / wall to rows, ms", "3000/4500", open);
  row("phone: nodes", "3500", await meter.nodes());
  await screen.close();
}

row("what", "budget", "measured");
try {
  await desktop();
  await phone();
} finally {
  await browser.close();
  await server.stop({ deaths: true });
}
