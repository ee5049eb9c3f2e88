// tools - what the editor of formatted text can do: its buttons and its keys.
// SPDX-License-Identifier: MIT
import {
  baseKeymap,
  chainCommands,
  exitCode,
  lift,
  setBlockType,
  toggleMark,
  wrapIn,
} from "prosemirror-commands";
import { history, redo, undo } from "prosemirror-history";
import { keymap } from "prosemirror-keymap";
import type { MarkType, NodeType } from "prosemirror-model";
import { liftListItem, sinkListItem, splitListItem, wrapInList } from "prosemirror-schema-list";
import type { Command, EditorState, Plugin } from "prosemirror-state";
import { schema } from "./schema";

const { nodes, marks } = schema;

export interface Tool {
  id: string; // its word is `rich.<id>`
  draw: string; // a path of 24 by 24
  run: Command;
  isOn?: (state: EditorState) => boolean;
}

const hasMark = (type: MarkType) => (state: EditorState) => {
  const { from, $from, to, empty } = state.selection;
  if (empty) return Boolean(type.isInSet(state.storedMarks ?? $from.marks()));
  return state.doc.rangeHasMark(from, to, type);
};
const isInside = (type: NodeType) => (state: EditorState) => {
  const { $from } = state.selection;
  for (let depth = $from.depth; depth > 0; depth--)
    if ($from.node(depth).type === type) return true;
  return false;
};
const isHeading = (level: number) => (state: EditorState) => {
  const { parent } = state.selection.$from;
  return parent.type === nodes.heading && parent.attrs.level === level;
};

const mark = (id: string, type: MarkType, draw: string): Tool => ({
  id,
  draw,
  run: toggleMark(type),
  isOn: hasMark(type),
});

/** On, or off where it is on. */
const either = (isOn: (state: EditorState) => boolean, on: Command, off: Command): Command => (
  state,
  dispatch,
) => (isOn(state) ? off : on)(state, dispatch);

const heading = (level: number, draw: string): Tool => ({
  id: `h${level}`,
  draw,
  isOn: isHeading(level),
  run: either(
    isHeading(level),
    setBlockType(nodes.heading, { level }),
    setBlockType(nodes.paragraph),
  ),
});
const list = (id: string, type: NodeType, draw: string): Tool => ({
  id,
  draw,
  isOn: isInside(type),
  run: either(isInside(type), wrapInList(type), liftListItem(nodes.list_item)),
});

/** What is marked, or the block at hand, as plain words. */
const clear: Command = (state, dispatch) => {
  const { from, to } = state.selection;
  if (dispatch) {
    const change = state.tr.removeMark(from, to);
    change.setBlockType(from, to, nodes.paragraph);
    dispatch(change.setStoredMarks([]));
  }
  return true;
};

export const LINK = "link"; // is asked for its address
export const TOOLS: Tool[][] = [
  [
    mark("bold", marks.strong, "M7 5h6a3.5 3.5 0 0 1 0 7H7zM7 12h7a3.5 3.5 0 0 1 0 7H7z"),
    mark("italic", marks.em, "M10 5h8M6 19h8M14 5l-4 14"),
    mark("underline", marks.underline, "M7 4v7a5 5 0 0 0 10 0V4M5 20h14"),
    mark(
      "strike",
      marks.strike,
      "M17 7c-1-2-3-2.5-5-2.5-3 0-5 1.5-5 3.5 0 5 10 2.5 10 7.5 0 2-2 4-5 4-2.5 0-4.5-1-5.5-3" +
        "M4 12h16",
    ),
  ],
  [
    heading(2, "M5 5v14M14 5v14M5 12h9M18 11l3-1v9"),
    heading(3, "M4 6v12M12 6v12M4 12h8M16 10c1-1.5 5-1 4.5 1.5-.3 1.5-3 3-4.5 6h5"),
    list(
      "bullets",
      nodes.bullet_list,
      "M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01",
    ),
    list(
      "numbers",
      nodes.ordered_list,
      "M10 6h10M10 12h10M10 18h10M4 5l1.5-1v5M4 14c1-1.5 3-1 2.5.5L4 18h3",
    ),
    {
      id: "quote",
      draw: "M6 17c3-2 4-5 4-10H4v6h4M16 17c3-2 4-5 4-10h-6v6h4",
      isOn: isInside(nodes.blockquote),
      run: either(isInside(nodes.blockquote), wrapIn(nodes.blockquote), lift),
    },
    {
      id: "code",
      draw: "M8 8l-4 4 4 4M16 8l4 4-4 4M13.5 6l-3 12",
      isOn: (state) => state.selection.$from.parent.type === nodes.code_block,
      run: either(
        (state) => state.selection.$from.parent.type === nodes.code_block,
        setBlockType(nodes.code_block),
        setBlockType(nodes.paragraph),
      ),
    },
    {
      id: LINK,
      draw:
        "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1" +
        "M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
      isOn: hasMark(marks.link),
      run: toggleMark(marks.link),
    },
  ],
  [
    { id: "clear", draw: "M6 5h13M12 5l-2 9M4 19h8M15 15l5 5M20 15l-5 5", run: clear },
    { id: "undo", draw: "M9 14L4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3", run: undo },
    { id: "redo", draw: "M15 14l5-5-5-5M20 9H10a6 6 0 0 0 0 12h3", run: redo },
  ],
];

const newLine = chainCommands(exitCode, (state, dispatch) => {
  dispatch?.(state.tr.replaceSelectionWith(nodes.line_break.create()).scrollIntoView());
  return true;
});

/** Tab leaves the editor, as it leaves every field: lists are moved in and out by Ctrl-] and -[. */
export const plugins = (): Plugin[] => [
  history(),
  keymap({
    "Mod-b": toggleMark(marks.strong),
    "Mod-i": toggleMark(marks.em),
    "Mod-u": toggleMark(marks.underline),
    "Mod-z": undo,
    "Mod-y": redo,
    "Shift-Mod-z": redo,
    "Shift-Enter": newLine,
    "Enter": splitListItem(nodes.list_item),
    "Mod-]": sinkListItem(nodes.list_item),
    "Mod-[": liftListItem(nodes.list_item),
  }),
  keymap(baseKeymap),
];
