import { z } from 'zod';
import {
  exampleBudget,
  exampleKey,
  exampleOffer,
  exampleProvider,
  exampleSuspension,
  exampleSuspensionRequest,
  exampleReport,
} from './examples';
import { apiKeyListSchema, createdApiKeySchema, newApiKeySchema } from './http-access';
import {
  budgetLimitsSchema,
  budgetListSchema,
  budgetQuerySchema,
  budgetViewSchema,
  costQuerySchema,
  costReportSchema,
} from './http-money';
import {
  providerListSchema,
  suspensionChangeSchema,
  suspensionListSchema,
  suspensionQuerySchema,
  suspensionRequestSchema,
} from './http-health';
import { offerPageSchema, offerQuerySchema } from './http-offers';
import { problemSchema } from './problem';
import { access } from './roles';
import { json, ok, text, type Route } from './route';

const health = z
  .object({
    status: z.enum(['ok', 'not ready']),
    checks: z
      .record(z.string(), z.enum(['ok', 'failed', 'late']))
      .optional()
      .meta({ description: 'What the process needs, and whether it answers.' }),
  })
  .meta({ id: 'Health' });
const page = (example: string) => [{ mediaType: 'text/html', schema: 'text', example }] as const;

/** Offers, providers, policies, money, keys and the router itself. */
export const platformRoutes: readonly Route[] = [
  {
    id: 'listOffers',
    method: 'get',
    path: '/v1/offers',
    tag: 'offers',
    summary: 'List what can be bought now, cheapest first',
    access: access.everyone,
    query: offerQuerySchema,
    answers: [
      ok('A page.', json(offerPageSchema, { items: [exampleOffer], next: null, bookVersion: 42 })),
    ],
    problems: [],
  },
  {
    id: 'listProviders',
    method: 'get',
    path: '/v1/providers',
    tag: 'offers',
    summary: 'List the providers and how they have been doing',
    access: access.everyone,
    answers: [ok('All of them.', json(providerListSchema, { items: [exampleProvider] }))],
    problems: ['unavailable'],
  },
  {
    id: 'listSuspensions',
    method: 'get',
    path: '/v1/suspensions',
    tag: 'offers',
    summary: 'List what is kept out of placement, newest first',
    access: access.operate,
    query: suspensionQuerySchema,
    answers: [ok('Newest first.', json(suspensionListSchema, { items: [exampleSuspension] }))],
    problems: [],
  },
  {
    id: 'changeSuspensions',
    method: 'post',
    path: '/v1/suspensions',
    tag: 'offers',
    summary:
      'Keep a provider, region, host or offer out of placement for a time, or let it back in',
    access: access.operate,
    body: json(suspensionRequestSchema, exampleSuspensionRequest),
    answers: [
      ok('What was done.', json(suspensionChangeSchema, { done: 'suspended', changed: 1 })),
    ],
    problems: ['invalid-request'],
  },
  {
    id: 'reportCosts',
    method: 'get',
    path: '/v1/reports/costs',
    tag: 'money',
    summary: 'Report what was charged, what it would have cost at the baselines, and the saving',
    access: access.money,
    query: costQuerySchema,
    answers: [ok('Rows by group.', json(costReportSchema, exampleReport))],
    problems: ['unavailable'],
  },
  {
    id: 'exportCosts',
    method: 'get',
    path: '/v1/reports/costs.csv',
    tag: 'money',
    summary: 'The cost report for a spreadsheet',
    access: access.money,
    query: costQuerySchema,
    answers: [
      ok('The same rows; money in dollars with six decimals.', [
        {
          mediaType: 'text/csv',
          schema: 'text',
          example: 'project,billed_usd,baseline_usd,saving_usd,lease_hours,jobs,list_usd\n',
        },
      ]),
    ],
    problems: ['unavailable'],
  },
  {
    id: 'listBudgets',
    method: 'get',
    path: '/v1/budgets',
    tag: 'money',
    summary: 'List the budgets and what is gone of them',
    access: access.money,
    query: budgetQuerySchema,
    answers: [ok('By project.', json(budgetListSchema, { items: [exampleBudget] }))],
    problems: ['unavailable'],
  },
  {
    id: 'putBudget',
    method: 'put',
    path: '/v1/budgets/{project}',
    tag: 'money',
    summary: 'Set the monthly limits of a project',
    access: access.setBudgets,
    body: json(budgetLimitsSchema, { softLimit: '$400', hardLimit: '$500' }),
    answers: [ok('The budget of this month.', json(budgetViewSchema, exampleBudget))],
    problems: ['invalid-request', 'unavailable', 'not-found'],
  },
  {
    id: 'listApiKeys',
    method: 'get',
    path: '/v1/api-keys',
    tag: 'access',
    summary: 'List the API keys; their secrets are not kept',
    access: access.admin,
    answers: [
      ok('Newest first.', json(apiKeyListSchema, { items: [{ ...exampleKey, revokedAt: null }] })),
    ],
    problems: [],
  },
  {
    id: 'createApiKey',
    method: 'post',
    path: '/v1/api-keys',
    tag: 'access',
    summary: 'Make an API key; it is shown this once',
    access: access.admin,
    body: json(newApiKeySchema, { name: 'ci', roles: ['submitter'], projects: ['vision'] }),
    answers: [
      {
        status: 201,
        description: 'The key.',
        content: json(createdApiKeySchema, { ...exampleKey, key: `fl_${exampleKey.id}_…` }),
      },
    ],
    problems: ['invalid-request'],
  },
  {
    id: 'revokeApiKey',
    method: 'delete',
    path: '/v1/api-keys/{keyId}',
    tag: 'access',
    summary: 'Make an API key stop to work; repeatable',
    access: access.admin,
    answers: [{ status: 204, description: 'It no longer works.', content: [] }],
    problems: ['not-found'],
  },
  {
    id: 'live',
    method: 'get',
    path: '/livez',
    tag: 'router',
    summary: 'Whether the process runs',
    access: access.public,
    answers: [ok('It does.', json(health, { status: 'ok' }))],
    problems: [],
  },
  {
    id: 'ready',
    method: 'get',
    path: '/readyz',
    tag: 'router',
    summary: 'Whether the process can serve: its database answers',
    access: access.public,
    answers: [
      ok('It can.', json(health, { status: 'ok', checks: { database: 'ok' } })),
      {
        status: 503,
        description: 'It cannot.',
        content: json(health, { status: 'not ready', checks: { database: 'failed' } }),
      },
    ],
    problems: [],
  },
  {
    id: 'metrics',
    method: 'get',
    path: '/metrics',
    tag: 'router',
    summary: 'Measurements in the text format of Prometheus; only for this machine unless opened',
    access: access.public,
    answers: [ok('All of them.', text('# TYPE fairlead_jobs gauge\nfairlead_jobs 3\n'))],
    problems: ['forbidden'],
  },
  {
    id: 'openapi',
    method: 'get',
    path: '/openapi.json',
    tag: 'router',
    summary: 'This description',
    access: access.public,
    answers: [ok('OpenAPI 3.1.', json(z.object({ openapi: z.string() }), { openapi: '3.1.0' }))],
    problems: [],
  },
  {
    id: 'docs',
    method: 'get',
    path: '/docs',
    tag: 'router',
    summary: 'This description to browse',
    access: access.public,
    answers: [ok('A page without outside parts.', page('<!doctype html>'))],
    problems: [],
  },
  {
    id: 'explainProblem',
    method: 'get',
    path: '/problems/{code}',
    tag: 'router',
    summary: 'What a kind of problem means',
    access: access.public,
    answers: [
      ok(
        'The kind of problem.',
        json(problemSchema, {
          type: '/problems/not-found',
          title: 'There is no such thing',
          status: 404,
        }),
      ),
    ],
    problems: ['not-found'],
  },
];
