import { asOfferId, type OfferId } from '../ids';
import { usd } from '../money';
import type { Offer } from '../offer';
import { offerOf } from '../testing/job';
import { emptyIndex, finished, indexOffers, positionOf, refreshed } from './offer-index';

/** So many offers whose prices and ids rise in different orders. */
function offersOf(count: number, wanted: Partial<Offer> = {}): readonly Offer[] {
  return Array.from({ length: count }, (_, n) =>
    offerOf({
      ...wanted,
      id: asOfferId(`offer-${(n * 7_919) % count}`),
      pricePerHour: usd(1 + ((n * 104_729) % 500)),
    }),
  );
}

const idsOf = (offers: readonly Offer[]): readonly OfferId[] => offers.map(({ id }) => id);

describe('the index of a book', () => {
  it('has every offer once, by price and then by id, and finds it by its id', () => {
    const all = offersOf(3_000);
    const index = indexOffers(all);
    const wanted = [...all].sort(
      (a, b) => a.pricePerHour - b.pricePerHour || (a.id < b.id ? -1 : 1),
    );
    expect(idsOf(index.offers)).toEqual(idsOf(wanted));
    for (const [at, { id }] of wanted.entries()) expect(positionOf(index, id)).toBe(at);
    expect(positionOf(index, asOfferId('offer-none'))).toBeNull();
    expect(positionOf(emptyIndex(), asOfferId('offer-1'))).toBeNull();
  });

  it('is made from the one before, which stays as it was, and is the same object when nothing has changed', () => {
    const all = offersOf(1_200);
    const before = indexOffers(all);
    const ids = idsOf(before.offers);
    const [first, second, ...others] = all;
    if (first === undefined || second === undefined) throw new Error('there are no offers');
    const dearer = { ...first, pricePerHour: usd(9_000) };
    const after = finished(refreshed(before, { gone: [second.id], come: [dearer] }));
    expect(idsOf(before.offers)).toEqual(ids);
    expect(after.catalogue).toBe(before.catalogue);
    expect(after.offers.at(-1)).toBe(dearer);
    expect(idsOf(after.offers)).toEqual(idsOf(indexOffers([dearer, ...others]).offers));
    expect(finished(refreshed(after, { gone: [], come: [] }))).toBe(after);
    expect(finished(refreshed(after, { gone: [second.id], come: [] })).offers).toEqual(
      after.offers,
    );
  });

  it('pauses in between, the more often the more there is to do', () => {
    const pauses = (count: number): number =>
      [...refreshed(emptyIndex(), { gone: [], come: offersOf(count) })].length;
    expect(pauses(1_000)).toBeGreaterThan(10);
    expect(pauses(8_000)).toBeGreaterThan(6 * pauses(1_000));
  });

  it('is numbered anew when it has kept numbers for much that is gone', () => {
    let index = indexOffers(offersOf(10));
    const catalogues = new Set([index.catalogue]);
    for (let round = 0; round < 8; round += 1) {
      const come = offersOf(3_000).map((offer, n) => ({ ...offer, cpus: round * 3_000 + n }));
      index = finished(refreshed(index, { gone: idsOf(index.offers), come }));
      catalogues.add(index.catalogue);
      expect(index.offers).toHaveLength(3_000);
    }
    expect(catalogues.size).toBeGreaterThan(1);
    expect(index.catalogue.what.size).toBeLessThan(8 * 3_000);
  });

  it('takes the later of two offers with one id', () => {
    const [one] = offersOf(1);
    if (one === undefined) throw new Error('there is no offer');
    const later = { ...one, pricePerHour: usd(77) };
    expect(indexOffers([one, later]).offers).toEqual([later]);
  });
});
