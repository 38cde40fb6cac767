import { WireError } from './wire';

interface Limit {
  readonly burst: number;
  readonly perSecond: number;
}

/** Documented for launches; the figure for everything else is the emulator's own. Per region, as EC2 counts. */
const limits: Readonly<Record<string, Limit>> = { RunInstances: { burst: 1_000, perSecond: 2 } };
const OTHER: Limit = { burst: 200, perSecond: 50 };

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/** A token bucket for each action and region. */
export class RequestLimits {
  private readonly buckets = new Map<string, Bucket>();
  private readonly overrides = new Map<string, Limit>();

  constructor(private readonly nowMs: () => number) {}

  set(action: string, limit: Limit): void {
    this.overrides.set(action, limit);
  }

  /** Throws as EC2 does when the bucket is empty. */
  spend(action: string, region: string): void {
    const limit = this.overrides.get(action) ?? limits[action] ?? OTHER;
    const bucket = this.refilled(`${region}/${action}`, limit);
    if (bucket.tokens < 1)
      throw new WireError('RequestLimitExceeded', 'Request limit exceeded.', 503);
    bucket.tokens -= 1;
  }

  private refilled(key: string, { burst, perSecond }: Limit): Bucket {
    const nowMs = this.nowMs();
    const bucket = this.buckets.get(key) ?? { tokens: burst, filledAtMs: nowMs };
    const gained = ((nowMs - bucket.filledAtMs) / 1_000) * perSecond;
    const full = { tokens: Math.min(burst, bucket.tokens + gained), filledAtMs: nowMs };
    this.buckets.set(key, full);
    return full;
  }
}
