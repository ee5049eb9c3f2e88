// tiletable - the table of a tile: one column leads to what is behind, numbers stand right.
// SPDX-License-Identifier: MIT
import { createApp, defineComponent, h } from "vue";
import { expect, it } from "vitest";
import TileTable from "@/dash/TileTable.vue";

const columns = [{ label: "名次", num: true }, { label: "姓名" }, { label: "金额", num: true }];
const rows = [
  { key: "a", cells: ["1", "王芳", "8,000"], to: "/e/lead?f=1", mine: true },
  { key: "b", cells: ["2", "张伟", "500"] },
];

const LINK = defineComponent({
  props: { to: { type: String, required: true } },
  setup: (props, { slots }) => () => h("a", { href: props.to }, slots.default?.()),
});
const textOf = (element: Element) => element.textContent!.trim();

function table(cell?: (at: { row: number; column: number }) => string) {
  const root = document.createElement("div");
  const app = createApp(() => h(TileTable, { columns, rows, lead: 1 }, cell && { cell }));
  app.component("RouterLink", LINK);
  app.mount(root);
  return (selector: string) => [...root.querySelectorAll(selector)];
}

it("links the column that leads, where there is something behind it", () => {
  const links = table()("a").map((one) => [textOf(one), one.getAttribute("href")]);
  expect(links).toEqual([["王芳", "/e/lead?f=1"]]);
});

it("marks one's own row and columns of numbers", () => {
  const find = table();
  expect(find("tr.mine").map(textOf)).toEqual(["1王芳8,000"]);
  expect(find("thead th.num").map(textOf)).toEqual(["名次", "金额"]);
  expect(find("[role=region]")[0].getAttribute("aria-label")).toBe("姓名");
});

it("shows other cells as its owner wants them", () => {
  const cells = table(({ row, column }) => `${row}/${column}`)("tbody td").map(textOf);
  expect(cells).toEqual(["0/0", "王芳", "0/2", "1/0", "1/1", "1/2"]);
});
