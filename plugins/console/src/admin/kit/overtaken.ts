// overtaken - what cannot be taken back is done to what the person has seen: where somebody else
// has changed it meanwhile that is said first, and asked again it is done to what is there by then.
// SPDX-License-Identifier: MIT
import { ApiError, del } from "@/api/http";

export function unlessOvertaken<V>(
  seen: V,
  send: (version: V) => Promise<unknown>,
  now: () => Promise<V>,
): () => Promise<unknown> {
  let version = seen;
  return async () => {
    try {
      return await send(version);
    } catch (cause) {
      if (cause instanceof ApiError && cause.status === 412) version = await now();
      throw cause;
    }
  };
}

/** Deletes what is known by a name or an id, as it was seen. */
export const removal = (path: string, name: string, seen: number, now: () => Promise<number>) =>
  unlessOvertaken(
    seen,
    (version) => del(path, { headers: { "If-Match": `"${name}-${version}"` } }),
    now,
  );
