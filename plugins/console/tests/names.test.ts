// names - schedules in words; and what the server knows by identifiers has a word in the console.
// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { handlerParts } from "@/admin/kit/names";
import { agentName } from "@/logic/agent";
import { http } from "@/api/http";
import type { Entity, Field } from "@/api/types";
import { cronWords } from "@/logic/cron";
import { GROUPS } from "@/admin/areas";
import { blocksOf, slug } from "@/logic/markdown";
import { loadEntity } from "@/stores/meta";
import { rowTitle } from "@/record/people";
import { named, readsOf } from "@/stores/named";
import { speak } from "@/texts";
import en from "@/texts/admin.en.json";
import zh from "@/texts/admin.zh-CN.json";

const ROOT = join(__dirname, "../../..");
const say = (words: Record<string, string>) => (key: string, args?: Record<string, unknown>) =>
  words[key].replace(/\{(\w+)\}/g, (_, name: string) => String(args?.[name]));
const inZh = (cron: string) => cronWords(cron, "zh-CN", say(zh));
const inEn = (cron: string) => cronWords(cron, "en", say(en));

describe("schedules", () => {
  it("are said as people say them", () => {
    expect(inZh("15 2 * * *")).toBe("每天 02:15");
    expect(inZh("0 9,18 * * *")).toBe("每天 09:00、18:00");
    expect(inZh("30 8 * * 1")).toBe("每周周一 08:30");
    expect(inZh("0 9 * * 1-5")).toBe("工作日 09:00");
    expect(inZh("20 3 1 * *")).toBe("每月 1 日 03:20");
    expect(inZh("0 0 1 1,7 *")).toBe("每年1月、7月 1 日 00:00");
    expect(inZh("*/10 * * * *")).toBe("每 10 分钟");
    expect(inZh("5 * * * *")).toBe("每小时第 5 分钟");
    expect(inEn("30 8 * * mon,7")).toBe("Mon, Sun at 08:30");
    expect(inEn("0 6 1,15 * *")).toBe("On day 1, 15 of each month at 06:00");
    expect(inEn("15 */6 * * *")).toBe("Every 6 hours at minute 15");
  });

  it("that cannot be said stay as they are", () => {
    for (const cron of ["1-5 2 * * *", "0 0 1 * 1", "0 0 * * abc", "0 25 * * *", "* * *", "x"])
      expect(inZh(cron), cron).toBe("");
  });
});

it("says which browser it is", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36";
  expect(agentName(chrome)).toBe("Chrome · Linux");
  expect(agentName(`${chrome} Edg/140.0`)).toBe("Edge · Linux");
  expect(agentName("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1")).toBe(
    "Safari · iPhone",
  );
  expect(agentName("curl/8.1")).toBe("curl");
});

describe("what is the name of something, by its label", () => {
  const field = (widget: string) =>
    ({ name: "held", label: "held", type: "text", operators: [], widget }) as Field;
  const options = [{ value: "won", label: "赢单", active: true }];
  const fields = [{ ...field(""), name: "stage", label: "阶段", options }];
  const deal = { name: "deal", label: "商机", title: "stage", fields } as unknown as Entity;
  const answers: Record<string, unknown> = {
    "/api/v1/meta/deal": deal,
    "/api/v1/meta?brief=true": { entities: [deal] },
  };
  const label = (one: Field) => one.options?.[0].label;
  afterEach(() => vi.unstubAllGlobals());

  it("a field, a value of a field, an event, a record", async () => {
    http.lang = "zh-CN";
    vi.stubGlobal("fetch", (path: string) =>
      Promise.resolve(
        new Response(JSON.stringify(answers[path]), {
          headers: { "Content-Type": "application/json" },
        }),
      ),
    );
    expect(named(field("field:=deal"), {}).awaited).toBe(true);
    await Promise.all([loadEntity("deal"), speak("zh-CN")]);
    const row = { entity: "deal", of: "stage", held: "won" };
    expect(label(named(field("option:entity.of"), row))).toBe("赢单");
    expect(named(field("option:entity.of"), { ...row, of: "name" }).options).toBeUndefined();
    expect(label(named(field("field:entity"), { entity: "deal", held: "stage" }))).toBe("阶段");
    expect(label(named(field("field:=deal"), { held: "stage" }))).toBe("阶段");
    expect(rowTitle(deal, { stage: "won" })).toBe("赢单");
    expect(rowTitle(deal, { stage: "lost" })).toBe("lost");
    expect(rowTitle(undefined, null)).toBe("");
    named(field("event"), { held: "deal.updated" }); // asks for the objects
    await vi.waitFor(() =>
      expect(label(named(field("event"), { held: "deal.updated" }))).toContain("商机"),
    );
    expect(label(named(field("event"), { held: "odd" }))).toBe("odd");
  });

  it("what is on its way is awaited, what does not come is typed", async () => {
    let answer: (response: Response) => void = () => undefined;
    vi.stubGlobal("fetch", () => new Promise<Response>((done) => (answer = done)));
    const asks = () => named(field("field:entity"), { entity: "unheard" });
    expect(asks().awaited).toBe(true);
    answer(new Response("{}", { status: 404, headers: { "Content-Type": "application/json" } }));
    await vi.waitFor(() => expect(asks().awaited).toBeUndefined());
    expect(named(field("field:entity"), { entity: null }).awaited).toBeUndefined();
  });

  it("says what has to be read along", () => {
    expect(readsOf(field("option:entity.of"))).toEqual(["entity", "of"]);
    expect(readsOf(field("field:entity"))).toEqual(["entity"]);
    expect(readsOf(field("field:=ticket"))).toEqual([]);
    expect(readsOf(field("entity"))).toEqual([]);
    expect(readsOf(undefined)).toEqual([]);
  });
});

