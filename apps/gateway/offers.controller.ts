import { Controller, Get, Query } from '@nestjs/common';
import { Messages, offerQuerySchema, type OfferView, type ProviderView } from '#libs/contracts';
import { ListOffers } from './list-offers';
import { parse } from './parse';
import { offerView } from './views/offer-view';

/** What can be bought, and from whom. */
@Controller('v1')
export class OffersController {
  constructor(
    private readonly listOffers: ListOffers,
    private readonly messages: Messages,
  ) {}

  @Get('offers')
  async offers(
    @Query() query: unknown,
  ): Promise<{ items: readonly OfferView[]; next: string | null; bookVersion: number }> {
    const { items, next, bookVersion } = await this.listOffers.run(parse(offerQuerySchema, query));
    return { items: items.map(offerView), next, bookVersion };
  }

  @Get('providers')
  async providers(): Promise<{ items: readonly ProviderView[] }> {
    const { providers } = await this.messages.send('providers.status', {});
    return { items: providers };
  }
}
