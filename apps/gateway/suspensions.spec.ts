import type { SuspensionView } from '#libs/contracts';
import { startGateway, type Gateway } from './testing/gateway-harness';

const HOUR_MS = 3_600_000;

let gateway: Gateway;
let authorization: string;
beforeAll(async () => {
  gateway = await startGateway();
  authorization = await gateway.keyFor(['ops']);
}, 30_000);
afterAll(() => gateway.close());

const post = async (payload: object) =>
  gateway.app.inject({
    method: 'POST',
    url: '/v1/suspensions',
    headers: { authorization },
    payload,
  });
const list = async (query = ''): Promise<readonly SuspensionView[]> => {
  const url = `/v1/suspensions${query}`;
  const answer = await gateway.app.inject({ method: 'GET', url, headers: { authorization } });
  return answer.json<{ items: readonly SuspensionView[] }>().items;
};
const inForce = async () =>
  (await gateway.storage.suspensions.inForce(gateway.clock.nowMs())).map(({ key }) => key);

const wish = {
  do: 'suspend',
  scope: 'host',
  key: 'akash/h-7',
  for: '6h',
  because: 'it overheats',
};

describe('suspensions over the API', () => {
  it('are in force until their end, and say who asked for them and why', async () => {
    const answer = await post(wish);
    expect([answer.statusCode, answer.json()]).toEqual([200, { done: 'suspended', changed: 1 }]);
    const nowMs = gateway.clock.nowMs();
    expect(await inForce()).toEqual(['akash/h-7']);
    const [shown] = await list();
    expect(shown).toMatchObject({
      scope: 'host',
      key: 'akash/h-7',
      job: null,
      reason: 'it overheats',
      from: new Date(nowMs).toISOString(),
      until: new Date(nowMs + 6 * HOUR_MS).toISOString(),
      resumedAt: null,
    });
    expect(shown?.by).toMatch(/^key-/);
  });

  it('end when they are resumed, once, and stay on record', async () => {
    const resume = { do: 'resume', scope: 'host', key: 'akash/h-7', because: 'a new fan' };
    expect((await post(resume)).json()).toEqual({ done: 'resumed', changed: 1 });
    expect((await post(resume)).json()).toEqual({ done: 'resumed', changed: 0 });
    expect(await inForce()).toEqual([]);
    expect(await list()).toEqual([]);
    const [ended] = await list('?ended=true');
    expect(ended?.resumedAt).toBe(new Date(gateway.clock.nowMs()).toISOString());
  });

  it.each([
    { reason: 'for ever', over: { for: '93d' } },
    { reason: 'for no time', over: { for: '0s' } },
    { reason: 'without a reason', over: { because: '' } },
    { reason: 'for one job, which is not for people to say', over: { scope: 'offer-for-job' } },
    { reason: 'with words that nobody knows', over: { until: 'noon' } },
  ])('are refused $reason', async ({ over }) => {
    expect((await post({ ...wish, ...over })).statusCode).toBe(422);
    expect(await inForce()).toEqual([]);
  });
});
