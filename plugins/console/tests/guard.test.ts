// guard - a form that somebody else has saved meanwhile.
// SPDX-License-Identifier: MIT
import { describe, expect, it, vi } from "vitest";
import { textOf } from "@/admin/kit/clash";
import { type Guarded, useGuard } from "@/admin/kit/useGuard";
import { GivenUp } from "@/ui/useSave";
import { ApiError } from "@/api/http";
import type { Members } from "@/logic/merge";
import { bodyOf, membersOf, roleOf } from "@/logic/role";

const overtaken = () => Object.assign(Object.create(ApiError.prototype) as object, { status: 412 });

/** A server that keeps a version (or none), and refuses what is older. */
function place(kept: Members, version?: number) {
  const server = { kept, version };
  const send = vi.fn(async (values: Members, sent?: number) => {
    if (server.version !== undefined && sent !== server.version) throw overtaken();
    server.kept = { ...server.kept, ...values };
  });
  const now = async () => ({ values: server.kept, version: server.version });
  return { server, send, now };
}

const asked = (one: ReturnType<typeof place>, before: Members, mine: Members, version?: number) => {
  const guard = useGuard();
  const work: Guarded = {
    before,
    mine,
    version,
    now: one.now,
    send: one.send,
    labelOf: (name) => name.toUpperCase(),
  };
  const done = guard.guarded(work);
  done.catch(() => undefined);
  return { ...guard, done };
};
const soon = () => new Promise((resolve) => setTimeout(resolve));

describe("saving", () => {
  it("is sent as it is where nobody was faster", async () => {
    const one = place({ a: 1 }, 3);
    await asked(one, { a: 1 }, { a: 2 }, 3).done;
    expect(one.send.mock.calls).toEqual([[{ a: 2 }, 3]]);
  });

  it("puts together what only one of the two has changed, without asking", async () => {
    const one = place({ a: 1, b: 9 }, 4);
    const { asking, done } = asked(one, { a: 1, b: 1 }, { a: 2, b: 1 }, 3);
    await done;
    expect(asking.value).toBe(null);
    expect(one.server.kept).toEqual({ a: 2, b: 9 });
  });

  for (const [keep, kept] of [
    [true, { a: "mine", b: 1 }],
    [false, { a: "theirs", b: 1 }],
  ] as const) {
    it(`asks about what both have changed; ${keep ? "mine" : "theirs"} stays`, async () => {
      const one = place({ a: "theirs", b: 1 }, 4);
      const { asking, done } = asked(one, { a: "was", b: 1 }, { a: "mine", b: 1 }, 3);
      await soon();
      expect(asking.value?.clashes).toEqual([
        { label: "A", before: "was", mine: "mine", theirs: "theirs" },
      ]);
      asking.value!.answer([keep]);
      await done;
      expect(one.server.kept).toEqual(kept);
    });
  }

  it("saves nothing where the person gives up", async () => {
    const one = place({ a: 3 }, 4);
    const { asking, done } = asked(one, { a: 1 }, { a: 2 }, 3);
    await soon();
    asking.value!.answer(null);
    await expect(done).rejects.toBeInstanceOf(GivenUp);
    expect(one.server.kept).toEqual({ a: 3 });
  });

  it("keeps what somebody else has added to what is sent whole", async () => {
    const one = place({ a: 1, b: 1, theirs: 3 }, 8);
    const send = vi.fn(async (values: Members, sent?: number) => {
      if (sent !== one.server.version) throw overtaken();
      one.server.kept = values;
    });
    const before = { a: 1, b: 1, c: 1 };
    const work = { before, mine: { a: 2, b: undefined }, version: 7, now: one.now, send };
    await useGuard().guarded({ ...work, whole: true, labelOf: String });
    expect(send).toHaveBeenCalledTimes(2);
    expect(JSON.parse(JSON.stringify(one.server.kept))).toEqual({ a: 2, theirs: 3 });
  });

  it("looks first where the server keeps no version", async () => {
    const same = place({ a: 1 });
    await asked(same, { a: 1 }, { a: 2 }).done;
    expect(same.server.kept).toEqual({ a: 2 });
    const other = place({ a: 1, b: 2 });
    await asked(other, { a: 1, b: 1 }, { a: 5, b: 1 }).done;
    expect(other.server.kept).toEqual({ a: 5, b: 2 });
  });

  it("sends references as ids and shows them by title", async () => {
    const one = place({ team: "t2" }, 2);
    const plain = (value: unknown) => (value as { id?: string } | null)?.id ?? value;
    const { guarded } = useGuard();
    await guarded({
      before: { team: { id: "t2", title: "East" } },
      mine: { team: { id: "t3", title: "West" } },
      version: 1,
      now: one.now,
      send: one.send,
      labelOf: String,
      plain,
    });
    expect(one.server.kept).toEqual({ team: "t3" });
    expect([textOf({ id: "t", title: "East" }), textOf(["a", "b"]), textOf(null)]).toEqual([
      "East",
      "a, b",
      "",
    ]);
  });
});

it("a role is its members and back", () => {
  const grants = { lead: { read: "own" } };
  const role = bodyOf({ name: "x", label: "X", admin: ["users"], grants });
  expect(Object.keys(membersOf(role))).toEqual(["label", "admin", "grants.lead"]);
  expect(roleOf(membersOf(role))).toEqual(role);
});
