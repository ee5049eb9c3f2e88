// clocks - how a service clock stands at an instant: its colour, and how long is left.
// SPDX-License-Identifier: MIT

export interface Clock {
  kind: string;
  state: string; // running, paused, met, missed, stopped
  started_at: string;
  due_at?: string | null;
  warn_at?: string | null;
  met_at?: string | null;
  breached?: boolean;
}

export interface ClockFace {
  tone: "blue" | "green" | "orange" | "red" | "grey";
  word: string; // of the texts: left, over, soon, paused, met, missed, stopped
  seconds?: number; // left, or over
  share?: number; // of the time that has passed, 0 to 1
}

const at = (text: string | null | undefined) => (text ? Date.parse(text) : NaN);

export function faceOf(clock: Clock, now: number): ClockFace {
  if (clock.state === "met") return { tone: "green", word: "met" };
  if (clock.state === "missed") return { tone: "red", word: "missed" };
  if (clock.state === "stopped") return { tone: "grey", word: "stopped" };
  if (clock.state === "paused") return { tone: "grey", word: "paused" };
  const due = at(clock.due_at);
  if (Number.isNaN(due)) return { tone: "grey", word: "paused" };
  const seconds = Math.floor(Math.abs(due - now) / 1000);
  if (now > due) return { tone: "red", word: "over", seconds, share: 1 };
  const start = at(clock.started_at);
  const share = due > start ? Math.min(1, Math.max(0, (now - start) / (due - start))) : 1;
  const warn = at(clock.warn_at);
  const isSoon = now >= warn;
  return { tone: isSoon ? "orange" : "blue", word: isSoon ? "soon" : "left", seconds, share };
}

/** "1 天 3 小时", "2 小时 05 分", below an hour "12:09": what changes is seen to change. */
export function countdown(seconds: number, lang: string): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const [d, h, m] = lang === "en" ? ["d", "h", "min"] : ["天", "小时", "分"];
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor((seconds % 86_400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (days) return `${days} ${d} ${hours} ${h}`;
  if (hours) return `${hours} ${h} ${two(minutes)} ${m}`;
  return `${two(minutes)}:${two(seconds % 60)}`;
}
