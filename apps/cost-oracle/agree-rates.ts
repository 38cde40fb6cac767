import { agreedRate, dailySigma, rateInMicroUsd } from '#libs/domain';
import type { Clock } from '#libs/runtime';
import type { Stores } from '#libs/storage';

const DAY_MS = 86_400_000;
/** Volatility is measured over so many days: enough to be steady, and soon to follow when a token grows wild. */
const SIGMA_DAYS = 30;
/** For a source whose feed is not known yet. */
const QUOTE_HOLDS_MS = 3_600_000;

/**
 * Make one rate of what the sources say of a token. Too few that agree leave the last good rate as it is: it grows old, and
 * shows it.
 */
export class AgreeRates {
  constructor(
    private readonly stores: Pick<Stores, 'fxRates' | 'feeds'>,
    private readonly clock: Clock,
  ) {}

  async run(tokens: readonly string[]): Promise<void> {
    const holdsMs = new Map(
      (await this.stores.feeds.list()).map((feed) => [feed.id, feed.staleAfterMs]),
    );
    for (const token of new Set(tokens)) await this.agree(token, holdsMs);
  }

  private async agree(token: string, holdsMs: ReadonlyMap<string, number>): Promise<void> {
    const nowMs = this.clock.nowMs();
    const { fxRates } = this.stores;
    const quotes = (await fxRates.quotes(token, nowMs - DAY_MS)).filter(
      ({ source, readAtMs }) => nowMs - readAtMs <= (holdsMs.get(source) ?? QUOTE_HOLDS_MS),
    );
    const agreed = agreedRate(quotes);
    if (!agreed.ok) return;
    const usdMicro = rateInMicroUsd(agreed.usd);
    const history = await fxRates.history(token, nowMs - SIGMA_DAYS * DAY_MS);
    const sigmaDaily = dailySigma([...history, { atMs: nowMs, usdMicro }]);
    await fxRates.record({ token, atMs: nowMs, usdMicro, sigmaDaily, sources: agreed.sources });
  }
}
