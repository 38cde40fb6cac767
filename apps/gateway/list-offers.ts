import { Injectable } from '@nestjs/common';
import { DEFAULT_PAGE, type OfferQuery } from '#libs/contracts';
import type { Offer } from '#libs/domain';
import { Offers, type OfferBook, type Page } from '#libs/storage';
import { Refusal } from './refusal';

interface Place {
  readonly price: number;
  readonly id: string;
}

/** A page of the offer book, cheapest first. The book is kept until its version moves. */
@Injectable()
export class ListOffers {
  private book: OfferBook | null = null;

  constructor(private readonly offers: Offers) {}

  async run(query: OfferQuery): Promise<Page<Offer> & { readonly bookVersion: number }> {
    const book = await this.current();
    const after = query.cursor === undefined ? null : placeOf(query.cursor);
    const limit = query.limit ?? DEFAULT_PAGE;
    const matching = book.offers.filter(
      (offer) => matches(offer, query) && (after === null || isAfter(offer, after)),
    );
    const items = matching.slice(0, limit);
    const last = items.at(-1);
    const next = matching.length > limit && last !== undefined ? cursorAt(last) : null;
    return { items, next, bookVersion: book.version };
  }

  private async current(): Promise<OfferBook> {
    const version = await this.offers.version();
    if (this.book?.version === version) return this.book;
    const { offers, version: read } = await this.offers.book();
    const book = { version: read, offers: [...offers].sort(byPriceThenId) };
    this.book = book;
    return book;
  }
}

function matches(offer: Offer, query: OfferQuery): boolean {
  const { provider, region, country, market, gpu, available, maxPricePerHour } = query;
  const model = offer.gpu?.model ?? '';
  const wantedModel = gpu?.toUpperCase();
  return (
    (provider === undefined || offer.providerId === provider) &&
    (region === undefined || offer.region === region) &&
    (country === undefined || offer.country === country.toUpperCase()) &&
    (market === undefined || offer.market === market) &&
    (available === undefined || offer.available === available) &&
    (maxPricePerHour === undefined || offer.pricePerHour <= maxPricePerHour) &&
    (wantedModel === undefined || model === wantedModel || model.startsWith(`${wantedModel}-`))
  );
}

function byPriceThenId(a: Offer, b: Offer): number {
  return a.pricePerHour - b.pricePerHour || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function isAfter(offer: Offer, { price, id }: Place): boolean {
  return offer.pricePerHour > price || (offer.pricePerHour === price && offer.id > id);
}

function cursorAt({ pricePerHour, id }: Offer): string {
  return Buffer.from(`${pricePerHour} ${id}`).toString('base64url');
}

function placeOf(cursor: string): Place {
  const text = Buffer.from(cursor, 'base64url').toString();
  const split = text.indexOf(' ');
  const price = Number(text.slice(0, split));
  if (split <= 0 || !Number.isSafeInteger(price))
    throw new Refusal('malformed-request', { detail: 'cursor is none of this list' });
  return { price, id: text.slice(split + 1) };
}
