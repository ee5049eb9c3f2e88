// sheets - what lies above the page: the Back key takes the top one away, not the page.
// SPDX-License-Identifier: MIT
//
// The router never hears of such a step: no guard asks about a form that stays. Where ours is the
// first page of the tab there would be nothing to step back to but other sites, so a step is made.
import { nextTick } from "vue";

interface Sheet {
  at: number; // the page that it lies on
  close: () => void;
}

const stack: Sheet[] = [];
let shown = 0; // the page of the router, as it counts them
let isReturning = false;

const positionOf = (state: unknown) =>
  Number((state as { position?: number } | null)?.position ?? shown);

function addStep(): void {
  const state = history.state as Record<string, unknown> | null;
  if (!state?.sheet) history.pushState({ ...state, position: shown, sheet: true }, "");
}

/** Something opens above the page; the answer takes it off again. */
export function lay(close: () => void): () => void {
  const state = history.state as Record<string, unknown> | null;
  const sheet = { at: positionOf(state), close };
  stack.push(sheet);
  // While the router asks whether a page may be left, its steps are not ours to add to.
  if (!state?.back && sheet.at === shown) addStep();
  return () => {
    const at = stack.indexOf(sheet);
    if (at >= 0) stack.splice(at, 1);
  };
}

function stepped(event: PopStateEvent): void {
  if (isReturning) {
    isReturning = false;
    event.stopImmediatePropagation();
    return;
  }
  const at = positionOf(event.state);
  const top = stack.at(-1);
  if (!top || at > top.at) return;
  event.stopImmediatePropagation();
  top.close();
  if (at < top.at) {
    isReturning = true;
    history.go(top.at - at);
  } else {
    void nextTick(() => stack.length && addStep()); // one lies below, or it will not close
  }
}

/** Before the router is made, so that it is asked after this. */
export function watchSteps(): void {
  window.addEventListener("popstate", stepped);
}

/** The router shows another page. */
export function pageShown(): void {
  shown = positionOf(history.state);
}
