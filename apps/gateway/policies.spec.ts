import { asJobId, asProviderId } from '#libs/domain';
import { fakeOffers } from '#libs/testkit';
import {
  appliedSchema,
  policyDiffSchema,
  policyHistorySchema,
  policyMovedSchema,
  policySettingsSchema,
  policyVersionSchema,
  whatIfSchema,
  type Role,
} from '#libs/contracts';
import { place, startGateway, type Gateway } from './testing/gateway-harness';

let gateway: Gateway;
const keys = new Map<string, string>();

/** Two people who operate, one who administers, one who only submits. */
beforeAll(async () => {
  gateway = await startGateway();
  for (const [name, roles, projects] of [
    ['ann', ['ops', 'submitter'], undefined],
    ['bob', ['ops'], undefined],
    ['root', ['admin'], undefined],
    ['eve', ['submitter'], ['vision']],
    ['opi', ['ops'], ['vision']],
  ] as const)
    keys.set(name, await gateway.keyFor([...roles] as Role[], projects));
  await gateway.storage.offers.replace(asProviderId('memory'), fakeOffers, gateway.clock.nowMs());
});
afterAll(() => gateway.close());

const ask = (who: string, method: 'GET' | 'POST' | 'PUT', url: string, payload?: object) =>
  gateway.app.inject({
    method,
    url,
    headers: { authorization: keys.get(who) ?? '' },
    ...(payload === undefined ? {} : { payload }),
  });
const post = (who: string, url: string, payload: object = {}) => ask(who, 'POST', url, payload);

const written = (name: string, description = 'one') => ({
  name,
  description,
  rules: [{ id: 'no-spot', forbid: 'offer.interruptible', because: 'we do not like surprises' }],
});

/** Saves a version and returns its number. */
async function saved(name: string, description: string, who = 'ann'): Promise<number> {
  const answer = await post(who, '/v1/policies', written(name, description));
  return policyVersionSchema.parse(answer.json()).version;
}
const step = async (who: string, name: string, verb: string, payload: object) => {
  const answer = await post(who, `/v1/policies/${name}/${verb}`, payload);
  expect([answer.statusCode, answer.body]).toEqual([200, expect.anything()]);
  return policyMovedSchema.parse(answer.json());
};

describe('saving', () => {
  it('makes a draft, with who and why, and nothing more when it is repeated', async () => {
    const first = await post('ann', '/v1/policies?comment=ticket%201', written('saving'));
    expect([first.statusCode, first.json()]).toMatchObject([
      201,
      { name: 'saving', version: 1, state: 'draft', active: false, createdBy: 'ops+submitter' },
    ]);
    const again = await post('ann', '/v1/policies', written('saving'));
    expect([again.statusCode, again.json()]).toMatchObject([200, { version: 1 }]);
    const history = policyHistorySchema.parse(
      (await ask('bob', 'GET', '/v1/policies/saving/history')).json(),
    );
    expect(history.events).toMatchObject([{ type: 'create', comment: 'ticket 1' }]);
  });
});

describe('approval', () => {
  const settings = (who: string, body: object) => ask(who, 'PUT', '/v1/policy-settings', body);
  afterEach(() => settings('root', { requireApproval: false }));

  it('is asked for by an admin and given by somebody else', async () => {
    expect((await settings('ann', { requireApproval: true })).statusCode).toBe(403);
    const set = await settings('root', { requireApproval: true });
    expect(policySettingsSchema.parse(set.json())).toEqual({ requireApproval: true, projects: [] });
    const version = await saved('strict', 'one');
    const early = await post('ann', '/v1/policies/strict/activate', { version });
    expect([early.statusCode, early.json()]).toMatchObject([
      409,
      {
        type: '/problems/approval-required',
        problems: [{ code: 'approval-required', remedy: expect.stringContaining('submit') }],
      },
    ]);
    const at = new Date(gateway.clock.nowMs()).toISOString();
    expect(await step('ann', 'strict', 'submit', { version, at })).toMatchObject({
      version: { state: 'awaiting-approval', proposedBy: 'ops+submitter' },
    });
    const own = await post('ann', '/v1/policies/strict/approve', { version });
    expect([own.statusCode, own.json()]).toMatchObject([
      409,
      { type: '/problems/second-person-required' },
    ]);
    for (const changed of [true, false])
      expect(await step('bob', 'strict', 'approve', { version, comment: 'ok' })).toMatchObject({
        changed,
        version: { state: 'active', active: true, approvedBy: 'ops' },
      });
  });

  it('can be asked for by one project', async () => {
    await settings('root', { project: 'clinic', requireApproval: true });
    const version = await saved('everywhere', 'one');
    const refused = await post('ann', '/v1/policies/everywhere/activate', { version });
    expect(refused.statusCode).toBe(409);
    const cleared = await settings('root', { project: 'clinic', requireApproval: false });
    expect(cleared.json()).toMatchObject({ projects: [] });
    await step('ann', 'everywhere', 'activate', { version });
  });

  it('can be refused', async () => {
    const version = await saved('refused', 'one');
    await step('ann', 'refused', 'submit', { version });
    await step('bob', 'refused', 'reject', { version, comment: 'too wide' });
    const gone = await post('ann', '/v1/policies/refused/activate', { version });
    expect([gone.statusCode, gone.json()]).toMatchObject([
      409,
      { type: '/problems/policy-state', detail: 'policy refused: the version is rejected' },
    ]);
  });
});

