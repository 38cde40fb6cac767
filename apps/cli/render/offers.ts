import type { OfferView } from '#libs/contracts';
import { perHour } from './amounts';
import type { Paint } from './paint';
import { table } from './table';

/** Offers in the order in which they came. */
export function renderOffers(offers: readonly OfferView[], paint: Paint): string {
  if (offers.length === 0) return 'no such offers';
  const rows = offers.map((offer) => [
    offer.available ? paint.good('●') : paint.faint('○'),
    offer.id,
    offer.country ?? '?',
    gpuOf(offer),
    String(offer.cpus),
    `${offer.memoryGib} GiB`,
    offer.market,
    perHour(offer.pricePerHourMicroUsd),
    noteOf(offer, paint),
  ]);
  return table(
    [
      { title: '' },
      { title: 'OFFER' },
      { title: 'IN' },
      { title: 'GPUS' },
      { title: 'CPUS', align: 'right' },
      { title: 'MEMORY', align: 'right' },
      { title: 'MARKET' },
      { title: 'PRICE', align: 'right' },
      { title: '' },
    ],
    rows,
  );
}

function noteOf({ available, stale, source }: OfferView, paint: Paint): string {
  const notes = [
    ...(available ? [] : [paint.faint('sold out')]),
    ...(stale ? [paint.warn(`old price of ${source}`)] : []),
  ];
  return notes.join(', ');
}

function gpuOf({ gpu }: OfferView): string {
  return gpu === null ? '–' : `${gpu.model}:${gpu.count} (${gpu.memoryGib} GiB)`;
}
