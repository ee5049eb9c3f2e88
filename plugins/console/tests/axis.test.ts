// axis - names below bars: each has its place, however many there are and however narrow the tile.
// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { axisFit, textWidth } from "@/logic/axis";

const PHONE = 340;
const DESKTOP = 620;

describe("axisFit", () => {
  it("writes short names side by side", () => {
    expect(axisFit(["网站", "推荐", "展会"], PHONE)).toEqual({ rotate: 0, most: 92, width: PHONE });
  });

  it("slants names that do not fit side by side, whole where they are short", () => {
    const names = ["网站咨询", "客户推荐", "展会活动", "电话营销", "合作伙伴", "广告投放"];
    expect(axisFit(names, DESKTOP).rotate).toBe(0);
    expect(axisFit(names, PHONE)).toEqual({ rotate: 45, most: 96, width: PHONE });
  });

  it("leaves names side by side all their room, whatever the font makes of them", () => {
    const { rotate, most } = axisFit(["张伟", "李娜"], PHONE);
    expect([rotate, most]).toEqual([0, 138]);
  });

  it("cuts what is long", () => {
    const { rotate, most } = axisFit(["北京".repeat(20), "上海", "广州", "深圳"], PHONE);
    expect([rotate, most]).toEqual([45, 96]);
  });

  it("gives each bar its room on a wider chart where there are too many", () => {
    const many = Array.from({ length: 60 }, (_, i) => `门店${i}`);
    const { width } = axisFit(many, PHONE);
    expect(width).toBeGreaterThan(PHONE);
    expect((width - 64) / many.length).toBeGreaterThanOrEqual(20);
  });

  it("has an answer for no bar", () => {
    expect(axisFit([], PHONE).width).toBe(PHONE);
  });

  it("takes Chinese for wider than Latin", () => {
    expect(textWidth("ab")).toBeLessThan(textWidth("网站"));
  });
});
