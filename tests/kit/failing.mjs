// failing - what can go wrong between a page and the server, put before an editor one after the
// other: what was typed stays, the person is told what happened and what to do, and goes on.
// SPDX-License-Identifier: MIT
//
// An editor is { name, open(page), typed: [[selector, value]…], submit(page), done(page), count }.
// Every write it makes meets each fault; then one that arrives and whose answer is lost, so that
// trying again shows whether the same happens twice. `count` asks the server for what there is.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./server.mjs";

const TEXTS = join(ROOT, "plugins/console/src/texts");
const read = (name) => JSON.parse(readFileSync(join(TEXTS, `${name}.json`), "utf8"));

/** The console's own words in a language, by their keys. */
export function wordsOf(lang) {
  const parts = ["", "admin.", "dash.", "me.", "modes."].map((part) => read(`${part}${lang}`));
  const all = Object.assign({}, ...parts);
  return (key, values = {}) => {
    assert.ok(key in all, `no text ${key}`);
    const forms = all[key].split(" | "); // one, many
    const text = values.n > 1 ? forms.at(-1) : forms[0];
    return text.replaceAll(/\{(\w+)\}/g, (_, name) => values[name]);
  };
}

const refused = (status, code, hint, more = {}) => ({ status, code, hint, ...more });

/** By what is told besides the server's own sentence. */
const FAULTS = [
  { lost: true, hint: "error.offline" },
  refused(401, "unauthenticated", "", { gives_up: true }),
  refused(403, "forbidden", "hint.forbidden"),
  refused(409, "conflict", "hint.conflict"),
  refused(412, "version_conflict", "hint.moved"),
  refused(422, "validation_failed", "hint.refused"),
  refused(429, "rate_limited", "hint.wait", { wait: 7 }),
  refused(500, "internal", "hint.server", { trace: "t-2026-500" }),
  refused(503, "busy", "hint.busy", { wait: 0 }),
];
/** What most editors meet: each is told in another way. The others are told as these are. */
const USUAL = [undefined, 401, 412, 500];

const ASKS = /\/(query|queries|duplicates|sessions|validate|board)$|\/me\/settings$/;

export class Failing {
  /** Watches what a page of `screen` writes. */
  static async over(screen, lang = "zh-CN") {
    const own = new Failing();
    Object.assign(own, { screen, page: screen.page, t: wordsOf(lang), fault: null, met: 0 });
    screen.provoked = true;
    await screen.page.route(/\/api\/v1\//, (route) => own.answer(route));
    return own;
  }

  async answer(route) {
    const { fault } = this;
    const request = route.request();
    const { pathname } = new URL(request.url());
    const isAsking = ASKS.test(pathname) && !fault?.all;
    if (!fault || request.method() === "GET" || isAsking) return route.fallback();
    this.met++;
    if (fault.swallowed) {
      const { status } = await route.fetch().then((answer) => ({ status: answer.status() }));
      this.arrived = status;
      return route.abort();
    }
    if (fault.lost) return route.abort();
    const { status, code, wait, trace } = fault;
    const headers = wait === undefined ? {} : { "retry-after": String(wait) };
    const error = { code, message: this.sentence(fault), fields: {}, trace };
    return route.fulfill({ status, headers, json: { error } });
  }

  sentence({ status }) {
    return `〔${status}〕`;
  }

  /** What has to be read on the screen. */
  told(fault) {
    if (fault.lost || fault.swallowed) return this.t("error.offline");
    const hint = fault.hint ? this.t(fault.hint, { n: fault.wait }) : "";
    return `${this.sentence(fault)} ${hint}`.trim();
  }

  /** The error is there, and nothing lies over it. */
  async seen(text, what) {
    const box = this.page
      .locator(".form-error, .toast.error, .empty[role=alert]")
      .filter({ hasText: text })
      .last();
    const unsaid = () => assert.fail(`${what}: nothing says “${text}”`);
    await box.waitFor({ timeout: 5000 }).catch(unsaid);
    const isSeen = await box.evaluate((element) => {
      const { left, top, width, height } = element.getBoundingClientRect();
      const at = (y) => element.contains(document.elementFromPoint(left + width / 2, y));
      return at(top + 3) && at(top + height - 3);
    });
    assert.ok(isSeen, `${what}: the error is out of sight`);
    return box;
  }

  async kept(editor, what) {
    for (const [selector, value] of editor.typed ?? []) {
      const field = this.page.locator(selector).last();
      const now = await field.evaluate((one) =>
        ["checkbox", "radio"].includes(one.type) ? one.checked : (one.value ?? one.innerText),
      );
      assert.equal(now, value, `${what}: ${selector}`);
    }
  }

  async type(editor) {
    for (const [selector, value] of editor.typed ?? []) {
      const field = this.page.locator(selector).last();
      if (typeof value === "boolean") await field.setChecked(value);
      else if ((await field.evaluate((one) => one.tagName)) === "SELECT")
        await field.selectOption(value);
      else await field.fill(value);
    }
  }

  /** One try that meets a fault. */
  async meet(editor, fault) {
    const what = `${editor.name}, ${fault.swallowed ? "answer lost" : (fault.status ?? "lost")}`;
    Object.assign(this, { fault, met: 0 });
    await editor.submit(this.page);
    if (fault.gives_up) {
      const again = this.page.getByRole("dialog", { name: this.t("again.title") });
      await again.waitFor();
      await this.page.keyboard.press("Escape");
      await again.waitFor({ state: "detached" });
    }
    const own = editor.told?.[fault.status];
    const box = await this.seen(own ? this.t(own) : this.told(fault), what);
    if (fault.trace) assert.match(await box.innerText(), new RegExp(fault.trace), what);
    assert.ok(this.met > 0, `${what}: nothing was sent`);
    this.fault = null;
    await this.kept(editor, what);
    for (const close of await this.page.locator(".toast.error [aria-label]").all())
      await close.click({ timeout: 1000 }).catch(() => undefined);
  }

  /** The usual faults or every one, then an answer that is lost, then it is done: once. */
  async try(editor, every = false) {
    const before = await editor.count?.();
    await editor.open(this.page);
    await this.type(editor);
    const faults = FAULTS.filter(({ status }) => every || USUAL.includes(status));
    for (const fault of faults) await this.meet(editor, fault);
    if (!editor.once) {
      await this.meet(editor, { swallowed: true });
      assert.ok(this.arrived < 300, `${editor.name}: ${this.arrived} was answered`);
    }
    await editor.submit(this.page);
    await editor.done(this.page);
    if (editor.count) {
      const now = await editor.count();
      assert.equal(now - before, editor.grows ?? 1, `${editor.name}: how many there are`);
    }
    await editor.after?.();
  }
}
