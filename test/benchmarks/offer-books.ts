import { asOfferId, microUsd, type Offer } from '#libs/domain';
import { fakeOffers, integerBetween, seededRng } from '#libs/testkit';
import { offerBook } from '../golden/offer-book';

const SEED = 7;
const PERCENT = 100;
const MIN_PRICE_PERCENT = 60;
const MAX_PRICE_PERCENT = 180;

/** A market of `size` offers: those of the golden decisions and of the fake cloud, again and again, each time in a region of its own at other prices. */
export function syntheticBook(size: number): readonly Offer[] {
  const kinds = [...offerBook, ...fakeOffers];
  const rng = seededRng(SEED);
  return Array.from({ length: size }, (_, n) => {
    const kind = kinds[n % kinds.length];
    if (kind === undefined) throw new Error('there are no offers to vary');
    const region = `${kind.region}-${Math.floor(n / kinds.length)}`;
    const percent = integerBetween(rng, MIN_PRICE_PERCENT, MAX_PRICE_PERCENT);
    return {
      ...kind,
      id: asOfferId(`${kind.providerId}/${region}/${kind.instanceType}/${kind.market}`),
      region,
      pricePerHour: microUsd(Math.round((kind.pricePerHour * percent) / PERCENT)),
    };
  });
}
