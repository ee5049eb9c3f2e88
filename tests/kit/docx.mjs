// docx - a small Word document, made with the zip program; and the text of one that came back.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const OPEN = "http://schemas.openxmlformats.org";
const TYPES = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="${OPEN}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`;
const RELATIONS = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="${OPEN}/package/2006/relationships"><Relationship Id="rId1" Type="${OPEN}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`;

const run = (text) => `<w:r><w:t xml:space="preserve">${text}</w:t></w:r>`;
export const paragraph = (...texts) => `<w:p>${texts.map(run).join("")}</w:p>`;
const cell = (text) => `<w:tc><w:tcPr><w:tcW w:w="3000" w:type="dxa"/></w:tcPr>${paragraph(text)}</w:tc>`;
export const row = (...texts) => `<w:tr>${texts.map(cell).join("")}</w:tr>`;
export const table = (...rows) =>
  `<w:tbl><w:tblPr><w:tblW w:w="0" w:type="auto"/></w:tblPr><w:tblGrid><w:gridCol w:w="3000"/></w:tblGrid>${rows.join("")}</w:tbl>`;

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
    writeFileSync(
      join(folder, "word/document.xml"),
      `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:document xmlns:w="${OPEN}/wordprocessingml/2006/main"><w:body>${body.join("")}<w:sectPr/></w:body></w:document>`,
    );
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
    if (spawnSync("soffice", ["--version"]).status === 0) {
      const to = ["--headless", "--convert-to", "pdf", "--outdir", folder, file];
      program("soffice", to, { env: { ...process.env, HOME: folder } });
      assert.ok(readFileSync(join(folder, "in.pdf")).subarray(0, 5).toString() === "%PDF-");
    }
    const pieces = /<w:t(?: [^>]*[^/])?>([^<]*)<\/w:t>/g;
    return [...xml.matchAll(/<w:p>.*?<\/w:p>/gs)].map(([p]) =>
      [...p.matchAll(pieces)].map(([, text]) => text).join(""),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