describe('taking effect', () => {
  it('happens at a time, is undone in one call, and told in the history', async () => {
    const one = await saved('timely', 'one');
    await step('ann', 'timely', 'activate', { version: one });
    const two = await saved('timely', 'two');
    const at = new Date(gateway.clock.nowMs() + 3_600_000).toISOString();
    expect(await step('ann', 'timely', 'activate', { version: two, at })).toMatchObject({
      version: { state: 'scheduled', activateAt: at },
    });
    await step('ann', 'timely', 'withdraw', { version: two });
    await step('ann', 'timely', 'activate', { version: two });
    expect(await step('bob', 'timely', 'rollback', { comment: 'broke things' })).toMatchObject({
      version: { version: 1, state: 'active' },
    });
    const answer = await ask('ann', 'GET', '/v1/policies/timely/history?limit=1');
    expect(policyHistorySchema.parse(answer.json())).toMatchObject({
      versions: [
        { version: 2, state: 'retired' },
        { version: 1, state: 'active' },
      ],
      events: [{ type: 'roll-back', by: 'ops', comment: 'broke things' }],
    });
    expect(await step('ann', 'timely', 'activate', { version: null })).toMatchObject({
      version: { version: 1, state: 'retired' },
    });
  });

  it('is refused for what is not known', async () => {
    for (const [verb, payload] of [
      ['activate', { version: 9 }],
      ['approve', { version: 1 }],
      ['rollback', { to: 3 }],
    ] as const)
      expect((await post('ann', `/v1/policies/nowhere/${verb}`, payload)).statusCode).toBe(404);
    expect((await ask('ann', 'GET', '/v1/policies/nowhere/history')).statusCode).toBe(404);
    const bad = await post('ann', '/v1/policies/nowhere/activate', { version: 1, at: 'tomorrow' });
    expect([bad.statusCode, bad.json()]).toMatchObject([422, { problems: [{ pointer: '/at' }] }]);
  });
});

describe('differences', () => {
  it('are those of two versions, by default what is in force and the newest', async () => {
    await step('ann', 'differing', 'activate', { version: await saved('differing', 'one') });
    await saved('differing', 'two');
    const change = { pointer: '/description', kind: 'changed', before: 'one', after: 'two' };
    const answer = await ask('ann', 'GET', '/v1/policies/differing/diff');
    expect(policyDiffSchema.parse(answer.json())).toMatchObject({
      from: 1,
      to: 2,
      changes: [change],
    });
    const back = await ask('ann', 'GET', '/v1/policies/differing/diff?from=2&to=1');
    expect(back.json()).toMatchObject({ changes: [{ before: 'two', after: 'one' }] });
    expect((await ask('ann', 'GET', '/v1/policies/differing/diff?to=7')).statusCode).toBe(404);
  });
});

describe('applying', () => {
  it('puts documents in force together and shows the difference', async () => {
    const documents = [written('git-a'), written('git-b')];
    const dry = await post('ann', '/v1/policies/apply', { documents, dryRun: true });
    expect(appliedSchema.parse(dry.json())).toMatchObject({
      dryRun: true,
      policies: [{ name: 'git-a', change: 'new', state: 'active' }, { name: 'git-b' }],
    });
    expect((await ask('ann', 'GET', '/v1/policies/git-a/history')).statusCode).toBe(404);
    await post('ann', '/v1/policies/apply', { documents });
    const again = await post('ann', '/v1/policies/apply', { documents });
    expect(appliedSchema.parse(again.json()).policies.map(({ change }) => change)).toEqual([
      'none',
      'none',
    ]);
    const next = await post('ann', '/v1/policies/apply', { documents: [written('git-a', 'two')] });
    expect(next.json()).toMatchObject({
      policies: [{ version: 2, changes: [{ pointer: '/description', after: 'two' }] }],
    });
  });

  it('tells the mistakes of all documents by their place, and does nothing', async () => {
    const documents = [written('fine'), { nmae: 'x' }, { name: 'Y' }];
    const answer = await post('ann', '/v1/policies/apply', { documents });
    expect(answer.statusCode).toBe(422);
    const { problems } = answer.json<{ problems: { pointer: string }[] }>();
    const pointers = problems.map(({ pointer }) => pointer);
    expect(pointers).toEqual(expect.arrayContaining(['/documents/1/nmae', '/documents/2/name']));
    expect((await ask('ann', 'GET', '/v1/policies/fine/history')).statusCode).toBe(404);
  });
});

