// pipeline - a seller of hardware brings in 8,800 opportunities and asks for the figures.
// SPDX-License-Identifier: MIT
//
// The same figures are computed from the files by the code below, which shares nothing with the
// server: funnel, win rate by agent and by product, sales by month, forecast.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DATASETS, must, ROOT } from "../kit/server.mjs";
import { world } from "../kit/world.mjs";

const RECORDS = "/api/v1/records";
const SOURCE = join(DATASETS, "maven_sales_pipeline.csv");
const ROWS = Number(process.env.PERIGEE_PIPELINE_ROWS ?? 8800);
const w = world({
  setup: async ({ server }) => {
    for (const name of ["quotes", "opportunities"])
      must(server.data, ["plugin", "enable", "acme", name]);
  },
});

const STAGES = [
  ["Prospecting", 10, "open", 15],
  ["Engaging", 20, "open", 45],
  ["Won", 90, "won", 100],
  ["Lost", 91, "lost", 0],
];
const PROBABILITY = Object.fromEntries(STAGES.map(([name, , , percent]) => [name, percent]));

/** A CSV file without quotes as objects. */
function rowsOf(name) {
  const [heading, ...lines] = readFileSync(join(DATASETS, name), "utf8").trim().split(/\r?\n/);
  const names = heading.split(",");
  return lines.map((line) =>
    Object.fromEntries(line.split(",").map((cell, at) => [names[at], cell])),
  );
}

/** Sums in cents, by key. */
function tally(rows, key, value = () => 0) {
  const groups = {};
  for (const row of rows) {
    const group = (groups[key(row)] ??= { count: 0, sum: 0 });
    group.count++;
    group.sum += value(row);
  }
  return groups;
}

const cents = (value) => Math.round(Number(value?.amount ?? value ?? 0) * 100);

/** What a report of the plugin answers, by the texts of its groups. */
async function report(name) {
  const file = join(ROOT, "plugins/opportunities/reports/opportunities.json");
  const { query, entity } = JSON.parse(readFileSync(file, "utf8")).find((one) => one.name === name);
  const answer = await w.acme.ok("admin", "POST", `${RECORDS}/${entity}/query`, query);
  return answer;
}

