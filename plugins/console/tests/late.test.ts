// late - answers that come late or not at all: totals below columns, pages of a timeline.
// SPDX-License-Identifier: MIT
import { createApp, h, nextTick, type Ref, ref, shallowRef } from "vue";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Entity, Field } from "@/api/types";
import { type Asked } from "@/grid/useList";
import { type ShownTotal, useTotals } from "@/grid/useTotals";
import { stateOf } from "@/logic/liststate";
import Timeline from "@/record/Timeline.vue";
import { i18n } from "@/texts";

const asks = vi.hoisted(() => ({ post: vi.fn(), get: vi.fn(), said: vi.fn() }));
vi.mock("@/api/http", async (real) => ({
  ...(await real<object>()),
  post: asks.post,
  get: asks.get,
}));
vi.mock("@/ui/toast", () => ({ sayError: asks.said, say: () => undefined }));
vi.mock("@/widgets/locale", async () => {
  const { computed } = await import("vue");
  return { useLocale: () => computed(() => ({ lang: "zh-CN", zone: "UTC", yes: "", no: "" })) };
});
const drawn = vi.hoisted(() => (name: string, text: (props: never) => string) => ({
  default: {
    name,
    inheritAttrs: false,
    props: ["entry", "row"],
    render: (props: never) => text(props),
  },
}));
vi.mock("@/record/TimelineChange.vue", () =>
  drawn("change", ({ entry }: { entry: { seq: number } }) => `c${entry.seq}`),
);
vi.mock("@/record/TimelineRecord.vue", () =>
  drawn("record", ({ row }: { row: { id: string } }) => row.id),
);

const field = (name: string, type: string) =>
  ({ name, label: name, type, operators: [] }) as unknown as Field;
const deal = {
  name: "deal",
  label: "商机",
  label_plural: "商机",
  fields: [field("name", "text"), field("amount", "decimal"), field("cost", "decimal")],
  views: [],
  relations: [],
} as unknown as Entity;

/** Answers that are given when the test says so. */
function later(mock: typeof asks.post) {
  const waiting: { give: (value: unknown) => void; fail: (error: unknown) => void }[] = [];
  mock.mockImplementation(() => new Promise((give, fail) => waiting.push({ give, fail })));
  return waiting;
}
const settled = async () => {
  for (let i = 0; i < 6; i++) await nextTick();
};

beforeEach(() => vi.resetAllMocks());

describe("totals below columns", () => {
  const asked = (...names: string[]): Asked => ({
    entity: deal,
    view: { kind: "list", columns: [] },
    state: stateOf({}),
    columns: names.map((name) => ({ field: name, agg: "sum" })),
  });

  function start(columns: Asked) {
    const now = shallowRef(columns);
    const turn = ref(0);
    const got: { totals?: Ref<ShownTotal[]> } = {};
    const app = createApp({
      setup() {
        got.totals = useTotals(now, () => turn.value).totals;
        return () => null;
      },
    });
    app.use(i18n).mount(document.createElement("div"));
    const shown = () => got.totals!.value.map((one) => `${one.field} ${one.text}`);
    return { now, turn, app, shown };
  }

  it("a new column waits for its own figure while the others stand", async () => {
    const waiting = later(asks.post);
    const { now, shown } = start(asked("amount"));
    expect(shown()).toEqual([]);
    waiting[0].give({ groups: [{ "sum.amount": "1200" }] });
    await settled();
    expect(shown()).toEqual(["amount 1,200"]);
    now.value = asked("amount", "cost");
    await settled();
    expect(shown()).toEqual(["amount 1,200"]);
    waiting[1].give({ groups: [{ "sum.amount": "1200", "sum.cost": "7" }] });
    await settled();
    expect(shown()).toEqual(["amount 1,200", "cost 7"]);
    now.value = asked("name"); // a text: nothing is asked, nothing stands there
    now.value = { ...asked(), columns: [{ field: "name" }] };
    await settled();
    expect(shown()).toEqual([]);
    expect(waiting).toHaveLength(2);
  });

  it("no old sum stays where the new one could not be had; a late one is nobody's", async () => {
    const waiting = later(asks.post);
    const { turn, shown, app } = start(asked("amount"));
    waiting[0].give({ groups: [{ "sum.amount": "1" }] });
    await settled();
    turn.value++;
    await settled();
    waiting[1].fail(new Error("gone"));
    await settled();
    expect(shown()).toEqual([]);
    turn.value++;
    await settled();
    const signals = asks.post.mock.calls.map(([, , options]) => options.signal as AbortSignal);
    expect(signals[2].aborted).toBe(false);
    turn.value++;
    await settled();
    expect(signals[2].aborted).toBe(true);
    app.unmount();
    expect((asks.post.mock.calls[3][2].signal as AbortSignal).aborted).toBe(true);
  });
});

describe("a timeline", () => {
  const change = (seq: number) => ({
    seq,
    at: `2026-03-${String(30 - seq).padStart(2, "0")}`,
    actor: null,
    op: "update",
    changes: [],
  });

  function start() {
    const host = document.createElement("div");
    const tick = ref(0);
    const props = () => ({ entity: deal, id: "d", version: 1, kind: "timeline", tick: tick.value });
    const app = createApp({ render: () => h(Timeline, props() as never) });
    app.use(i18n).mount(host);
    const shown = () => host.querySelector(".timeline")!.textContent!.match(/c\d/g);
    const more = () => host.querySelectorAll<HTMLElement>("button")[0];
    return { host, tick, shown, more };
  }

  it("goes on where it was, and throws away a page that comes after it was read anew", async () => {
    const waiting = later(asks.get);
    const { tick, shown, more } = start();
    waiting[0].give({ items: [change(1), change(2)], next: "p2" });
    await settled();
    expect(shown()).toEqual(["c1", "c2"]);
    more().click();
    await settled();
    tick.value++; // something happened around the record
    await settled();
    waiting[2].give({ items: [change(0), change(1)], next: "p2" });
    await settled();
    expect(shown()).toEqual(["c0", "c1"]);
    waiting[1].give({ items: [change(3)], next: null });
    await settled();
    expect(shown()).toEqual(["c0", "c1"]);
    more().click();
    await settled();
    waiting[3].give({ items: [change(2)], next: null });
    await settled();
    expect(shown()).toEqual(["c0", "c1", "c2"]);
  });

  it("says why a page could not be had, keeps what stands, and can be asked again", async () => {
    const waiting = later(asks.get);
    const { shown, more, host } = start();
    waiting[0].give({ items: [change(1)], next: "p2" });
    await settled();
    more().click();
    await settled();
    waiting[1].fail(new Error("gone"));
    await settled();
    expect(asks.said).toHaveBeenCalledOnce();
    expect(shown()).toEqual(["c1"]);
    more().click();
    await settled();
    waiting[2].give({ items: [change(2)], next: null });
    await settled();
    expect(shown()).toEqual(["c1", "c2"]);
    expect(host.querySelectorAll("button")).toHaveLength(0);
  });
});