it("takes the name of a handler apart", () => {
  expect(handlerParts("hook:acme.kit:told@lead")).toEqual({
    plugin: "acme.kit",
    id: "told",
    entity: "lead",
  });
  expect(handlerParts("odd")).toEqual({ plugin: "", id: "odd", entity: "" });
});

/* The lists below are the server's own: read from its source, so that one more fails here. */

const sources = (folder: string) =>
  (readdirSync(join(ROOT, "core", folder), { recursive: true }) as string[])
    .filter((name) => name.endsWith(".c"))
    .map((name) => readFileSync(join(ROOT, "core", folder, name), "utf8"))
    .join("\n");
const lacking = (keys: Iterable<string>) => [...new Set(keys)].filter((key) => !(key in zh));

it("has help for every screen of administration, in both languages", () => {
  for (const [lang, words] of Object.entries({ "zh-CN": zh, en } as Record<string, object>)) {
    const text = readFileSync(join(ROOT, `plugins/core/help/${lang}.md`), "utf8");
    const parts = blocksOf(text).flatMap((one) => (one.type === "heading" ? [one.id] : []));
    const said = words as Record<string, string>;
    const names = GROUPS.flatMap(({ areas }) => areas.map(({ id }) => slug(said[`admin.${id}`])));
    expect(names.filter((name) => !parts.includes(name))).toEqual([]);
  }
});

it("has help of every plugin, in both languages", () => {
  const plugins = readdirSync(join(ROOT, "plugins")).filter((id) =>
    existsSync(join(ROOT, "plugins", id, "plugin.json")),
  );
  const files = plugins.flatMap((id) => ["zh-CN", "en"].map((lang) => `${id}/help/${lang}.md`));
  expect(files.filter((file) => !existsSync(join(ROOT, "plugins", file)))).toEqual([]);
});

it("has a word for every moment", () => {
  const header = readFileSync(join(ROOT, "core/hook/hook.h"), "utf8");
  const list = /#define HOOK_MOMENTS\(X\)(.*?)\n\n/s.exec(header)?.[1] ?? "";
  const names = [...list.matchAll(/"([a-z_]+)"/g)].map((match) => `moment.${match[1]}`);
  expect(names.length).toBeGreaterThan(8);
  expect(lacking(names)).toEqual([]);
});

it("has a word for every area of administration", () => {
  const routes = readFileSync(join(ROOT, "core/api/routes.c"), "utf8");
  const areas = [...routes.matchAll(/ADMIN\("([a-z-]+)"\)/g)].map((match) => `area.${match[1]}`);
  expect(areas.length).toBeGreaterThan(20);
  expect(lacking(areas)).toEqual([]);
});

it("has a word for everything that is written to the audit", () => {
  const source = ["api", "auth", "process", "cli", "script", "hook"].map(sources).join("\n");
  const call = /\baudit(?:_put|_as)?\([^;"]*?"([a-z_.-]+)"(?:\s*:\s*"([a-z_.]+)")?/g;
  const ENTITIES = ["user", "api_key"]; // of calls whose action is a variable
  const names = [...source.matchAll(call)]
    .flatMap((match) => [match[1], match[2] ?? []].flat())
    .filter((name) => !ENTITIES.includes(name));
  const keys = names.map((name) => `did.${name.replace(/[.-]/g, "_")}`);
  expect(keys.length).toBeGreaterThan(35);
  expect(lacking(keys)).toEqual([]);
});
