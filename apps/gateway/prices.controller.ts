import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  Messages,
  priceQuerySchema,
  readCsvSheet,
  readPriceSheet,
  sheetValiditySchema,
  type FeedListView,
  type PriceHistoryView,
  type SheetView,
} from '#libs/contracts';
import { asOfferId } from '#libs/domain';
import { Clock } from '#libs/runtime';
import { Feeds, FxRates, PriceSheets } from '#libs/storage';
import { principalOf } from './auth';
import { parse } from './parse';
import { PriceHistory } from './price-history';
import { found, Refusal } from './refusal';
import { feedView, rateView, sheetView } from './views/price-view';

/** Where prices come from, what they were, and capacity bought by contract. */
@Controller('v1')
export class PricesController {
  constructor(
    private readonly feeds: Feeds,
    private readonly fxRates: FxRates,
    private readonly history: PriceHistory,
    private readonly clock: Clock,
  ) {}

  @Get('feeds')
  async list(): Promise<FeedListView> {
    const nowMs = this.clock.nowMs();
    const feeds = await this.feeds.list();
    const rates = Object.entries(await this.fxRates.snapshot());
    return {
      feeds: feeds.map((feed) => feedView(feed, nowMs)),
      rates: rates.map(([token, rate]) => rateView(token, rate)),
    };
  }

  @Get('offers/:offerId/prices')
  async prices(
    @Param('offerId') offerId: string,
    @Query() query: unknown,
  ): Promise<PriceHistoryView> {
    const wanted = parse(priceQuerySchema, query);
    return found(await this.history.run(asOfferId(offerId), wanted), 'offer');
  }
}

/** Capacity bought by contract; cost-oracle keeps the sheets. */
@Controller('v1/price-sheets')
export class PriceSheetsController {
  constructor(
    private readonly sheets: PriceSheets,
    private readonly messages: Messages,
    private readonly clock: Clock,
  ) {}

  @Get()
  async list(): Promise<{ items: readonly SheetView[] }> {
    const nowMs = this.clock.nowMs();
    return { items: (await this.sheets.list()).map((stored) => sheetView(stored, nowMs)) };
  }

  @Get(':name')
  async get(@Param('name') name: string): Promise<SheetView> {
    const stored = found(await this.sheets.get(name), 'price sheet');
    return sheetView(stored, this.clock.nowMs());
  }

  @Put(':name')
  async put(
    @Param('name') name: string,
    @Query() query: unknown,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<SheetView> {
    const validity = parse(sheetValiditySchema, query);
    const nowMs = this.clock.nowMs();
    const read =
      typeof body === 'string'
        ? readCsvSheet(name, body, validity, nowMs)
        : readPriceSheet(name, body, nowMs);
    if (!read.ok) throw new Refusal('invalid-price-sheet', { problems: [...read.problems] });
    const by = principalOf(request).id;
    const answer = await this.messages.send('price-sheet.put', { sheet: read.sheet, by });
    if (answer.kind === 'refused')
      throw new Refusal('invalid-price-sheet', { problems: answer.problems });
    const stored = { sheet: read.sheet, uploadedAtMs: answer.uploadedAtMs, uploadedBy: by };
    return sheetView(stored, nowMs);
  }

  @Delete(':name')
  @HttpCode(204)
  async remove(@Param('name') name: string, @Req() request: FastifyRequest): Promise<void> {
    const by = principalOf(request).id;
    const { removed } = await this.messages.send('price-sheet.remove', { name, by });
    found(removed || null, 'price sheet');
  }
}
