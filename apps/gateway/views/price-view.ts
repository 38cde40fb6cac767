import type { FeedView, RateView, SheetView } from '#libs/contracts';
import {
  feedFreshness,
  isInForce,
  isStale,
  tokenHaircutBps,
  type FeedState,
  type FxRate,
  type SheetRow,
} from '#libs/domain';
import type { StoredSheet } from '#libs/storage';
import { timeOf, timeOrNull } from './times';

const MICROS = 1_000_000;

/** How the reading of a source goes. One that was never read to its end has no prices to be stale. */
export function feedView(state: FeedState, nowMs: number): FeedView {
  const freshness = feedFreshness(state);
  return {
    id: state.id,
    kind: state.kind,
    everyMs: state.everyMs,
    staleAfterMs: state.staleAfterMs,
    readAt: timeOrNull(state.readAtMs),
    stale: freshness !== null && isStale(freshness, nowMs),
    triedAt: timeOrNull(state.triedAtMs),
    nextTryAt: timeOf(state.nextTryAtMs),
    items: state.items,
    failures: state.failures,
    error: state.error,
  };
}

export function rateView(token: string, rate: FxRate): RateView {
  return {
    token,
    microUsd: rate.usdMicro,
    readAt: timeOf(rate.readAtMs),
    sigmaDaily: rate.sigmaDaily,
    haircutBps: tokenHaircutBps(token, { [token]: rate }),
    sources: [...rate.sources],
  };
}

/** A sheet with its rows as they were written. */
export function sheetView(
  { sheet, uploadedAtMs, uploadedBy }: StoredSheet,
  nowMs: number,
): SheetView {
  return {
    name: sheet.name,
    validFrom: timeOf(sheet.validFromMs),
    validUntil: timeOrNull(sheet.validUntilMs),
    inForce: isInForce(sheet, nowMs),
    uploadedAt: timeOf(uploadedAtMs),
    uploadedBy,
    rows: sheet.rows.map(rowView),
  };
}

function rowView(row: SheetRow): SheetView['rows'][number] {
  const { provider, region, instanceType, market, microPerHour, currency, quantity, shape } = row;
  return {
    provider,
    region,
    instanceType,
    market,
    pricePerHour: microPerHour / MICROS,
    currency,
    ...(quantity === null ? {} : { quantity }),
    ...(shape === null ? {} : shapeView(shape)),
  };
}

function shapeView({ cpus, memoryGib, diskGb, gpu, country }: NonNullable<SheetRow['shape']>) {
  return {
    cpus,
    memoryGib,
    diskGb,
    ...(country === null ? {} : { country }),
    ...(gpu === null
      ? {}
      : {
          gpuModel: gpu.model,
          gpuCount: gpu.count,
          gpuMemoryGib: gpu.memoryGib,
          interconnect: gpu.interconnect,
        }),
  };
}
