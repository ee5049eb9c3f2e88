// Markdown - help as elements, made from the tree of logic/markdown.ts; never from markup.
// SPDX-License-Identifier: MIT
import { defineComponent, h, type VNode } from "vue";
import { RouterLink } from "vue-router";
import { type Block, blocksOf, type Span } from "@/logic/markdown";

function span(one: Span): VNode | string {
  if (one.type === "text") return one.text;
  if (one.type !== "link") return h(one.type, one.text);
  const href = one.href!;
  if (href.startsWith("/")) return h(RouterLink, { to: href }, () => one.text);
  const out = href.startsWith("#") ? {} : { target: "_blank", rel: "noopener noreferrer" };
  return h("a", { href, ...out }, one.text);
}

const spans = (list: Span[]) => list.map(span);

function block(one: Block, down: number): VNode {
  switch (one.type) {
    case "heading":
      return h(`h${Math.min(6, one.level + down)}`, { id: one.id }, spans(one.spans));
    case "quote":
      return h("blockquote", spans(one.spans));
    case "code":
      return h("pre", { tabindex: 0 }, one.text);
    case "list":
      return h(
        one.ordered ? "ol" : "ul",
        one.items.map((item) => h("li", spans(item))),
      );
    case "table":
      return h("div", { class: "wide-table", tabindex: 0 }, [
        h("table", { class: "table-plain" }, [
          h("thead", [h("tr", one.head.map((cell) => h("th", spans(cell))))]),
          h("tbody", one.rows.map((row) => h("tr", row.map((cell) => h("td", spans(cell)))))),
        ]),
      ]);
    default:
      return h("p", spans(one.spans));
  }
}

export default defineComponent({
  props: {
    source: { type: String, required: true },
    /** By how many levels headings are lowered: a page has one h1. */
    down: { type: Number, default: 0 },
  },
  setup(props) {
    return () =>
      h(
        "div",
        { class: "markdown" },
        blocksOf(props.source).map((one) => block(one, props.down)),
      );
  },
});