describe('who sees what', () => {
  it('shows engineers what counts for their projects', async () => {
    const scoped = (name: string, project: string) => ({
      ...written(name),
      scope: { projects: [project] },
    });
    await post('ann', '/v1/policies/apply', {
      documents: [scoped('for-vision', 'vis*'), scoped('for-speech', 'speech')],
    });
    await saved('for-nobody-yet', 'draft');
    const names = async (who: string) => {
      const { items } = (await ask(who, 'GET', '/v1/policies')).json<{
        items: { name: string }[];
      }>();
      return items.map(({ name }) => name);
    };
    expect(await names('ann')).toEqual(
      expect.arrayContaining(['for-vision', 'for-speech', 'for-nobody-yet']),
    );
    const seen = await names('eve');
    expect(seen).toContain('for-vision');
    expect(seen).not.toContain('for-speech');
    expect(seen).not.toContain('for-nobody-yet');
    expect((await ask('opi', 'GET', '/v1/policies/for-speech/history')).statusCode).toBe(404);
    expect((await ask('opi', 'GET', '/v1/policies/for-vision/history')).statusCode).toBe(200);
    expect((await ask('eve', 'GET', '/v1/policies/for-vision/history')).statusCode).toBe(403);
  });

  it.each(['approve', 'activate', 'rollback', 'submit', 'withdraw', 'reject'])(
    'lets only keys for all projects %s',
    async (verb) => {
      const body = verb === 'rollback' ? { to: 1 } : { version: 1 };
      expect((await post('opi', `/v1/policies/x/${verb}`, body)).statusCode).toBe(403);
    },
  );
});

describe('what if', () => {
  it('reports, for the projects of the key alone', async () => {
    for (const project of ['vision', 'speech']) {
      const job = { name: 'a', project, image: 'b', command: ['c'], interruptible: true };
      const { id } = (await post('ann', '/v1/jobs', job)).json<{ id: string }>();
      const stored = await gateway.storage.jobs.get(asJobId(id));
      if (stored === null) throw new Error('the job was not stored');
      await place(gateway, stored, { phase: 'released', outcome: 'succeeded' });
    }
    const considered = async (who: string, query = '') => {
      const answer = await post(who, `/v1/policies/what-if${query}`, written('tried'));
      return whatIfSchema.parse(answer.json()).considered;
    };
    expect(await considered('ann')).toBe(2);
    expect(await considered('ann', '?last=1')).toBe(1);
    expect(await considered('opi')).toBe(1);
    expect(await considered('ann', '?project=speech&from=2000-01-01T00:00:00Z')).toBe(1);
    const foreign = await post('opi', '/v1/policies/what-if?project=speech', written('tried'));
    expect(foreign.statusCode).toBe(403);
    expect((await post('ann', '/v1/policies/what-if?last=2001', written('x'))).statusCode).toBe(
      422,
    );
    expect((await ask('ann', 'GET', '/v1/policies/tried/history')).statusCode).toBe(404);
  });
});

describe('whether a job can ever run', () => {
  const impossible = { name: 'a', image: 'b', command: ['c'], resources: { gpus: 'H100:64' } };

  it('is said when it is submitted, planned, shown and explained', async () => {
    const answer = await post('ann', '/v1/jobs', impossible);
    const { id, feasibility } = answer.json<{ id: string; feasibility: object }>();
    const said = {
      verdict: 'never',
      sentences: [
        expect.stringMatching(/^No offer can ever run this .*the GPUs asked for removes/),
      ],
    };
    expect(feasibility).toMatchObject({ verdict: 'never', serving: 0 });
    const plan = (await post('ann', '/v1/jobs/plan', impossible)).json<{
      feasibility: { sentences: string[]; relaxations: { code: string }[] };
    }>();
    expect(plan.feasibility.sentences[0]).toEqual(said.sentences[0]);
    expect(plan.feasibility.relaxations[0]?.code).toBe('gpu-mismatch');
    // Before the first decision nothing is known of it.
    expect((await ask('ann', 'GET', `/v1/jobs/${id}`)).json()).toMatchObject({ feasibility: null });
  });

  it('never keeps a job from being taken in', async () => {
    gateway.messages.silent.add('policy.feasibility');
    const answer = await post('ann', '/v1/jobs', impossible);
    gateway.messages.silent.delete('policy.feasibility');
    expect([answer.statusCode, answer.json()]).toMatchObject([201, { feasibility: null }]);
  });
});
