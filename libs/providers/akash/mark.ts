import { asAttemptId, microUsd, type AttemptId, type MicroUsd } from '#libs/domain';
import type { LeaseRequest } from '#libs/provider-kit';

/**
 * What the adapter must know of an order later, when it sees its name alone: an adapter keeps no state, and the name is the
 * only text of ours that Akash gives back.
 */
export interface Mark {
  readonly leaseKey: AttemptId;
  readonly maxPricePerHour: MicroUsd;
  /** ISO 3166-1 alpha-2, lower case. */
  readonly country: string;
  /** When it was asked for, by the router's clock. */
  readonly askedAtMs: number;
}

const NAME_LIMIT = 256;
const PATTERN = /^fairlead (att-[a-z0-9-]{1,36}) max=(\d{1,15}) in=([a-z]{2}) at=(\d{1,15})(?: |$)/;

/** The deployment's name: the mark, then the labels for people who look at the Console. */
export function nameOf(mark: Mark, labels: LeaseRequest['labels']): string {
  const words = Object.entries(labels).map(([key, value]) =>
    `${key}=${value}`.replace(/\s+/g, '_'),
  );
  const own = `fairlead ${mark.leaseKey} max=${mark.maxPricePerHour} in=${mark.country} at=${mark.askedAtMs}`;
  return [own, ...words].join(' ').slice(0, NAME_LIMIT).trimEnd();
}

/** The mark in a deployment's name, or null when the deployment is not ours. */
export function parseMark(name: string): Mark | null {
  const match = PATTERN.exec(name);
  if (match === null) return null;
  const [, key = '', max = '', country = '', at = ''] = match;
  return {
    leaseKey: asAttemptId(key),
    maxPricePerHour: microUsd(Number(max)),
    country,
    askedAtMs: Number(at),
  };
}
