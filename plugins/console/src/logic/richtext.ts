// richtext - formatted text as the server keeps it: a few HTML tags without attributes.
// SPDX-License-Identifier: MIT
//
// It is read by the browser's parser in a document of its own, where nothing runs and nothing is
// loaded, and drawn as new elements of the tags below: no text ever becomes markup of the page.
// The tags are those of core/record/field_richtext.c.
import { h, type VNode } from "vue";

export const TAGS = new Set(
  (
    "p br b strong i em u s ul ol li h1 h2 h3 h4 h5 h6 blockquote code pre table thead tbody " +
    "tr td th hr a img span div sub sup"
  ).split(" "),
);
export const DROPPED = new Set(
  (
    "script style iframe object embed svg math template title select textarea xmp head noscript " +
    "noembed frameset"
  ).split(" "),
);
const BLOCKS = new Set(
  "p div ul ol li h1 h2 h3 h4 h5 h6 blockquote pre table tr hr br".split(" "),
);
// As the server compares them: an address that it would not keep is none here either.
const LINK = /^(https?:\/\/|mailto:)[^\s\x00-\x1f"'<>`\\]+$/;
const PICTURE = /^\/api\/v1\/files\/[^\s"'<>`\\]+$/;

export const isLink = (text: string): boolean => LINK.test(text);
export const isPicture = (text: string): boolean => PICTURE.test(text);

const TAG = /<(\/?)([a-z][\w:-]*)((?:"[^"]*"|'[^']*'|[^"'>])*)>/gi;
const ATTRIBUTE = /([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/g;
const OWN = "data-pm-slice"; // how what was copied in an editor is put in again

/**
 * What was copied elsewhere without what it was painted with: a style in it would be a violation of
 * the page's policy as soon as it is read. That nothing of it can run is the editor's doing.
 */
export function pasted(html: string): string {
  const bare = html.replace(/<!--[\s\S]*?-->/g, "").replace(/<(style|script)[\s\S]*?<\/\1>/gi, "");
  return bare.replace(TAG, (_tag, slash: string, name: string, rest: string) => {
    const kept = [...rest.matchAll(ATTRIBUTE)].flatMap(([, key, ...values]) => {
      const value = values.find((one) => one !== undefined) ?? "";
      const isKept =
        (key === "href" && isLink(value)) || (key === "src" && isPicture(value)) || key === OWN;
      return isKept ? [` ${key}="${value.replaceAll('"', "&quot;")}"`] : [];
    });
    return `<${slash}${name}${slash ? "" : kept.join("")}>`;
  });
}

export const parsed = (html: string): HTMLElement =>
  new DOMParser().parseFromString(html, "text/html").body;

const nameOf = (node: Node) => node.nodeName.toLowerCase();

/** What is drawn of it. */
export function drawn(nodes: Iterable<Node>): (VNode | string)[] {
  return [...nodes].flatMap((node): (VNode | string)[] => {
    if (node.nodeType === Node.TEXT_NODE) return [node.textContent ?? ""];
    const name = nameOf(node);
    if (node.nodeType !== Node.ELEMENT_NODE || DROPPED.has(name)) return [];
    const inside = drawn(node.childNodes);
    if (!TAGS.has(name)) return inside;
    const element = node as Element;
    if (name === "img") {
      const src = element.getAttribute("src") ?? "";
      return isPicture(src) ? [h("img", { src, alt: "" })] : [];
    }
    if (name !== "a") return [h(name, inside)];
    const href = element.getAttribute("href") ?? "";
    const way = { href, rel: "noopener noreferrer", target: "_blank" };
    return [h("a", isLink(href) ? way : {}, inside)];
  });
}

/** The words alone, a line for each block: for lists, messages and comparing. */
export function plainText(html: string): string {
  const words = (nodes: Iterable<Node>): string =>
    [...nodes]
      .map((node) => {
        if (node.nodeType === Node.TEXT_NODE) return (node.textContent ?? "").replace(/\s+/g, " ");
        const name = nameOf(node);
        if (node.nodeType !== Node.ELEMENT_NODE || DROPPED.has(name)) return "";
        const text = words(node.childNodes);
        if (name === "td" || name === "th") return `${text} `;
        return BLOCKS.has(name) ? `\n${text}\n` : text;
      })
      .join("");
  return words(parsed(html).childNodes)
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .join("\n");
}
