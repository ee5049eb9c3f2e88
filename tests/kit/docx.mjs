// docx - a small Word document, made with the zip program; and the text of one that came back.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { converted, hasWriter } from "./office.mjs";

const OPEN = "http://schemas.openxmlformats.org";
const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
const WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
const PACKAGE = "application/vnd.openxmlformats-package.relationships+xml";
const TYPES = [
  HEAD,
  `<Types xmlns="${OPEN}/package/2006/content-types">`,
  `<Default Extension="rels" ContentType="${PACKAGE}"/>`,
  '<Default Extension="xml" ContentType="application/xml"/>',
  `<Override PartName="/word/document.xml" ContentType="${WORD}"/>`,
  "</Types>",
].join("");
const RELATIONS = [
  HEAD,
  `<Relationships xmlns="${OPEN}/package/2006/relationships">`,
  `<Relationship Id="rId1" Type="${OPEN}/officeDocument/2006/relationships/officeDocument"`,
  ' Target="word/document.xml"/></Relationships>',
].join("");

const element = (name, ...inner) => `<w:${name}>${inner.join("")}</w:${name}>`;
const run = (text) => element("r", `<w:t xml:space="preserve">${text}</w:t>`);
const WIDTH = '<w:tcPr><w:tcW w:w="3000" w:type="dxa"/></w:tcPr>';
const TABLE = '<w:tblPr><w:tblW w:w="0" w:type="auto"/></w:tblPr>';
const GRID = '<w:tblGrid><w:gridCol w:w="3000"/><w:gridCol w:w="3000"/></w:tblGrid>';
export const paragraph = (...texts) => element("p", ...texts.map(run));
export const row = (...texts) =>
  element("tr", ...texts.map((text) => element("tc", WIDTH, paragraph(text))));
export const table = (...rows) => element("tbl", TABLE, GRID, ...rows);

function program(name, args, options) {
  const done = spawnSync(name, args, options);
  assert.equal(done.status, 0, `${name}: ${done.stderr}`);
  return done.stdout;
}

/** The bytes of a document with that body. */
export function document(...body) {
  const folder = mkdtempSync(join(tmpdir(), "perigee-docx-"));
  try {
    for (const name of ["_rels", "word"]) mkdirSync(join(folder, name));
    writeFileSync(join(folder, "[Content_Types].xml"), TYPES);
    writeFileSync(join(folder, "_rels/.rels"), RELATIONS);
    const content = element("body", ...body, "<w:sectPr/>");
    const space = `xmlns:w="${OPEN}/wordprocessingml/2006/main"`;
    const word = `${HEAD}<w:document ${space}>${content}</w:document>`;
    writeFileSync(join(folder, "word/document.xml"), word);
    program("zip", ["-q", "-X", "-r", "out.docx", "[Content_Types].xml", "_rels", "word"], {
      cwd: folder,
    });
    return readFileSync(join(folder, "out.docx"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Its paragraphs as texts; with LibreOffice where it is installed, it has to open it too. */
export function textOf(bytes) {
  const folder = mkdtempSync(join(tmpdir(), "perigee-docx-"));
  try {
    const file = join(folder, "in.docx");
    writeFileSync(file, bytes);
    program("unzip", ["-tq", file]);
    const xml = program("unzip", ["-p", file, "word/document.xml"]).toString("utf8");
    if (hasWriter())
      assert.equal(converted(folder, file, "pdf")?.subarray(0, 5).toString(), "%PDF-");
    const pieces = /<w:t(?: [^>]*[^/])?>([^<]*)<\/w:t>/g;
    return [...xml.matchAll(/<w:p>.*?<\/w:p>/gs)].map(([p]) =>
      [...p.matchAll(pieces)].map(([, text]) => text).join(""),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
