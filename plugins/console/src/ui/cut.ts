// cut - words that have no room are told in full to who points at them.
// SPDX-License-Identifier: MIT

/** What is cut says all of itself under the pointer; what has a title of its own keeps it. */
export function tellCut(event: Event) {
  const box = (event.target as Element | null)?.closest<HTMLElement>(".ellipsis");
  if (!box || (box.title && !("cut" in box.dataset))) return;
  const isCut = box.scrollWidth > box.clientWidth;
  box.title = isCut ? box.textContent.trim() : "";
  box.dataset.cut = "";
}
