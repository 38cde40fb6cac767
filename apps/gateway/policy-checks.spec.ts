import type { FieldProblem } from '#libs/contracts';
import { asProviderId } from '#libs/domain';
import { fakeOffers } from '#libs/testkit';
import { startGateway, type Gateway } from './testing/gateway-harness';

let gateway: Gateway;
let admin: string;

beforeAll(async () => {
  gateway = await startGateway();
  admin = await gateway.keyFor(['admin']);
  const { storage, clock } = gateway;
  await storage.offers.replace(asProviderId('memory'), fakeOffers, clock.nowMs());
});
afterAll(() => gateway.close());

const send = (url: string, lines: readonly string[]) =>
  gateway.app.inject({
    method: 'POST',
    url,
    headers: { authorization: admin, 'content-type': 'application/yaml' },
    payload: lines.join('\n'),
  });

const placesOf = (problems: readonly FieldProblem[]) =>
  problems.map(({ pointer, line, column }) => [pointer, line, column]);

const mistaken = [
  'name: acme',
  'rules:',
  '  - id: a',
  '    because: so',
  '    forbid: offer.regoin == "eu"',
  '  - id: b',
  '    because: so',
  "    require: 'offer.confidential && !offer.confidential'",
  'tests:',
  '  - name: t',
  '    given: {}',
  '    expect: allowed',
];

describe('a policy in YAML', () => {
  it('is refused with the line and column of each mistake, of its shape and of what it says', async () => {
    const answer = await send('/v1/policies', mistaken);
    expect(answer.statusCode).toBe(422);
    expect(placesOf(answer.json<{ problems: FieldProblem[] }>().problems)).toEqual([
      ['/rules/0/forbid', 5, 19],
      ['/rules/1/require', 8, 14],
    ]);
    const misshapen = await send('/v1/policies', [
      'name: acme',
      'limits:',
      '  - id: a',
      'rulez: []',
    ]);
    expect(placesOf(misshapen.json<{ problems: FieldProblem[] }>().problems)).toEqual([
      ['/limits/0/because', 3, 5],
      ['/rulez', 4, 8],
    ]);
  });

  it('is refused when one of its tests fails, and stored when they pass', async () => {
    const tested = (expected: string) => [
      'name: tested',
      'rules:',
      '  - { id: no-spot, forbid: offer.interruptible, because: it is taken back }',
      'tests:',
      `  - { name: spot, given: { offer: { interruptible: true } }, expect: ${expected} }`,
    ];
    const failed = await send('/v1/policies', tested('allowed'));
    expect(failed.json<{ problems: FieldProblem[] }>().problems).toMatchObject([
      {
        pointer: '/tests/0',
        line: 5,
        message: expect.stringContaining('no-spot refuses it (it is taken back)'),
      },
    ]);
    expect((await send('/v1/policies', tested('{ refusedBy: no-spot }'))).statusCode).toBe(201);
  });

  it('is warned of what it does to the offers that there are', async () => {
    const answer = await send('/v1/policies/check', [
      'name: capped',
      'limits:',
      '  - { id: a, offers: offer.country == "FR", maxJobs: 1, because: so }',
    ]);
    expect(answer.json()).toMatchObject({
      problems: [],
      warnings: [
        { pointer: '/limits/0/offers', line: 3, message: expect.stringContaining('none') },
      ],
    });
  });
});
