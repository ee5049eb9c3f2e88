// agent - a browser and its system by their names, of what a browser says of itself.
// SPDX-License-Identifier: MIT
const BROWSERS: [RegExp, string][] = [
  [/MicroMessenger/, "微信"],
  [/Edg(?:e|A|iOS)?\//, "Edge"],
  [/OPR\/|Opera/, "Opera"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrom(?:e|ium)\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/HarmonyOS|OpenHarmony/, "HarmonyOS"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/Linux|X11/, "Linux"],
];

/** "Chrome · Windows"; of a program its own name, without its version. */
export function agentName(agent: string): string {
  const named = (all: [RegExp, string][]) => all.find(([mark]) => mark.test(agent))?.[1];
  const both = [named(BROWSERS), named(SYSTEMS)].filter(Boolean);
  return both.length ? both.join(" · ") : agent.split(/[/ ]/)[0];
}
