import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { init, type EChartsOption } from 'echarts';
import { policyNames, scorePolicy } from './scoring';
import { OURS, type Results } from './results';
import { gapPct, type S1Result } from './s1';
import { s4Causal, s4Baseline, type S4Result, type S4Threshold } from './s4';
import type { S5Result } from './s5';

const HOUR_S = 3600;
const WIDTH_PX = 900;
const HEIGHT_PX = 520;
/** A line is drawn from at most so many points. */
const POINTS = 400;

/** Write a chart per question as SVG files into a folder, which is made where it is missing. */
export function writePlots({ s1, s4, s5 }: Results, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const charts: readonly (readonly [string, EChartsOption])[] = [
    ...(s1 === null ? [] : [['s1-gap-by-setting.svg', gapChart(s1)] as const]),
    ...(s4 === null ? [] : [['s4-regret-by-policy.svg', regretChart(s4)] as const]),
    ...(s4?.thresholds ?? []).map(
      (one) =>
        [`s4-cost-over-time-thr${one.threshold}-tick${one.tickS}.svg`, costChart(one)] as const,
    ),
    ...(s5 === null ? [] : [['s5-cost-and-availability.svg', servingChart(s5)] as const]),
  ];
  for (const [name, option] of charts) writeFileSync(join(folder, name), svgOf(option));
}

function svgOf(option: EChartsOption): string {
  const chart = init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: WIDTH_PX,
    height: HEIGHT_PX,
  });
  chart.setOption({ animation: false, backgroundColor: '#ffffff', ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function titled(text: string, subtext: string): EChartsOption {
  return {
    title: { text, subtext, left: 'center' },
    grid: { top: 120, left: 70, right: 70, bottom: 60 },
    legend: { top: 70, itemGap: 24 },
  };
}

function gapChart({ settings }: S1Result): EChartsOption {
  const policies = policyNames(settings[0]?.jobs ?? []).filter(
    (policy) => policy !== 'od' && policy !== 'spot_only',
  );
  return {
    ...titled(
      'S1: gap to the optimum',
      'mean cost above the optimum, percent of the on-demand bill',
    ),
    xAxis: {
      type: 'category',
      data: settings.map(
        ({ changeoverH, deadlineH }) => `changeover ${changeoverH} h, deadline ${deadlineH} h`,
      ),
    },
    yAxis: { type: 'value', name: '%' },
    series: policies.map((policy) => ({
      type: 'bar',
      name: policy,
      data: settings.map((setting) => round(gapPct(setting, policy))),
    })),
  };
}

function regretChart({ thresholds }: S4Result): EChartsOption {
  const policies = [
    ...s4Causal.filter((policy) => !policy.startsWith('cheapest')),
    'ucm_oracle',
    OURS,
  ];
  return {
    ...titled(
      'S4: regret by policy and threshold',
      'cost above the clairvoyant optimum; which zone stands for which offer is synthetic',
    ),
    xAxis: {
      type: 'category',
      data: thresholds.map(({ threshold, tickS }) => `threshold ${threshold}, tick ${tickS} s`),
    },
    yAxis: { type: 'value', name: '%' },
    series: policies.map((policy) => ({
      type: 'bar',
      name: policy,
      data: thresholds.map(({ jobs }) => round(scorePolicy(jobs, policy, s4Baseline).regretPct)),
    })),
  };
}

function costChart({ sample, threshold, tickS }: S4Threshold): EChartsOption {
  const { jobId, deadlineS, optimumUsd, costByTickUsd } = sample;
  return {
    ...titled(
      `S4: what job ${jobId} has cost by then`,
      `threshold ${threshold}; dashed: the optimum in the end, and the deadline`,
    ),
    xAxis: { type: 'value', name: 'h', nameLocation: 'middle', nameGap: 30 },
    yAxis: { type: 'value', name: 'USD' },
    series: Object.entries(costByTickUsd).map(([name, costs], at) => ({
      type: 'line',
      name,
      showSymbol: false,
      data: thinned(costs, tickS),
      ...(at === 0 && { markLine: marks(optimumUsd, deadlineS / HOUR_S) }),
    })),
  };
}

function marks(optimumUsd: number, deadlineH: number): object {
  return {
    symbol: 'none',
    lineStyle: { type: 'dashed', color: '#555555' },
    data: [
      { yAxis: round(optimumUsd), name: 'optimum' },
      { xAxis: round(deadlineH), name: 'deadline' },
    ],
  };
}

/** Hours and dollars, at most `POINTS` of them and the last for certain. */
function thinned(costs: readonly number[], tickS: number): [number, number][] {
  const step = Math.max(1, Math.ceil(costs.length / POINTS));
  return costs.flatMap((usd, at): [number, number][] =>
    at % step === 0 || at === costs.length - 1
      ? [[round(((at + 1) * tickS) / HOUR_S), round(usd)]]
      : [],
  );
}

function servingChart({ scores, lowerBoundUsd }: S5Result): EChartsOption {
  return {
    ...titled(
      'S5: cost and availability of serving',
      `omniscient lower bound ${round(lowerBoundUsd)} USD; synthetic day, synthetic mapping`,
    ),
    xAxis: { type: 'value', name: 'USD', nameLocation: 'middle', nameGap: 30 },
    yAxis: { type: 'value', name: 'available %', scale: true },
    series: scores.map(({ policy, result, availabilityPct }) => ({
      type: 'scatter',
      name: policy,
      symbolSize: 16,
      data: [[round(result.costUsd), round(availabilityPct)]],
    })),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
