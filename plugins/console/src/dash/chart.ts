// chart - ECharts, drawn as SVG in the colours of the theme. Loaded only where there are charts.
// SPDX-License-Identifier: MIT
import { BarChart, FunnelChart, LineChart, PieChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { type ECharts, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { type AxisFit, axisFit } from "@/logic/axis";
import { grouped } from "@/logic/format";
import type { ReportRow } from "@/logic/report";
import { type Grid, NONE, rowAt } from "@/logic/series";

const CHARTS = [BarChart, FunnelChart, LineChart, PieChart];
use([...CHARTS, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

const color = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const PALETTE = ["--primary", "--ok", "--warn", "--tone-purple", "--danger", "--tone-grey"];
const LEGEND_PX = 28;

const PART = " · "; // between the groups of a row's name

/** What all rows begin with, such as the only pipeline, says nothing beside a stage. */
function shared(rows: ReportRow[]): number {
  const first = rows[0]?.label.split(PART)[0] ?? "";
  const start = first + PART;
  return rows.every((row) => row.label.startsWith(start)) ? start.length : 0;
}

function series(kind: string, rows: ReportRow[]) {
  const data = rows.map((row) => ({ name: row.label, value: row.value }));
  const label = { color: color("--text") };
  if (kind === "pie") return { type: "pie" as const, radius: ["45%", "72%"], data, label };
  if (kind === "funnel") {
    const from = shared(rows);
    const told = (one: { name: string; value?: unknown }) =>
      `${one.name.slice(from)}  ${grouped(String(one.value ?? ""))}`;
    const text = { ...label, position: "right" as const, formatter: told as never };
    return {
      type: "funnel" as const,
      sort: "none" as const, // in the order of the stages
      left: 12,
      width: "58%",
      top: 8,
      bottom: 8,
      data,
      label: text,
    };
  }
  const item = { itemStyle: { color: color("--primary") }, data: rows.map((row) => row.value) };
  if (kind === "line")
    return { type: "line" as const, smooth: true, areaStyle: { opacity: 0.12 }, ...item };
  return { type: "bar" as const, barMaxWidth: 36, ...item };
}

/** One for each value of the second group; what is absent is a gap, and no nought. */
function manySeries(kind: string, rows: ReportRow[], grid: Grid) {
  return grid.series.map(({ name, cells }) => {
    const data = cells.map((row) => (row === NONE ? null : rows[row].value));
    if (kind === "line") return { type: "line" as const, name, data, smooth: true };
    const stack = grid.stacked ? { stack: "all" } : {};
    return { type: "bar" as const, name, data, barMaxWidth: 36, ...stack };
  });
}

/** Every bar has its name; what is cut stands whole in the tooltip. */
const everyName = ({ rotate, most }: AxisFit) => ({
  interval: 0,
  rotate,
  width: most,
  overflow: "truncate" as const,
});

/** The tooltip is drawn, not written as HTML: the CSP forbids style attributes. */
export function draw(box: HTMLElement, kind: string, rows: ReportRow[], many?: Grid): ECharts {
  const isBar = kind !== "pie" && kind !== "funnel" && kind !== "line";
  const names = many?.axis ?? rows.map((row) => row.label);
  const fit = isBar ? axisFit(names, box.clientWidth) : undefined;
  const chart = init(box, null, { renderer: "svg", width: fit?.width });
  const line = { lineStyle: { color: color("--line") } };
  const text = { color: color("--text-2") };
  const isAxis = kind !== "pie" && kind !== "funnel";
  const axes = {
    grid: { left: 8, right: 12, top: 16 + (many ? LEGEND_PX : 0), bottom: 8, containLabel: true },
    xAxis: {
      type: "category" as const,
      data: names,
      axisLabel: fit ? { ...text, ...everyName(fit) } : text,
      axisLine: line,
    },
    yAxis: {
      type: "value" as const,
      minInterval: rows.every(({ value }) => Number.isInteger(value)) ? 1 : 0, // no half a lead
      axisLabel: text,
      splitLine: line,
    },
  };
  chart.setOption({
    color: PALETTE.map(color),
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    tooltip: { renderMode: "richText", trigger: isAxis ? "axis" : "item", confine: true },
    ...(isAxis ? axes : {}),
    ...(many ? { legend: { type: "plain", top: 0, left: 8, textStyle: text } } : {}),
    series: many ? manySeries(kind, rows, many) : [series(kind, rows)],
  });
  return chart;
}

/** Which row somebody has pressed: a bar, a slice, or on axes whatever is nearest to the finger. */
export function onPick(
  chart: ECharts,
  isAxis: boolean,
  pick: (row: number) => void,
  within?: { rows: ReportRow[]; grid: Grid },
): void {
  if (!isAxis) {
    chart.on("click", (event) => event.dataIndex !== undefined && pick(event.dataIndex));
    return;
  }
  chart.getZr().on("click", ({ offsetX, offsetY }) => {
    const at = [offsetX, offsetY];
    if (!chart.containPixel("grid", at)) return;
    const [x, y] = chart.convertFromPixel("grid", at) as unknown as number[];
    pick(within ? rowAt(within.grid, within.rows, Math.round(x), y) : Math.round(x));
  });
}

const TITLE_PX = 40;
const SCALE = 2; // as sharp as screens are

/** What is drawn as a picture, with its name above. */
export async function picture(chart: ECharts, title: string): Promise<Blob> {
  const [width, height] = [chart.getWidth(), chart.getHeight()];
  const image = new Image();
  image.src = chart.getDataURL({ type: "svg" });
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width * SCALE;
  canvas.height = (height + TITLE_PX) * SCALE;
  const pen = canvas.getContext("2d")!;
  pen.scale(SCALE, SCALE);
  pen.fillStyle = color("--surface");
  pen.fillRect(0, 0, width, height + TITLE_PX);
  pen.fillStyle = color("--text");
  pen.font = `600 15px ${color("--font")}`;
  pen.fillText(title, 14, 26);
  pen.drawImage(image, 0, TITLE_PX, width, height);
  return new Promise((done, fail) =>
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("PNG"))), "image/png"),
  );
}
