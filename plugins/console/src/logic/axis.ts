// axis - how the names below bars are written so that each can be read: side by side where there
// is room, else slanted and cut, and where even that is too narrow on a chart that is wider than
// its tile and scrolls.
// SPDX-License-Identifier: MIT

export interface AxisFit {
  rotate: number; // degrees
  most: number; // pixels of text; what the font makes longer is cut
  width: number; // of the chart
}

const SIDES = 64; // beside the bars: the numbers of the other axis and the edges
const GAP = 8; // between two names side by side
const SLANT = 45;
const SLANTED = 20; // from one slanted line to the next
const MOST = 96; // of a slanted name, some 70 pixels high
const WIDE = 12; // of a Chinese character at the size of axes
const NARROW = 7;

const isWide = (character: string) => character.codePointAt(0)! > 0x2e7f;

export function textWidth(text: string): number {
  return [...text].reduce((sum, one) => sum + (isWide(one) ? WIDE : NARROW), 0);
}

export function axisFit(labels: string[], room: number): AxisFit {
  const longest = Math.max(0, ...labels.map(textWidth));
  const each = (room - SIDES) / Math.max(1, labels.length);
  if (longest + GAP <= each) return { rotate: 0, most: Math.floor(each), width: room };
  const width = Math.max(room, SIDES + SLANTED * labels.length);
  return { rotate: SLANT, most: MOST, width };
}
