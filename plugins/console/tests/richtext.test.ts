// richtext - formatted text, by the cases that the server runs too.
// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createApp, h } from "vue";
import { describe, expect, it } from "vitest";
import { isLink, pasted, plainText } from "@/logic/richtext";
import { docOf, htmlOf } from "@/widgets/rich/schema";
import RichText from "@/widgets/RichText.vue";

interface Case {
  name: string;
  html: string; // as somebody sends it
  clean: string; // as it is kept
  edited: string; // as the editor writes what is kept
  text?: string;
}
const file = join(__dirname, "../../../tests/fixtures/richtext.json");
const cases = JSON.parse(readFileSync(file, "utf8")) as Case[];

function shown(html: string): string {
  const host = document.createElement("div");
  const app = createApp({ render: () => h(RichText, { value: html }) });
  app.mount(host);
  const text = host.querySelector(".rich")!.innerHTML;
  app.unmount();
  return text.replace(/<!--.*?-->/g, "");
}

describe.each(cases)("$name", ({ html, clean, edited }) => {
  it("comes through the editor, which makes nothing that is not kept", () => {
    expect(htmlOf(docOf(clean))).toBe(edited);
    expect(htmlOf(docOf(edited))).toBe(edited);
    expect(htmlOf(docOf(html))).toBe(edited); // pasted
  });

  it("is drawn without anything that could run", () => {
    const bare = (out: string) =>
      out.replace(/ (rel|target|alt)="[^"]*"/g, "").replace(/<a>(.*?)<\/a>/g, "<a>$1</a>");
    expect(bare(shown(clean))).toBe(bare(clean));
    expect(bare(shown(html))).toBe(bare(clean));
    expect(shown(html)).not.toMatch(/script|onerror|onclick|javascript|style=/);
  });
});

it("what was copied elsewhere comes without its paint", () => {
  expect(pasted('<p style="a>b" class=x>1</p><!-- <b> --><style>p{}</style>')).toBe("<p>1</p>");
  expect(pasted("<IMG SRC=x ONERROR='y()'><o:p></o:p>")).toBe("<IMG><o:p></o:p>");
  expect(pasted('<a href="https://a.cn/?b=1&c" target=_blank>x</a>')).toBe(
    '<a href="https://a.cn/?b=1&c">x</a>',
  );
  expect(pasted("<a href='javascript:x'>y</a> 1 < 2")).toBe("<a>y</a> 1 < 2");
  expect(pasted(`<p data-pm-slice='1 1 ["a"]'>x</p>`)).toBe(
    '<p data-pm-slice="1 1 [&quot;a&quot;]">x</p>',
  );
});

it.each(cases.filter((one) => one.text !== undefined))("the words of $name", (one) => {
  expect(plainText(one.clean)).toBe(one.text);
});

it("nothing written is nothing kept", () => {
  expect(htmlOf(docOf(""))).toBeNull();
  expect(htmlOf(docOf("<p></p>"))).toBeNull();
  expect(htmlOf(docOf("<hr>"))).toBe("<hr>");
});

it("an address begins as it must", () => {
  const good = ["https://a.cn", "http://a.cn/?b=1", "mailto:a@b.cn"];
  expect(good.every(isLink)).toBe(true);
  const bad = ["javascript:alert(1)", "HTTPS://a.cn", "https://a\u0001", " https://a.cn"];
  expect([...bad, "https://a b", "data:x", "//a.cn", ""].some(isLink)).toBe(false);
});
