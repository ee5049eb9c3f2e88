// textdiff - what is shown of a change of a long text.
// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import { differences, nearby, type Piece } from "@/logic/textdiff";

const told = (lines: Piece[][]) =>
  lines.map((pieces) =>
    pieces.map((one) => ({ same: "", old: "-", new: "+" })[one.kind] + one.text).join("|"),
  );

it("the same words are no difference", () => {
  expect(differences("a\nb", "a\nb")).toEqual([]);
});

it("a line that became another is compared in itself, whole characters", () => {
  expect(told(differences("first\n退货7天内😀\nlast", "first\n退货15天内😀\nlast"))).toEqual([
    "退货|-7|+15|天内😀",
  ]);
  expect(told(differences("aa", "aaa"))).toEqual(["aa|+a"]);
});

it("lines that came and went are told as such", () => {
  expect(told(differences("a\nb\nc", "a\nc\nd"))).toEqual(["-b", "+d"]);
  expect(told(differences("a", "b\na\nc"))).toEqual(["+b", "+c"]);
  expect(told(differences("a\nb\nc", "x"))).toEqual(["-a", "-b", "-c", "+x"]);
});

it("what is too long to compare is told as a whole", () => {
  const long = (n: number) => Array.from({ length: n }, (_, i) => `line ${i}`).join("\n");
  expect(differences(long(400), `${long(399)}\nend`)).toHaveLength(1);
  expect(differences(long(401), "x").map((one) => one[0]!.kind)).toEqual(["old", "new"]);
});

it("of what stayed only the part beside the change is shown", () => {
  const long = "x".repeat(60);
  const [pieces] = differences(`${long}1${long}`, `${long}2${long}`);
  expect(nearby(pieces!, 0)).toBe(`…${"x".repeat(24)}`);
  expect(nearby(pieces!, 1)).toBe("1");
  expect(nearby(pieces!, 3)).toBe(`${"x".repeat(24)}…`);
});
