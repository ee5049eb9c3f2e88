// http - writes that nobody knows the end of: tried again, they carry the key they had.
// SPDX-License-Identifier: MIT
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { del, http, patch, post, put, request } from "@/api/http";

type Answer = "lost" | number;
let answers: Answer[] = [];
let keys: (string | null)[] = [];

beforeEach(() => {
  keys = [];
  vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
    keys.push(new Headers(init.headers).get("Idempotency-Key"));
    const next = answers.shift() ?? 200;
    if (next === "lost") throw new TypeError("network");
    const isEmpty = next === 204;
    return new Response(isEmpty ? null : JSON.stringify({ error: { code: "x", message: "no" } }), {
      status: next,
      headers: { "Content-Type": "application/json", "Retry-After": "0" },
    });
  });
  http.onSignedOut = () => Promise.resolve(false);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** The keys of a write that is tried once for every list of answers. */
async function tried(work: () => Promise<unknown>, ...each: Answer[][]) {
  for (const some of each) {
    answers = [...some];
    await work().catch(() => undefined);
  }
  return keys;
}

describe("a write whose end is not known", () => {
  for (const [what, first] of [
    ["no answer came", ["lost"]],
    ["the server failed", [500]],
    ["something in between failed", [502]],
    ["it was busy for long", [503, 503, 503, 503]],
  ] as [string, Answer[]][])
    it(`carries its key again where ${what}`, async () => {
      await tried(() => post("/x", { what }), first, [201]);
      expect(new Set(keys).size).toBe(1);
      await tried(() => post("/x", { what }), [201]); // done: the same once more is meant anew
      expect(new Set(keys).size).toBe(2);
    });

  it("is the same one only with the same body, path and version", async () => {
    await tried(() => post("/y", { n: 1 }), ["lost"]);
    await tried(() => post("/y", { n: 2 }), [201]);
    await tried(() => post("/z", { n: 1 }), [201]);
    await tried(() => post("/y", { n: 1 }, { headers: { "If-Match": "2" } }), [201]);
    expect(new Set(keys).size).toBe(4);
  });

  it("is done with where it was refused", async () => {
    await tried(() => patch("/r", { n: 1 }), ["lost"], [422], [200]);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[1]);
  });

  it("keeps its key while nobody is let in", async () => {
    await tried(() => post("/s", {}), ["lost"], [401], [201]);
    expect(new Set(keys).size).toBe(1);
  });

  it("is meant anew when it is long ago", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    await tried(() => post("/t", {}), ["lost"]);
    vi.setSystemTime(Date.now() + 600_001);
    await tried(() => post("/t", {}), [201]);
    expect(new Set(keys).size).toBe(2);
  });

  it("has the key of its caller, where that has one", async () => {
    const own = { headers: { "Idempotency-Key": "mine" } };
    await tried(() => post("/u", {}, own), ["lost"], [201]);
    expect(keys).toEqual(["mine", "mine"]);
  });
});

it("what is secret, asked or put in its place carries none; what must be new does", async () => {
  await tried(() => post("/a", {}, { secret: true }), [201]);
  await tried(() => post("/b", {}, { reads: true }), [200]);
  await tried(() => put("/c", {}), [200]);
  await tried(() => request("GET", "/d"), [200]);
  expect(keys).toEqual([null, null, null, null]);
  await tried(() => put("/e", {}, { headers: { "If-None-Match": "*" } }), [201]);
  expect(keys.at(-1)).toBeTruthy();
});

describe("deleting", () => {
  it("is done where only the answer was lost", async () => {
    answers = ["lost"];
    await expect(del("/g/1")).rejects.toMatchObject({ code: "offline" });
    answers = [404];
    await expect(del("/g/1")).resolves.toBe(null);
  });

  it("tells of what was never there", async () => {
    answers = [404];
    await expect(del("/g/2")).rejects.toMatchObject({ status: 404 });
  });
});
