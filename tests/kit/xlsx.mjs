// xlsx - a small Excel workbook, made with the zip program; and the cells of one that came back.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { converted } from "./office.mjs";

export const TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const OPEN = "http://schemas.openxmlformats.org";
const MAIN = `xmlns="${OPEN}/spreadsheetml/2006/main"`;
const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
const FILES = {
  "xl/workbook.xml":
    `<workbook ${MAIN} xmlns:r="${OPEN}/officeDocument/2006/relationships">` +
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
  "xl/_rels/workbook.xml.rels":
    `<Relationships xmlns="${OPEN}/package/2006/relationships">` +
    `<Relationship Id="rId1" Type="${OPEN}/officeDocument/2006/relationships/worksheet"` +
    ' Target="worksheets/sheet1.xml"/></Relationships>',
  "xl/styles.xml":
    `<styleSheet ${MAIN}><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/>` +
    "</cellXfs></styleSheet>",
};

const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
const letters = (n) =>
  (n < 26 ? "" : letters(Math.floor(n / 26) - 1)) + String.fromCharCode(65 + (n % 26));

/** A number, a text, true, { style, value }; null leaves the cell out. */
function cell(value, at) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return `<c r="${at}"><v>${value}</v></c>`;
  if (typeof value === "boolean") return `<c r="${at}" t="b"><v>${value ? 1 : 0}</v></c>`;
  if (typeof value === "object") return `<c r="${at}" s="${value.style}"><v>${value.value}</v></c>`;
  return `<c r="${at}" t="inlineStr"><is><t xml:space="preserve">${escape(value)}</t></is></c>`;
}

export const day = (serial) => ({ style: 1, value: serial });
export const instant = (serial) => ({ style: 2, value: serial });

function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), "perigee-xlsx-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function program(name, args, options) {
  const done = spawnSync(name, args, { maxBuffer: 64 << 20, ...options });
  assert.equal(done.status, 0, `${name}: ${done.stderr}`);
  return done.stdout;
}

/** The bytes of a workbook with those rows; edit(name, text, bytes of all) may change a part. */
export const workbook = (rows, edit = (name, text) => text) =>
  inFolder((folder) => {
    for (const name of ["xl", "xl/_rels", "xl/worksheets"]) mkdirSync(join(folder, name));
    const lines = rows.map(
      (row, i) =>
        `<row r="${i + 1}">${row.map((one, k) => cell(one, letters(k) + (i + 1))).join("")}</row>`,
    );
    const sheet = `<worksheet ${MAIN}><sheetData>${lines.join("")}</sheetData></worksheet>`;
    const parts = Object.entries({ ...FILES, "xl/worksheets/sheet1.xml": sheet });
    const all = parts.reduce((sum, [, text]) => sum + Buffer.byteLength(HEAD + text), 0);
    for (const [name, text] of parts)
      writeFileSync(join(folder, name), edit(name, HEAD + text, all));
    program("zip", ["-q", "-X", "-r", "out.xlsx", "xl"], { cwd: folder });
    return readFileSync(join(folder, "out.xlsx"));
  });

/** What LibreOffice makes of it, as CSV. */
export const office = (bytes) =>
  inFolder((folder) => {
    const file = join(folder, "in.xlsx");
    writeFileSync(file, bytes);
    const made = converted(folder, file, "csv:Text - txt - csv (StarCalc):44,34,76");
    assert.ok(made, "LibreOffice opens it");
    return made.toString("utf8");
  });

/** The cells of the first sheet: { A1: { type, style, text } }. */
export const cellsOf = (bytes) =>
  inFolder((folder) => {
    const file = join(folder, "in.xlsx");
    writeFileSync(file, bytes);
    program("unzip", ["-tq", file]);
    const xml = program("unzip", ["-p", file, "xl/worksheets/sheet1.xml"]).toString("utf8");
    const cells = {};
    for (const [, attributes, inner] of xml.matchAll(/<c ([^>]*?)>(.*?)<\/c>/gs)) {
      const of = (name) => attributes.match(new RegExp(`${name}="([^"]*)"`))?.[1];
      cells[of("r")] = {
        type: of("t") ?? "n",
        formula: inner.includes("<f"),
        text: inner
          .replace(/<[^>]*>/g, "")
          .replace(/&lt;/g, "<")
          .replace(/&amp;/g, "&"),
      };
    }
    return cells;
  });