test("the figures of a pipeline", { skip: !existsSync(SOURCE) && "no data set" }, async (t) => {
  const { acme, server } = w;
  const prices = Object.fromEntries(
    rowsOf("maven_products.csv").map((row) => [row.product, cents(row.sales_price)]),
  );
  const deals = rowsOf("maven_sales_pipeline.csv").slice(0, ROWS);
  const titles = {}; // of users, products and stages, by id

  await t.test("accounts, products, agents and opportunities come in", async () => {
    const pipeline = { name: "Hardware", is_default: true };
    const { id } = await acme.create("admin", "pipeline", pipeline);
    for (const [name, order, kind, probability] of STAGES) {
      await acme.create("admin", "stage", { name, order, kind, probability, pipeline: id });
    }
    const path = join(server.data, "pipeline.csv");
    const lines = readFileSync(SOURCE, "utf8").split(/\r?\n/);
    writeFileSync(path, lines.slice(0, deals.length + 1).join("\n"));
    for (const [entity, file, name] of [
      ["account", join(DATASETS, "maven_accounts.csv"), "maven_accounts"],
      ["product", join(DATASETS, "maven_products.csv"), "maven_products"],
      ["user", join(DATASETS, "maven_sales_teams.csv"), "maven_sales_teams"],
      ["opportunity", path, "maven_sales_pipeline"],
    ]) {
      const map = join(ROOT, `tests/fixtures/import/${name}.json`);
      const said = must(server.data, ["import", "acme", entity, file, "--map", map], {
        cwd: server.data,
      });
      assert.match(said, /failed 0\b/, `${name}: ${said}`);
    }
    for (const entity of ["user", "product", "stage"]) {
      const { items } = await acme.ok("admin", "GET", `${RECORDS}/${entity}?limit=200`);
      for (const item of items) titles[item.id] = item.name;
    }
  });

  const product = (row) => (row.product === "GTXPro" ? "GTX Pro" : row.product);
  const isOpen = (row) => row.deal_stage in { Prospecting: 1, Engaging: 1 };
  const amount = (row) => (row.close_value ? cents(row.close_value) : prices[product(row)]);
  const weighted = (row) => {
    const exact = amount(row) * PROBABILITY[row.deal_stage];
    const [whole, rest] = [Math.floor(exact / 100), exact % 100];
    return rest > 50 || (rest === 50 && whole % 2 === 1) ? whole + 1 : whole;
  };
  // What a report says of some groups, as tally does.
  const told = (answer, key, measure) => {
    const groups = {};
    for (const group of answer.groups) {
      groups[key(group)] = { count: group.count, sum: measure ? cents(group[measure]) : 0 };
    }
    return groups;
  };

  await t.test("the funnel", async () => {
    const answer = await report("funnel");
    const stage = (group) => titles[group.stage];
    const wanted = tally(deals, (row) => row.deal_stage, amount);
    assert.deepEqual(told(answer, stage, "sum.amount"), wanted);
    const sums = tally(deals, (row) => row.deal_stage, weighted);
    assert.deepEqual(told(answer, stage, "sum.weighted"), sums);
  });

  await t.test("the win rate of every agent and of every product", async () => {
    const closed = deals.filter((row) => !isOpen(row));
    const kind = (row) => row.deal_stage.toLowerCase();
    assert.deepEqual(
      told(await report("win_by_owner"), (g) => `${titles[g.owner]} ${g.kind}`, "sum.amount"),
      tally(closed, (row) => `${row.sales_agent} ${kind(row)}`, amount),
    );
    assert.deepEqual(
      told(await report("win_by_product"), (g) => `${titles[g.product]} ${g.kind}`, "sum.amount"),
      tally(closed, (row) => `${product(row)} ${kind(row)}`, amount),
    );
  });

  await t.test("sales by month", async () => {
    const month = ({ close_date }) => {
      const [m, , y] = close_date.split("/");
      return `${y}-${m.padStart(2, "0")}`;
    };
    const won = deals.filter((row) => row.deal_stage === "Won");
    const key = (group) => Object.values(group).find((v) => /^\d{4}-\d\d/.test(v)).slice(0, 7);
    assert.deepEqual(
      told(await report("sales_by_month"), key, "sum.amount"),
      tally(won, month, amount),
    );
  });

  await t.test("the forecast", async () => {
    const category = (row) => (row.deal_stage === "Won" ? "closed" : "pipeline");
    const counted = deals.filter((row) => row.deal_stage !== "Lost");
    const answer = await report("forecast");
    assert.deepEqual(
      told(answer, (group) => group.forecast, "sum.weighted"),
      tally(counted, category, weighted),
    );
  });

  await t.test("the agents' ranking begins with the one who sold most", async () => {
    const won = deals.filter((row) => row.deal_stage === "Won");
    const wanted = Object.entries(tally(won, (row) => row.sales_agent, amount));
    wanted.sort((a, b) => b[1].sum - a[1].sum);
    const { groups } = await report("ranking");
    assert.equal(titles[groups[0].owner], wanted[0][0]);
    assert.equal(groups.length, wanted.length);
  });

  await t.test("the same file again changes nothing", async () => {
    const map = join(ROOT, "tests/fixtures/import/maven_sales_pipeline.json");
    const path = join(server.data, "pipeline.csv");
    const said = must(server.data, ["import", "acme", "opportunity", path, "--map", map], {
      cwd: server.data,
    });
    assert.match(said, /created 0\b/, said);
    const { count } = await acme.ok("admin", "GET", `${RECORDS}/opportunity?count=true&limit=1`);
    assert.equal(count, deals.length);
  });
});
