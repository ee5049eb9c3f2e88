// wal - people write and read for a while; the write-ahead log stays short all the time.
// SPDX-License-Identifier: MIT
//
// FAULTS_SECONDS asks for more time. Without readers the log would be begun anew by itself; these
// overlap, and exports go through the whole list besides.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { makeFolder } from "../kit/world.mjs";

const SECONDS = Number(process.env.FAULTS_SECONDS || 8);
const WAL_BYTES_MAX = 128 << 20;
const data = makeFolder();
const office = new faults.Office(data);

before(() => office.open({ people: 6 }));
after(async () => {
  try {
    await office.close({ deaths: false });
  } finally {
    office.server.remove();
  }
});

/** Lists, reports and exports, one after the other, until it is over. */
async function read(over, tally) {
  const client = new Client(office.place);
  const { token } = office;
  const body = { group: ["status", "title"], measure: ["count"] };
  const queries = ["/api/v1/records/lead?limit=200&sort=name", "/api/v1/search?q=z"];
  for (let n = 0; !over(); n += 1) {
    const answers = [
      await client.request("GET", queries[n % queries.length], { token }),
      await client.request("POST", "/api/v1/records/lead/query", { token, body }),
    ];
    if (n % 10 === 0) {
      const query = { entity: "lead", format: "csv" };
      answers.push(await client.request("POST", "/api/v1/exports", { token, body: query }));
    }
    for (const { status, text } of answers) {
      assert.ok(status < 300 || status === 503, `${status} ${text}`);
      tally.reads += 1;
    }
  }
  client.close();
}

test(`${SECONDS} s of writes beside reads: the log stays below 128 MiB`, async (t) => {
  const until = Date.now() + SECONDS * 1000;
  const over = () => Date.now() > until;
  const tally = { reads: 0, most: 0, bytes: 0 };
  const watch = async () => {
    for (let last = 0; !over(); await faults.sleep(20)) {
      const { size } = statSync(join(data, "tenants/acme/tenant.db-wal"));
      tally.most = Math.max(tally.most, size);
      tally.bytes += size > last ? size - last : 0;
      last = size;
    }
  };
  for (const person of office.people) person.filler = "x".repeat(20_000);
  const readers = [1, 2, 3].map(() => read(over, tally));
  const sum = await Promise.all([office.work(over), watch(), ...readers]).then(([one]) => one);
  t.diagnostic(`${sum.ok} writes, ${tally.reads} reads, longest ${tally.most >> 10} KiB`);
  assert.ok(sum.ok > 0 && tally.reads > 0, "nobody did anything");
  assert.ok(tally.most < WAL_BYTES_MAX, `the log grew to ${tally.most} bytes`);
  await office.judge();
});
