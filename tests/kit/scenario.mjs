// scenario - tables of requests with the answers they have to get.
// SPDX-License-Identifier: MIT
//
// A row: { name, method, path, as, tenant, body, headers, status, contains, lacks, fields, code,
// check }.
//   path, body, headers   a value, or a function of the world (for ids made by `setup`)
//   as                    login; null for nobody
//   contains, lacks       text or list of texts of the answer
//   fields                { field: code } of a 422: exactly these fields complain
//   check                 function (answer, world) for what a table cannot say
import assert from "node:assert/strict";
import { test } from "node:test";

const value = (given, world) => (typeof given === "function" ? given(world) : given);
const list = (given) => (given === undefined ? [] : [given].flat());

export async function play(world, row) {
  const tenant = world[row.tenant ?? "acme"];
  const as = row.as === undefined ? "admin" : row.as;
  const path = value(row.path, world);
  const answer = await tenant.as(as, row.method ?? "GET", path, {
    body: value(row.body, world),
    headers: value(row.headers, world),
  });
  const told = `${row.method ?? "GET"} ${path}: ${answer.status} ${answer.text.slice(0, 1500)}`;
  if (row.status !== undefined) {
    assert.ok(list(row.status).includes(answer.status), `wanted ${row.status}; ${told}`);
  }
  for (const text of list(row.contains)) {
    assert.ok(answer.text.includes(text), `"${text}" is missing; ${told}`);
  }
  for (const text of list(row.lacks)) {
    assert.ok(!answer.text.includes(text), `"${text}" should not be there; ${told}`);
  }
  if (row.code) assert.equal(answer.json?.error?.code, row.code, told);
  if (row.fields) {
    const got = Object.entries(answer.json?.error?.fields ?? {});
    const codes = Object.fromEntries(got.map(([name, complaints]) => [name, complaints[0].code]));
    assert.deepEqual(codes, row.fields, told);
  }
  if (answer.status >= 400 && row.method !== "HEAD") {
    const { error } = answer.json ?? {};
    assert.ok(error?.code && error?.message && error?.trace, `an error has its parts; ${told}`);
  }
  await row.check?.(answer, world);
  return answer;
}

export function scenarios(world, rows) {
  for (const row of rows) test(row.name, () => play(world, row));
}
