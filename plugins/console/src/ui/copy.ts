// copy - a text onto the clipboard, or at least selected, to be copied by hand.
// SPDX-License-Identifier: MIT

/** False without a clipboard (plain HTTP): then what shows the text is selected. */
export async function copyText(text: string, shown?: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (shown instanceof HTMLInputElement) shown.select();
    else if (shown) getSelection()?.selectAllChildren(shown);
    return false;
  }
}
