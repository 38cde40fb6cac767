import { exampleOffer } from './examples';
import {
  calibrationListSchema,
  calibrationQuerySchema,
  commitmentBodySchema,
  commitmentListSchema,
  commitmentViewSchema,
  type CalibrationView,
  type CommitmentView,
} from './http-costs';
import { access } from './roles';
import { json, ok, type Route } from './route';

const AT = '2026-11-21T09:30:00.000Z';

export const exampleCommitment: CommitmentView = {
  name: 'h100-reserved',
  provider: exampleOffer.provider,
  region: exampleOffer.region,
  instanceType: null,
  gpu: 'H100',
  from: '2026-11-01T00:00:00.000Z',
  until: '2027-11-01T00:00:00.000Z',
  state: 'in-force',
  machines: 8,
  hours: null,
  amountMicroUsd: null,
  usedHours: 412.5,
  usedMicroUsd: 2_838_000_000,
  leases: 3,
};

export const exampleCalibration: CalibrationView = {
  provider: exampleOffer.provider,
  market: exampleOffer.market,
  charge: { ratio: 1.06, weight: 42, factor: 1 },
  interruption: { ratio: 1.3, weight: 12, factor: 1.21 },
  startUp: { ratio: 0.9, weight: 42, factor: 0.92 },
  waiting: { ratio: 1.1, weight: 42, factor: 1.08 },
  within90: 0.88,
  finished: 31,
  at: AT,
};

/** What is paid for already, and how good predictions have been. */
export const costRoutes: readonly Route[] = [
  {
    id: 'listCommitments',
    method: 'get',
    path: '/v1/commitments',
    tag: 'money',
    summary: 'List reservations and prepaid contracts, and what is gone of them',
    access: access.money,
    answers: [ok('By name.', json(commitmentListSchema, { items: [exampleCommitment] }))],
    problems: ['unavailable'],
  },
  {
    id: 'putCommitment',
    method: 'put',
    path: '/v1/commitments/{name}',
    tag: 'money',
    summary: 'Say what is paid for already; what was used of it stays when it is changed',
    access: access.setBudgets,
    body: json(commitmentBodySchema, {
      provider: exampleOffer.provider,
      region: exampleOffer.region,
      gpu: 'H100',
      until: '2027-11-01',
      machines: 8,
    }),
    answers: [ok('As it is stored.', json(commitmentViewSchema, exampleCommitment))],
    problems: ['invalid-request', 'not-found', 'unavailable'],
  },
  {
    id: 'endCommitment',
    method: 'delete',
    path: '/v1/commitments/{name}',
    tag: 'money',
    summary: 'End a commitment now; leases that it pays for keep what was settled',
    access: access.setBudgets,
    answers: [{ status: 204, description: 'It pays for nothing new.', content: [] }],
    problems: ['not-found', 'unavailable'],
  },
  {
    id: 'reportCalibration',
    method: 'get',
    path: '/v1/reports/calibration',
    tag: 'money',
    summary: 'Compare predicted with realised cost, by provider and market',
    access: access.everyone,
    query: calibrationQuerySchema,
    answers: [ok('By market.', json(calibrationListSchema, { items: [exampleCalibration] }))],
    problems: ['unavailable'],
  },
];
