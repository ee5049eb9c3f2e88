// textdiff - what has changed between two texts, so that nobody compares two long ones by eye.
// SPDX-License-Identifier: MIT

export interface Piece {
  kind: "same" | "old" | "new";
  text: string;
}

const LINES_MAX = 400; // on each side; what is longer is told as a whole
const AROUND = 24; // characters of what stayed that are shown beside what changed

/** How many of two lists are the same at their beginning. */
function ahead<T>(a: readonly T[], b: readonly T[]): number {
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n++;
  return n;
}

/** The longest way from each pair of lines to the ends, for walking both side by side. */
function ways(a: string[], b: string[]): Uint16Array[] {
  const rows = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      rows[i]![j] =
        a[i] === b[j]
          ? rows[i + 1]![j + 1]! + 1
          : Math.max(rows[i + 1]![j]!, rows[i]![j + 1]!);
  return rows;
}

/** A line that became another: what both begin and end with has stayed. */
function within(old: string, now: string): Piece[] {
  const [a, b] = [[...old], [...now]];
  const head = ahead(a, b);
  const rest = Math.min(a.length, b.length) - head;
  const tail = Math.min(rest, ahead([...a].reverse(), [...b].reverse()));
  const middle = (list: string[]) => list.slice(head, list.length - tail).join("");
  const pieces: Piece[] = [
    { kind: "same", text: a.slice(0, head).join("") },
    { kind: "old", text: middle(a) },
    { kind: "new", text: middle(b) },
    { kind: "same", text: a.slice(a.length - tail).join("") },
  ];
  return pieces.filter((piece) => piece.text);
}

/** Lines between two that stayed: pairs of lines are compared in themselves. */
function changed(old: string[], now: string[]): Piece[][] {
  if (old.length === now.length) return old.map((line, i) => within(line, now[i]!));
  return [
    ...old.map((text): Piece[] => [{ kind: "old", text }]),
    ...now.map((text): Piece[] => [{ kind: "new", text }]),
  ];
}

/** The lines that are not the same, each with its pieces; none where the words are the same. */
export function differences(old: string, now: string): Piece[][] {
  const [a, b] = [old.split("\n"), now.split("\n")];
  if (Math.max(a.length, b.length) > LINES_MAX)
    return [[{ kind: "old", text: old }], [{ kind: "new", text: now }]];
  const rows = ways(a, b);
  const out: Piece[][] = [];
  let hunk = { old: [] as string[], now: [] as string[] };
  const end = () => {
    out.push(...changed(hunk.old, hunk.now));
    hunk = { old: [], now: [] };
  };
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      end();
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && rows[i + 1]![j]! >= rows[i]![j + 1]!)) {
      hunk.old.push(a[i++]!);
    } else {
      hunk.now.push(b[j++]!);
    }
  }
  end();
  return out.filter((pieces) => pieces.length);
}

/** What stayed, cut to its part beside what changed. */
export function nearby(pieces: Piece[], at: number): string {
  const text = [...pieces[at]!.text];
  if (pieces[at]!.kind !== "same" || text.length <= 2 * AROUND) return text.join("");
  const head = at > 0 ? text.slice(0, AROUND).join("") : "";
  const tail = at < pieces.length - 1 ? text.slice(-AROUND).join("") : "";
  return `${head}…${tail}`;
}
