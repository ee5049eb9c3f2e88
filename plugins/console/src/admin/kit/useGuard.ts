// useGuard - saving a form that somebody else may have saved meanwhile: what only one of the two
// has changed is put together, and of what both have changed each member is chosen.
// SPDX-License-Identifier: MIT
//
// Where the server knows a version it refuses what is older (412). Where it knows none, what is
// there is looked at before it is written over.
import { shallowRef } from "vue";
import { ApiError } from "@/api/http";
import { type Members, members, same } from "@/logic/merge";
import { GivenUp } from "@/ui/useSave";
import { type Shown, textOf } from "./clash";

/** A number, or the tag of what has no room for one. */
type Version = number | string;

export interface Guarded<V extends Version = number> {
  before: Members; // as it was loaded
  mine: Members; // as it shall be
  version?: V;
  now: () => Promise<{ values: Members; version?: V }>;
  send: (values: Members, version?: V) => Promise<unknown>;
  labelOf: (name: string) => string;
  /** It is sent whole: what somebody else has added belongs to it. Else only `mine` is sent. */
  whole?: boolean;
  /** What of a value is sent: of a reference its id. */
  plain?: (value: unknown) => unknown;
}

export interface Asking {
  clashes: Shown[];
  answer: (keep: boolean[] | null) => void;
}

const TRIES = 3;

export function useGuard() {
  const asking = shallowRef<Asking | null>(null);

  const ask = (clashes: Shown[]) =>
    new Promise<boolean[] | null>((resolve) => {
      const answer = (keep: boolean[] | null) => {
        asking.value = null;
        resolve(keep);
      };
      asking.value = { clashes, answer };
    });

  async function merged<V extends Version>(
    work: Guarded<V>,
    before: Members,
    mine: Members,
    theirs: Members,
  ) {
    const names = work.whole
      ? [...new Set([before, mine, theirs].flatMap((values) => Object.keys(values)))]
      : Object.keys(mine);
    const plain = (values: Members) =>
      Object.fromEntries(names.map((name) => [name, (work.plain ?? ((one) => one))(values[name])]));
    const [was, wanted, is] = [before, mine, theirs].map(plain);
    const result = members(was, wanted, is);
    if (!result.clashes.length) return result.merged;
    const keep = await ask(
      result.clashes.map(({ member }) => ({
        label: work.labelOf(member),
        before: textOf(before[member]),
        mine: textOf(mine[member]),
        theirs: textOf(theirs[member]),
      })),
    );
    if (!keep) throw new GivenUp();
    result.clashes.forEach((clash, i) => {
      if (!keep[i]) result.merged[clash.member] = clash.theirs;
    });
    return result.merged;
  }

  async function guarded<V extends Version = number>(work: Guarded<V>): Promise<unknown> {
    let { before, mine, version } = work;
    for (let tries = 0; ; tries++) {
      if (version !== undefined || tries) {
        try {
          return await work.send(mine, version);
        } catch (error) {
          const overtaken = error instanceof ApiError && error.status === 412;
          if (!overtaken || tries >= TRIES) throw error;
        }
      }
      const now = await work.now();
      if (now.version !== undefined || !same(now.values, before)) {
        mine = await merged(work, before, mine, now.values);
      }
      before = now.values;
      version = now.version;
      if (version === undefined) return work.send(mine);
    }
  }

  return { asking, guarded };
}
