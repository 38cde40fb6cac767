import { join } from 'node:path';
import { Market, type ZoneTrace } from './market';
import {
  readCsv,
  readLaunchCounts,
  TraceFileError,
  type CsvRow,
  type LaunchCounts,
} from './trace-files';
import type { TraceJob, TraceZone, ZoneKind } from './trace-policy';

const HOUR_S = 3600;
/** What provisioning, set-up and lost progress cost at every launch, hyperscalers included. */
export const CHANGEOVER_S = 720;
/** Internet egress of the hyperscaler that charges for it. */
const EGRESS_USD_PER_GB = 0.09;
const CHARGES_EGRESS = /^aws/;

export const dataClasses = ['public', 'eu_personal', 'regulated'] as const;
export type DataClass = (typeof dataClasses)[number];

/** Where the data of a class may be. */
export const mayHold: { readonly [C in DataClass]: (zone: TraceZone) => boolean } = {
  public: ({ country }) => country !== 'RU',
  eu_personal: ({ bloc }) => bloc === 'EU',
  regulated: ({ kind }) => kind === 'hyperscaler',
};

/** Which zones of those that the class allows a comparison policy chooses from. */
export type Choice = 'fallback' | 'every depin' | 'allowed depin' | 'allowed';

/** Offers at real prices in real countries whose availability is borrowed: which zone stands for which offer is synthetic. */
export interface ProductCase {
  readonly counts: LaunchCounts;
  readonly offers: readonly Offer[];
  readonly jobRows: readonly CsvRow[];
}

interface Offer {
  readonly zone: TraceZone;
  /** The zone whose launch counts stand for the offer's availability; null where nothing interruptible is sold. */
  readonly trace: string | null;
  readonly spotUsdPerHour: number;
}

/** Offers and jobs of the golden folder, and the launch counts of the trace. */
export function readProductCase(dir: string, goldenDir: string): ProductCase {
  const countsFile = join(dir, 'h100-gcp-2025', 'h100_launch_counts.csv');
  const counts = readLaunchCounts(countsFile);
  const offers = readCsv(join(goldenDir, 's4_offers.csv'), offerColumns).map((row) =>
    offerOf(row, counts),
  );
  const jobRows = readCsv(join(goldenDir, 's4_jobs.csv'), jobColumns);
  return { counts, offers, jobRows };
}

const offerColumns = [
  'offer_id',
  'description',
  'country',
  'bloc',
  'kind',
  'usd_per_gpu_hour',
  'availability_trace',
];
const jobColumns = [
  'job_id',
  'arrival_tick',
  'duration_h',
  'deadline_h',
  'data_class',
  'checkpoint_gb',
];
const kinds: readonly ZoneKind[] = ['hyperscaler', 'depin'];

function offerOf(row: CsvRow, { countsByZone }: LaunchCounts): Offer {
  const kind = row.oneOf('kind', kinds);
  const usdPerHour = row.number('usd_per_gpu_hour', 0);
  const id = row.text('offer_id');
  const isReliable = kind === 'hyperscaler';
  return {
    zone: {
      id,
      region: id,
      kind,
      country: row.text('country'),
      bloc: row.text('bloc'),
      description: row.text('description'),
      onDemandUsdPerHour: isReliable ? usdPerHour : Infinity,
      sellsSpot: !isReliable,
    },
    trace: isReliable ? null : row.oneOf('availability_trace', [...countsByZone.keys()]),
    spotUsdPerHour: isReliable ? Infinity : usdPerHour,
  };
}

/** How launch counts become availability. `path` is the file that asks for it. */
export interface Availability {
  readonly path: string;
  readonly threshold: number;
  readonly tickS: number;
}

/** Offers as zones: available where at least `threshold` VMs could be had; every probe stands until the next. */
export function productMarket(
  { counts, offers }: ProductCase,
  { threshold, tickS, path }: Availability,
): Market {
  if (!Number.isInteger(counts.rowS / tickS)) {
    const detail = `ticks of ${tickS} s do not divide the ${counts.rowS} s between probes`;
    throw new TraceFileError(path, 1, 1, detail);
  }
  const ticksPerRow = counts.rowS / tickS;
  const traces = offers.map(({ zone, trace, spotUsdPerHour }): ZoneTrace => {
    const available = new Uint8Array(counts.rows * ticksPerRow);
    const probes = trace === null ? undefined : counts.countsByZone.get(trace);
    probes?.forEach((count, row) => {
      const isEnough = count >= threshold ? 1 : 0;
      available.fill(isEnough, row * ticksPerRow, (row + 1) * ticksPerRow);
    });
    return {
      zone,
      available,
      spotUsdPerHour: new Float64Array(available.length).fill(spotUsdPerHour),
    };
  });
  return new Market(tickS, traces);
}

/** A job of the jobs file. Its candidates are the depin offers that its class allows and the cheapest such hyperscaler. */
export function productJob(
  row: CsvRow,
  { zones }: Market,
  { rowS, rows }: LaunchCounts,
  tickS: number,
): TraceJob {
  const dataClass = row.oneOf('data_class', dataClasses);
  const arrival = row.whole('arrival_tick');
  if (arrival >= rows) row.refuse('arrival_tick', `the trace has ${rows} rows`);
  const checkpointGb = row.number('checkpoint_gb', 0);
  const charged = zones.map(({ id }) =>
    CHARGES_EGRESS.test(id) ? EGRESS_USD_PER_GB * checkpointGb : 0,
  );
  const candidates = zonesOf('allowed', zones, dataClass);
  if (zonesOf('fallback', zones, dataClass).length === 0) {
    row.refuse('data_class', `no hyperscaler may hold data of class ${dataClass}`);
  }
  return {
    id: row.text('job_id'),
    dataClass,
    startTick: arrival * (rowS / tickS),
    workS: row.number('duration_h', 0) * HOUR_S,
    deadlineS: row.number('deadline_h', 0) * HOUR_S,
    changeoverS: CHANGEOVER_S,
    checkpointGb,
    candidates,
    egressUsd: (from, to) => (from === to ? 0 : (charged[from] ?? 0)),
  };
}

/** The zones that a comparison policy chooses from, for data of a class. */
export function zonesOf(
  choice: Choice,
  zones: readonly TraceZone[],
  dataClass: DataClass,
): readonly number[] {
  const holds = mayHold[dataClass];
  const indexes = zones.map((_, index) => index);
  const isDepin = (index: number): boolean => zones[index]?.kind === 'depin';
  const isAllowed = (index: number): boolean => {
    const zone = zones[index];
    return zone !== undefined && holds(zone);
  };
  const reliable = indexes.filter((index) => !isDepin(index) && isAllowed(index));
  const usdOf = (index: number): number => zones[index]?.onDemandUsdPerHour ?? Infinity;
  const fallback = reliable.filter((index) =>
    reliable.every((other) => usdOf(index) <= usdOf(other)),
  );
  const depin = indexes.filter((index) => isDepin(index) && isAllowed(index));
  const table: { readonly [C in Choice]: readonly number[] } = {
    fallback: fallback.slice(0, 1),
    'every depin': indexes.filter(isDepin),
    'allowed depin': depin,
    allowed: [...depin, ...fallback.slice(0, 1)],
  };
  return table[choice];
}
