// schema - what the editor of formatted text can hold: what the server keeps, and nothing else.
// SPDX-License-Identifier: MIT
//
// A table is kept as it is: it can be moved and deleted, and is written elsewhere.
import { type AttributeSpec, DOMParser, DOMSerializer, type Node, Schema } from "prosemirror-model";
import { DROPPED, isLink, isPicture, parsed, TAGS } from "@/logic/richtext";

const LEVELS = [1, 2, 3, 4, 5, 6];
const required: AttributeSpec = { validate: "string" };

/** An element of a table again, with its address alone; null where it is not kept. */
function again(from: Element, name: string): HTMLElement | null {
  const src = from.getAttribute("src") ?? "";
  if (!TAGS.has(name) || (name === "img" && !isPicture(src))) return null;
  const made = document.createElement(name);
  const href = from.getAttribute("href") ?? "";
  if (name === "img") made.setAttribute("src", src);
  if (name === "a" && isLink(href)) {
    made.setAttribute("href", href);
    made.setAttribute("rel", "noopener");
  }
  return made;
}

/** A table again, of nothing but what the server keeps: all of that. */
function rebuilt(from: Element, into: HTMLElement): HTMLElement {
  for (const node of from.childNodes) {
    if (node.nodeType === 3) into.append(node.textContent ?? "");
    const name = node.nodeName.toLowerCase();
    if (node.nodeType !== 1 || DROPPED.has(name)) continue;
    const made = again(node as Element, name);
    if (made) into.append(made);
    rebuilt(node as Element, made ?? into);
  }
  return into;
}

export const schema = new Schema({
  nodes: {
    doc: { content: "block+" },
    paragraph: {
      content: "inline*",
      group: "block",
      parseDOM: [{ tag: "p" }],
      toDOM: () => ["p", 0],
    },
    heading: {
      attrs: { level: { default: 2, validate: "number" } },
      content: "inline*",
      group: "block",
      defining: true,
      parseDOM: LEVELS.map((level) => ({ tag: `h${level}`, attrs: { level } })),
      toDOM: (node) => [`h${String(node.attrs.level)}`, 0],
    },
    blockquote: {
      content: "block+",
      group: "block",
      defining: true,
      parseDOM: [{ tag: "blockquote" }],
      toDOM: () => ["blockquote", 0],
    },
    code_block: {
      content: "text*",
      marks: "",
      group: "block",
      code: true,
      defining: true,
      parseDOM: [{ tag: "pre", preserveWhitespace: "full" }],
      toDOM: () => ["pre", 0],
    },
    bullet_list: {
      content: "list_item+",
      group: "block",
      parseDOM: [{ tag: "ul" }],
      toDOM: () => ["ul", 0],
    },
    ordered_list: {
      content: "list_item+",
      group: "block",
      parseDOM: [{ tag: "ol" }],
      toDOM: () => ["ol", 0],
    },
    list_item: {
      content: "paragraph block*",
      defining: true,
      parseDOM: [{ tag: "li" }],
      toDOM: () => ["li", 0],
    },
    rule: { group: "block", parseDOM: [{ tag: "hr" }], toDOM: () => ["hr"] },
    table: {
      attrs: { html: required },
      group: "block",
      atom: true,
      parseDOM: [
        {
          tag: "table",
          getAttrs: (dom) => ({ html: rebuilt(dom, document.createElement("table")).innerHTML }),
        },
      ],
      toDOM: (node) => {
        const from = parsed(`<table>${String(node.attrs.html)}</table>`).querySelector("table");
        const into = document.createElement("table");
        return from ? rebuilt(from, into) : into;
      },
    },
    text: { group: "inline" },
    picture: {
      attrs: { src: required },
      inline: true,
      group: "inline",
      draggable: true,
      parseDOM: [
        {
          tag: "img[src]",
          getAttrs: (dom) => {
            const src = dom.getAttribute("src") ?? "";
            return isPicture(src) ? { src } : false;
          },
        },
      ],
      toDOM: (node) => ["img", { src: String(node.attrs.src) }],
    },
    line_break: {
      inline: true,
      group: "inline",
      selectable: false,
      parseDOM: [{ tag: "br" }],
      toDOM: () => ["br"],
    },
  },
  marks: {
    link: {
      attrs: { href: required },
      inclusive: false,
      parseDOM: [
        {
          tag: "a[href]",
          getAttrs: (dom) => {
            const href = dom.getAttribute("href") ?? "";
            return isLink(href) ? { href } : false;
          },
        },
      ],
      toDOM: (mark) => ["a", { href: String(mark.attrs.href), rel: "noopener" }, 0],
    },
    strong: { parseDOM: [{ tag: "strong" }, { tag: "b" }], toDOM: () => ["strong", 0] },
    em: { parseDOM: [{ tag: "em" }, { tag: "i" }], toDOM: () => ["em", 0] },
    underline: { parseDOM: [{ tag: "u" }], toDOM: () => ["u", 0] },
    strike: { parseDOM: [{ tag: "s" }, { tag: "del" }, { tag: "strike" }], toDOM: () => ["s", 0] },
    sub: { excludes: "sup", parseDOM: [{ tag: "sub" }], toDOM: () => ["sub", 0] },
    sup: { excludes: "sub", parseDOM: [{ tag: "sup" }], toDOM: () => ["sup", 0] },
    code: { parseDOM: [{ tag: "code" }], toDOM: () => ["code", 0] },
  },
});

export const docOf = (html: string): Node => DOMParser.fromSchema(schema).parse(parsed(html));

/** As it is sent; nothing written is null. */
export function htmlOf(doc: Node): string | null {
  const first = doc.firstChild!;
  if (doc.childCount === 1 && first.isTextblock && !first.childCount) return null;
  const into = document.createElement("div");
  into.append(DOMSerializer.fromSchema(schema).serializeFragment(doc.content));
  return into.innerHTML;
}
