import { Controller, Get, Query } from '@nestjs/common';
import { Messages, offerQuerySchema, type OfferView, type ProviderView } from '#libs/contracts';
import { Clock } from '#libs/runtime';
import { Feeds } from '#libs/storage';
import { ListOffers } from './list-offers';
import { parse } from './parse';
import { offerView } from './views/offer-view';

/** What can be bought, and from whom. */
@Controller('v1')
export class OffersController {
  constructor(
    private readonly listOffers: ListOffers,
    private readonly feeds: Feeds,
    private readonly clock: Clock,
    private readonly messages: Messages,
  ) {}

  @Get('offers')
  async offers(
    @Query() query: unknown,
  ): Promise<{ items: readonly OfferView[]; next: string | null; bookVersion: number }> {
    const { items, next, bookVersion } = await this.listOffers.run(parse(offerQuerySchema, query));
    const at = { feeds: await this.feeds.freshness(), nowMs: this.clock.nowMs() };
    return { items: items.map((offer) => offerView(offer, at)), next, bookVersion };
  }

  @Get('providers')
  async providers(): Promise<{ items: readonly ProviderView[] }> {
    const { providers } = await this.messages.send('providers.status', {});
    return { items: providers };
  }
}
