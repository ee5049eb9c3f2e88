// csv - the rows of a table in a file, and a table for a file.
// SPDX-License-Identifier: MIT

/** The first rows of it; quotes may hold commas, ends of lines and quotes that are doubled. */
export function csvRows(text: string, most = Infinity): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  const body = text.startsWith("\ufeff") ? text.slice(1) : text;
  const end = () => {
    row.push(cell);
    rows.push(row);
    row = [];
    cell = "";
  };
  for (let i = 0; i < body.length && rows.length < most; i++) {
    const at = body[i];
    if (quoted && at === '"' && body[i + 1] === '"') cell += body[++i];
    else if (at === '"') quoted = !quoted;
    else if (quoted) cell += at;
    else if (at === ",") {
      row.push(cell);
      cell = "";
    } else if (at === "\n") end();
    else if (at !== "\r") cell += at;
  }
  if ((cell || row.length) && rows.length < most) end();
  return rows;
}

/** Text as a file that the browser keeps. */
export function offer(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
