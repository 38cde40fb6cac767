import {
  exampleFeeds,
  exampleHistory,
  exampleSheet,
  exampleSheetCsv,
  exampleSheetRow,
} from './examples-prices';
import {
  feedListSchema,
  priceHistorySchema,
  priceQuerySchema,
  sheetListSchema,
  sheetViewSchema,
} from './http-prices';
import { priceSheetSchema, sheetValiditySchema } from './price-sheet';
import { access } from './roles';
import { json, jsonOrYaml, ok, type Route } from './route';

/** Where prices come from, what they were, and capacity bought by contract. */
export const priceRoutes: readonly Route[] = [
  {
    id: 'listFeeds',
    method: 'get',
    path: '/v1/feeds',
    tag: 'offers',
    summary: 'List the sources of prices and rates, how fresh they are and what failed',
    access: access.everyone,
    answers: [ok('All of them.', json(feedListSchema, exampleFeeds))],
    problems: [],
  },
  {
    id: 'listPrices',
    method: 'get',
    path: '/v1/offers/{offerId}/prices',
    tag: 'offers',
    summary: 'Show what an offer cost over time; slashes in its id are written %2F',
    access: access.everyone,
    query: priceQuerySchema,
    answers: [ok('In order.', json(priceHistorySchema, exampleHistory))],
    problems: ['not-found'],
  },
  {
    id: 'listPriceSheets',
    method: 'get',
    path: '/v1/price-sheets',
    tag: 'offers',
    summary: 'List the price sheets of capacity bought by contract',
    access: access.money,
    answers: [ok('By name.', json(sheetListSchema, { items: [exampleSheet] }))],
    problems: [],
  },
  {
    id: 'getPriceSheet',
    method: 'get',
    path: '/v1/price-sheets/{name}',
    tag: 'offers',
    summary: 'Show a price sheet',
    access: access.money,
    answers: [ok('The sheet.', json(sheetViewSchema, exampleSheet))],
    problems: ['not-found'],
  },
  {
    id: 'putPriceSheet',
    method: 'put',
    path: '/v1/price-sheets/{name}',
    tag: 'offers',
    summary: 'Store or replace a price sheet; its rows price or add offers at once',
    access: access.setBudgets,
    query: sheetValiditySchema,
    body: [
      ...jsonOrYaml(priceSheetSchema, { validUntil: '2027-01-01', rows: [exampleSheetRow] }),
      {
        mediaType: 'text/csv',
        schema: 'text',
        example: exampleSheetCsv,
      },
    ],
    answers: [ok('The sheet as it is stored.', json(sheetViewSchema, exampleSheet))],
    problems: ['invalid-price-sheet', 'unavailable'],
  },
  {
    id: 'removePriceSheet',
    method: 'delete',
    path: '/v1/price-sheets/{name}',
    tag: 'offers',
    summary: 'Remove a price sheet; its offers are listed at their own prices again',
    access: access.setBudgets,
    answers: [{ status: 204, description: 'It is gone.', content: [] }],
    problems: ['not-found', 'unavailable'],
  },
];
