// markdown - the part of Markdown that help is written in, as a tree: headings, paragraphs, lists,
// code, quotes, tables, bold, italics, links.
// SPDX-License-Identifier: MIT
//
// HTML in it is text like any other: nothing of what is read here is ever put into the page as
// markup (Markdown.vue makes elements of the tree), so there is nothing to sanitise afterwards.

export interface Span {
  type: "text" | "strong" | "em" | "code" | "link";
  text: string;
  href?: string;
}

export type Block =
  | { type: "heading"; level: number; spans: Span[]; id: string }
  | { type: "paragraph" | "quote"; spans: Span[] }
  | { type: "list"; ordered: boolean; items: Span[][] }
  | { type: "code"; text: string }
  | { type: "table"; head: Span[][]; rows: Span[][][] };

/** Where a link may lead: the web, an address of ours, a place in the text. */
export function safeHref(href: string): string {
  const plain = href.trim();
  if (/^https?:\/\//i.test(plain) || /^mailto:[^\s]+$/i.test(plain)) return plain;
  return /^(\/(?!\/)|#)/.test(plain) ? plain : "";
}

const SPANS = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]*)\]\(([^()\s]*)\)/g;

export function spansOf(text: string): Span[] {
  const out: Span[] = [];
  let last = 0;
  for (const found of text.matchAll(SPANS)) {
    if (found.index > last) out.push({ type: "text", text: text.slice(last, found.index) });
    last = found.index + found[0].length;
    if (found[1] !== undefined) out.push({ type: "code", text: found[1] });
    else if (found[2] !== undefined) out.push({ type: "strong", text: found[2] });
    else if (found[3] !== undefined) out.push({ type: "em", text: found[3] });
    else {
      const href = safeHref(found[5]);
      out.push(href ? { type: "link", text: found[4], href } : { type: "text", text: found[4] });
    }
  }
  if (last < text.length) out.push({ type: "text", text: text.slice(last) });
  return out;
}

const ITEM = /^\s*(?:([-*+])|(\d+)[.)])\s+(.*)$/;
export const slug = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");
const cells = (line: string) =>
  line
    .trim()
    .replace(/^\||\|$/g, "")
    .split("|")
    .map((cell) => spansOf(cell.trim()));

export function blocksOf(source: string): Block[] {
  const lines = source.replace(/\r/g, "").split("\n");
  const out: Block[] = [];
  let at = 0;
  const isEnd = (line: string) =>
    !line.trim() || /^(#{1,6}\s|>|```|\|)/.test(line) || ITEM.test(line);

  while (at < lines.length) {
    const line = lines[at];
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (!line.trim()) {
      at++;
    } else if (heading) {
      const text = heading[2].replace(/\s+#+\s*$/, "");
      out.push({ type: "heading", level: heading[1].length, spans: spansOf(text), id: slug(text) });
      at++;
    } else if (line.startsWith("```")) {
      const from = ++at;
      while (at < lines.length && !lines[at].startsWith("```")) at++;
      out.push({ type: "code", text: lines.slice(from, at++).join("\n") });
    } else if (line.startsWith("|")) {
      const from = at;
      while (at < lines.length && lines[at].startsWith("|")) at++;
      const rows = lines.slice(from, at).filter((one) => !/^\|[\s:|-]+\|?\s*$/.test(one));
      out.push({ type: "table", head: cells(rows[0] ?? ""), rows: rows.slice(1).map(cells) });
    } else if (ITEM.test(line)) {
      const ordered = ITEM.exec(line)![2] !== undefined;
      const items: string[] = [];
      while (at < lines.length && (ITEM.test(lines[at]) || /^\s+\S/.test(lines[at]))) {
        const item = ITEM.exec(lines[at]);
        if (item) items.push(item[3]);
        else items[items.length - 1] += ` ${lines[at].trim()}`;
        at++;
      }
      out.push({ type: "list", ordered, items: items.map(spansOf) });
    } else {
      const isQuote = line.startsWith(">");
      const from = at++;
      while (at < lines.length && (isQuote ? lines[at].startsWith(">") : !isEnd(lines[at]))) at++;
      const text = lines.slice(from, at).map((one) => one.replace(/^>\s?/, "").trim());
      out.push({ type: isQuote ? "quote" : "paragraph", spans: spansOf(text.join(" ")) });
    }
  }
  return out;
}
