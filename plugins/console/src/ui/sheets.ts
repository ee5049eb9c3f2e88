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
const SETTLES_MS = 60; // steps that were asked for quickly come one after the other
let shown = 0; // the page of the router, as it counts them
let returning: number | null = null; // the page that a step back is taken to again
let timer = 0;
let wasStep = false; // the last place in the history was one of ours

interface Place {
  position?: number;
  sheet?: boolean;
  back?: string | null;
}
const placeNow = () => history.state as Place | null;
const positionOf = (state: Place | null) => Number(state?.position ?? shown);

function addStep(): void {
  const state = placeNow();
  if (!state?.sheet) history.pushState({ ...state, position: shown, sheet: true }, "");
  wasStep = true;
}

/** Something opens above the page; the answer takes it off again. */
export function lay(close: () => void): () => void {
  const state = placeNow();
  const sheet = { at: positionOf(state), close };
  stack.push(sheet);
  // While the router asks whether a page may be left, its steps are not ours to add to.
  if (!state?.back && sheet.at === shown) addStep();
  return () => {
    const at = stack.indexOf(sheet);
    if (at >= 0) stack.splice(at, 1);
  };
}

/** Until the address is the page's again, however often somebody steps back meanwhile. */
function settle(): void {
  clearTimeout(timer);
  timer = window.setTimeout(() => {
    const to = returning;
    if (to === null) return;
    const at = positionOf(placeNow());
    if (at === to) returning = null;
    else history.go(to - at);
  }, SETTLES_MS);
}

function stepped(event: PopStateEvent): void {
  const state = event.state as Place | null;
  const isBehind = wasStep && !state?.sheet;
  wasStep = Boolean(state?.sheet);
  const at = positionOf(state);
  if (returning !== null) {
    event.stopImmediatePropagation();
    settle();
    return;
  }
  const top = stack.at(-1);
  if (!top) {
    // What lay on our step was closed by its own button: who steps back means the page.
    if (isBehind && at === shown) {
      event.stopImmediatePropagation();
      history.back();
    }
    return;
  }
  if (at > top.at) return;
  event.stopImmediatePropagation();
  top.close();
  if (at < top.at) {
    returning = top.at;
    history.go(top.at - at);
    settle();
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
  shown = positionOf(placeNow());
  wasStep = Boolean(placeNow()?.sheet);
  returning = null;
}
