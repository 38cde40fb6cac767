import {
  access,
  jobViewSchema,
  mayCall,
  openApiDocument,
  PROBLEM_MEDIA_TYPE,
  problemsOfRoute,
  roles,
  routes,
  type Role,
  type Route,
} from '#libs/contracts';
import { asJobId } from '#libs/domain';
import { place, startGateway, type Gateway } from './testing/gateway-harness';

let gateway: Gateway;
const keys = new Map<Role, string>();

beforeAll(async () => {
  gateway = await startGateway();
  for (const role of roles) keys.set(role, await gateway.keyFor([role]));
});
afterAll(() => gateway.close());

const concrete = (path: string): string => path.replace(/\{\w+\}/g, 'none-1');

async function call(route: Route, authorization: string | null) {
  const hasBody = route.body !== undefined;
  return gateway.app.inject({
    method: route.method === 'get' ? 'GET' : (route.method.toUpperCase() as 'POST'),
    url: concrete(route.path),
    headers: {
      ...(authorization === null ? {} : { authorization }),
      ...(hasBody ? { 'content-type': route.body?.[0]?.mediaType ?? '' } : {}),
    },
    ...(hasBody ? { payload: route.body?.[0]?.schema === 'bytes' ? 'x' : '{}' } : {}),
  });
}

/** Answers that mean: let in, whatever came of the request. */
const letIn = (status: number): boolean => status !== 401 && status !== 403 && status < 500;

describe('who may call what', () => {
  const cells = routes.flatMap((route) =>
    [...roles, null].map((role) => [route.id, role, route] as const),
  );
  it.each(cells)('%s as %s', async (_id, role, route) => {
    const { statusCode } = await call(route, role === null ? null : (keys.get(role) ?? ''));
    if (route.access.kind === 'public') expect(letIn(statusCode)).toBe(true);
    else if (route.access.kind === 'attempt-token' || role === null) expect(statusCode).toBe(401);
    else if (mayCall(route.access, [role])) expect(letIn(statusCode)).toBe(true);
    else expect(statusCode).toBe(403);
  });

  it('gives admin every route that has roles, and nothing to a key without known roles', async () => {
    const nobody = await gateway.keyFor([]);
    for (const route of routes.filter(({ access }) => access.kind === 'roles')) {
      expect(mayCall(route.access, ['admin'])).toBe(true);
      expect((await call(route, nobody)).statusCode).toBe(403);
    }
  });

  it('turns strangers away before it reads what they send', async () => {
    const answer = await gateway.app.inject({
      method: 'POST',
      url: '/v1/jobs',
      headers: { 'content-type': 'application/json' },
      payload: `"${'a'.repeat(1_100_000)}"`,
    });
    expect(answer.statusCode).toBe(401);
  });

  it('refuses made-up, altered and revoked keys alike', async () => {
    const good = await gateway.keyFor(['admin']);
    const route = routes.find(({ id }) => id === 'listJobs');
    if (route === undefined) throw new Error('there is no such route');
    const revoked = await gateway.keyFor(['admin']);
    const id = /fl_([^_]+)_/.exec(revoked)?.[1] ?? '';
    expect((await call(route, revoked)).statusCode).toBe(200);
    await gateway.storage.apiKeys.revoke(id, 1);
    const altered = `${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`;
    const bad = [altered, revoked, 'Bearer nonsense', good.replace('Bearer', 'Basic'), 'Bearer '];
    for (const authorization of bad) {
      const answer = await call(route, authorization);
      expect(answer.statusCode).toBe(401);
      expect(answer.headers['www-authenticate']).toContain('Bearer');
      expect(answer.json()).toMatchObject({ type: '/problems/unauthenticated', status: 401 });
    }
  });
});

describe('keys for some projects', () => {
  const MINE = ['vision'];
  const BOTH = ['vision', 'speech'];
  const policy = {
    kind: 'policy',
    name: 'mine',
    rules: [{ id: 'r', kind: 'require', require: { country: ['DE'] } }],
  };
  interface Project {
    readonly job: string;
    readonly decision: string;
    readonly keyId: string;
  }
  const made = new Map<string, Project>();
  const limited = new Map<Role, string>();

  beforeAll(async () => {
    const authorization = keys.get('admin') ?? '';
    for (const role of roles) limited.set(role, await gateway.keyFor([role], MINE));
    for (const project of BOTH) {
      const answer = await gateway.app.inject({
        method: 'POST',
        url: '/v1/jobs',
        headers: { authorization },
        payload: { name: 'a', project, image: 'b', command: ['c'], outputs: [{ path: 'o' }] },
      });
      const stored = await gateway.storage.jobs.get(asJobId(answer.json<{ id: string }>().id));
      if (stored === null) throw new Error('the job was not stored');
      const attempt = await place(gateway, stored);
      const jobId = stored.id;
      await gateway.storage.artifacts.put(
        { jobId, kind: 'output', index: 0, attemptId: attempt.id, contentType: 'a/b', atMs: 1 },
        Buffer.from('x'),
      );
      const budget = await gateway.app.inject({
        method: 'PUT',
        url: `/v1/budgets/${project}`,
        headers: { authorization },
        payload: { hardLimit: '$100' },
      });
      expect(budget.statusCode).toBe(200);
      const key = await gateway.keyFor(['submitter'], [project]);
      const [, keyId = ''] = /fl_([^_]+)_/.exec(key) ?? [];
      made.set(project, { job: jobId, decision: attempt.decisionId, keyId });
    }
  });

  const ask = (role: Role, method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object) =>
    gateway.app.inject({
      method,
      url,
      headers: { authorization: limited.get(role) ?? '' },
      ...(body === undefined ? {} : { payload: body }),
    });

  /** What belongs to a job: shown for the own project, and not there for another one. */
  const ofJob = [
    ['getJob', ({ job }: Project) => `/v1/jobs/${job}`],
    ['explainJob', ({ job }: Project) => `/v1/jobs/${job}/why`],
    ['listAttempts', ({ job }: Project) => `/v1/jobs/${job}/attempts`],
    ['listEvents', ({ job }: Project) => `/v1/jobs/${job}/events`],
    ['readLogs', ({ job }: Project) => `/v1/jobs/${job}/logs`],
    ['listOutputs', ({ job }: Project) => `/v1/jobs/${job}/outputs`],
    ['getOutput', ({ job }: Project) => `/v1/jobs/${job}/outputs/0`],
    ['getDecision', ({ decision }: Project) => `/v1/decisions/${decision}`],
  ] as const;
  const jobRows = ofJob.flatMap(([id, url]) => roles.map((role) => [id, role, url] as const));
  it.each(jobRows)('%s as %s stays within its projects', async (id, role, url) => {
    const route = routes.find((candidate) => candidate.id === id);
    if (route === undefined) throw new Error('there is no such route');
    const mayAsk = mayCall(route.access, [role]);
    for (const [project, wanted] of [
      ['vision', mayAsk ? 200 : 403],
      ['speech', mayAsk ? 404 : 403],
    ] as const) {
      const there = made.get(project);
      if (there === undefined) throw new Error('nothing was made');
      expect((await ask(role, 'GET', url(there))).statusCode).toBe(wanted);
    }
  });

  it.each(roles)('lists of %s hold nothing of other projects', async (role) => {
    const jobs = await ask(role, 'GET', '/v1/jobs');
    expect(jobs.body).toContain('vision');
    for (const url of ['/v1/jobs', '/v1/reports/costs', '/v1/reports/costs.csv'])
      expect((await ask(role, 'GET', `${url}?project=speech`)).statusCode).toBe(403);
    const lists = [
      ['listJobs', '/v1/jobs'],
      ['reportCosts', '/v1/reports/costs?groupBy=project'],
      ['exportCosts', '/v1/reports/costs.csv?groupBy=project'],
      ['listBudgets', '/v1/budgets'],
      ['listApiKeys', '/v1/api-keys'],
    ] as const;
    for (const [id, url] of lists) {
      const route = routes.find((candidate) => candidate.id === id);
      if (route === undefined) throw new Error(`there is no route ${id}`);
      const { statusCode, body } = await ask(role, 'GET', url);
      expect([id, statusCode]).toEqual([id, mayCall(route.access, [role]) ? 200 : 403]);
      expect(body).not.toContain('speech');
      if (statusCode === 200 && !url.includes('costs')) expect(body).toContain('vision');
    }
  });

  const changes = [
    ['putBudget', 'PUT', '/v1/budgets/vision', { hardLimit: '$5' }, 200],
    ['putBudget', 'PUT', '/v1/budgets/speech', { hardLimit: '$5' }, 403],
    ['createApiKey', 'POST', '/v1/api-keys', { projects: ['vision'] }, 201],
    ['createApiKey', 'POST', '/v1/api-keys', { projects: ['speech'] }, 403],
    ['createApiKey', 'POST', '/v1/api-keys', { projects: BOTH }, 403],
    ['createApiKey', 'POST', '/v1/api-keys', { projects: null }, 403],
    ['createPolicy', 'POST', '/v1/policies', policy, 403],
    ['activatePolicy', 'POST', '/v1/policies/builtin/activate', { version: 1 }, 403],
  ] as const;
  const changeRows = changes.flatMap((row) => roles.map((role) => [...row, role] as const));
  it.each(changeRows)('%s %s %s %j is answered %i at most, as %s', async (...row) => {
    const [id, method, url, body, status, role] = row;
    const route = routes.find((candidate) => candidate.id === id);
    if (route === undefined) throw new Error('there is no such route');
    const more = id === 'createApiKey' ? { name: 'k', roles: ['submitter'] } : {};
    const answer = await ask(role, method, url, { ...more, ...body });
    expect(answer.statusCode).toBe(mayCall(route.access, [role]) ? status : 403);
  });

  it('revokes keys within its projects, and finds no other', async () => {
    const all = await gateway.keyFor(['submitter']);
    const both = await gateway.keyFor(['submitter'], BOTH);
    const idIn = (text: string) => /fl_([^_]+)_/.exec(text)?.[1] ?? '';
    const listed = (await ask('admin', 'GET', '/v1/api-keys')).body;
    for (const id of [idIn(all), idIn(both), made.get('speech')?.keyId ?? '']) {
      expect(listed).not.toContain(`"${id}"`);
      expect((await ask('admin', 'DELETE', `/v1/api-keys/${id}`)).statusCode).toBe(404);
      expect((await gateway.storage.apiKeys.get(id))?.revokedAtMs).toBeNull();
    }
    const mine = made.get('vision')?.keyId ?? '';
    expect(listed).toContain(`"${mine}"`);
    expect((await ask('admin', 'DELETE', `/v1/api-keys/${mine}`)).statusCode).toBe(204);
    expect((await gateway.storage.apiKeys.get(mine))?.revokedAtMs).not.toBeNull();
  });
});

describe('what a job holds', () => {
  it.each(roles)('is shown to %s only with its output', async (role) => {
    const payload = {
      name: 'a',
      image: 'b',
      command: ['sh', '-c', 'hush-command'],
      env: { TOKEN: 'hush-value' },
      inputs: [
        { path: 'x', uri: 'data:,hush-bytes' },
        { path: 'y', uri: 'https://example.com/y' },
      ],
    };
    const submitted = await gateway.app.inject({
      method: 'POST',
      url: '/v1/jobs',
      headers: { authorization: keys.get('admin') ?? '' },
      payload,
    });
    const url = `/v1/jobs/${submitted.json<{ id: string }>().id}`;
    const headers = { authorization: keys.get(role) ?? '' };
    const answer = await gateway.app.inject({ method: 'GET', url, headers });
    const view = jobViewSchema.parse(answer.json());
    const secrets = [...answer.body.matchAll(/hush-\w+/g)].map(([text]) => text);
    if (mayCall(access.jobData, [role])) {
      expect(secrets.sort()).toEqual(['hush-bytes', 'hush-command', 'hush-value']);
      expect(view.withheld).toEqual([]);
    } else {
      expect(secrets).toEqual([]);
      expect(view.withheld).toEqual(['/spec/command', '/spec/env/TOKEN', '/spec/inputs/0/uri']);
      expect(answer.body).toContain('https://example.com/y');
      for (const path of ['/why', '/attempts', '/events'])
        expect(
          (await gateway.app.inject({ method: 'GET', url: `${url}${path}`, headers })).body,
        ).not.toContain('hush');
    }
  });
});

describe('one table', () => {
  it('names every route that the server knows, and no other', () => {
    const printed = gateway.app
      .getHttpAdapter()
      .getInstance()
      .printRoutes({ commonPrefix: false, includeHooks: false });
    const known = new Set<string>();
    const path: string[] = [];
    for (const line of printed.split('\n').filter((text) => text.trim() !== '')) {
      const [, indent = '', segment = '', methods] =
        /^([│ ├└─]*)(\S.*?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
      path.length = Math.floor(indent.length / 4) - 1;
      path.push(segment);
      for (const method of (methods ?? '').split(', ').filter((text) => text !== ''))
        known.add(`${method.toLowerCase()} ${path.join('')}`);
    }
    const wanted = routes.map(
      ({ method, path: at }) => `${method} ${at.replace(/\{(\w+)\}/g, ':$1')}`,
    );
    const served = [...known].filter((text) => !text.startsWith('options ')).sort();
    expect(served).toEqual([...wanted].sort());
  });

  it('agrees with the OpenAPI document about operations and roles', async () => {
    const answer = await gateway.app.inject({ method: 'GET', url: '/openapi.json' });
    const document = answer.json<{
      paths: Record<string, Record<string, Record<string, unknown>>>;
    }>();
    expect(document).toEqual(JSON.parse(JSON.stringify(openApiDocument('0.0.0-test'))));
    for (const route of routes) {
      const operation = document.paths[route.path]?.[route.method];
      const wanted = route.access.kind === 'roles' ? route.access.roles : undefined;
      expect(operation).toMatchObject({ operationId: route.id });
      expect(operation?.['x-roles']).toEqual(wanted);
    }
    const operations = Object.values(document.paths).flatMap((item) => Object.keys(item));
    expect(operations).toHaveLength(routes.length);
  });
});

describe('problems', () => {
  it('are documents after RFC 9457, whatever refused', async () => {
    const authorization = keys.get('admin') ?? '';
    const json = { authorization, 'content-type': 'application/json' };
    const cases = [
      [404, 'not-found', { method: 'GET', url: '/nowhere', headers: { authorization } }],
      [404, 'not-found', { method: 'GET', url: '/v1/jobs/none', headers: { authorization } }],
      [
        400,
        'malformed-request',
        { method: 'POST', url: '/v1/jobs', headers: json, payload: '{"a":' },
      ],
      [422, 'invalid-job', { method: 'POST', url: '/v1/jobs', headers: json, payload: '{"a":1}' }],
      [422, 'invalid-job', { method: 'POST', url: '/v1/jobs', headers: json, payload: '' }],
      [
        413,
        'too-large',
        { method: 'POST', url: '/v1/jobs', headers: json, payload: `"${'a'.repeat(1_100_000)}"` },
      ],
      [
        415,
        'unsupported-media-type',
        {
          method: 'POST',
          url: '/v1/jobs',
          headers: { authorization, 'content-type': 'text/xml' },
          payload: '<a/>',
        },
      ],
      [
        422,
        'invalid-request',
        { method: 'GET', url: '/v1/jobs?stat=queued', headers: { authorization } },
      ],
      [
        400,
        'malformed-request',
        { method: 'GET', url: '/v1/jobs?cursor=zzz', headers: { authorization } },
      ],
      [
        400,
        'malformed-request',
        { method: 'GET', url: '/v1/offers?cursor=zzz', headers: { authorization } },
      ],
    ] as const;
    for (const [status, code, request] of cases) {
      const answer = await gateway.app.inject(request);
      expect([request.url, answer.statusCode]).toEqual([request.url, status]);
      expect(answer.headers['content-type']).toContain(PROBLEM_MEDIA_TYPE);
      expect(answer.json()).toMatchObject({ type: `/problems/${code}`, status });
      expect(answer.json<{ instance: string }>().instance).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('lists every problem of a job at once, with pointers and remedies', async () => {
    const answer = await gateway.app.inject({
      method: 'POST',
      url: '/v1/jobs',
      headers: { authorization: keys.get('admin') ?? '' },
      payload: { name: 'a', imgae: 'x', budget: { maxCost: 5 } },
    });
    const { problems } = answer.json<{ problems: { pointer: string; remedy: string }[] }>();
    expect(problems.map(({ pointer }) => pointer).sort()).toEqual([
      '/budget/maxCost',
      '/command',
      '/image',
      '/imgae',
    ]);
    expect(problems.find(({ pointer }) => pointer === '/imgae')?.remedy).toBe(
      'did you mean "image"?',
    );
  });

  it('are explained under their type', async () => {
    const answer = await gateway.app.inject({ method: 'GET', url: '/problems/key-reused' });
    expect(answer.json()).toMatchObject({ type: '/problems/key-reused', status: 409 });
  });

  it('name who did not answer when another service is away', async () => {
    gateway.messages.silent.add('providers.status');
    const headers = { authorization: keys.get('ops') ?? '' };
    const answer = await gateway.app.inject({ method: 'GET', url: '/v1/providers', headers });
    gateway.messages.silent.clear();
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ type: '/problems/unavailable' });
  });

  it('are declared for every route', () => {
    for (const route of routes) expect(problemsOfRoute(route)).toContain('rate-limited');
  });
});

describe('manners', () => {
  it('sends headers that keep browsers from harm, and none that let other origins in', async () => {
    const headers = { origin: 'https://elsewhere.example', authorization: keys.get('admin') ?? '' };
    const answer = await gateway.app.inject({ method: 'GET', url: '/v1/jobs', headers });
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
    });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('serves a page to browse that needs nothing from outside', async () => {
    const { body, headers } = await gateway.app.inject({ method: 'GET', url: '/docs' });
    expect(headers['content-type']).toContain('text/html');
    for (const { path } of routes) expect(body).toContain(path);
    expect(body).not.toMatch(/<script|https?:\/\/(?!example\.com)[^"]*\.(?:js|css)/);
  });

  it('is alive and ready', async () => {
    expect((await gateway.app.inject({ method: 'GET', url: '/livez' })).json()).toEqual({
      status: 'ok',
    });
    expect((await gateway.app.inject({ method: 'GET', url: '/readyz' })).statusCode).toBe(200);
  });

  it('limits each key by itself and says when to come back', async () => {
    const small = await startGateway({ requestsPerMinute: 3 });
    try {
      const first = await small.keyFor(['ops']);
      const second = await small.keyFor(['ops']);
      const get = (authorization: string) =>
        small.app.inject({ method: 'GET', url: '/v1/offers', headers: { authorization } });
      for (let sent = 0; sent < 3; sent += 1) expect((await get(first)).statusCode).toBe(200);
      const refused = await get(first);
      expect(refused.statusCode).toBe(429);
      expect(refused.json()).toMatchObject({ type: '/problems/rate-limited' });
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect((await get(second)).statusCode).toBe(200);
    } finally {
      await small.close();
    }
  });

  it('counts made-up keys for the address that they come from, whatever they say', async () => {
    const small = await startGateway({ requestsPerMinute: 5 });
    try {
      const honest = await small.keyFor(['ops']);
      const late = await small.keyFor(['ops']);
      const get = async (authorization: string, remoteAddress = '203.0.113.7') => {
        const request = { method: 'GET', url: '/v1/offers', remoteAddress } as const;
        return (await small.app.inject({ ...request, headers: { authorization } })).statusCode;
      };
      const madeUp = (index: number) => `Bearer fl_key-${index}_${'A'.repeat(43)}`;
      expect(await get(honest)).toBe(200);
      const answers = [];
      for (let index = 0; index < 8; index += 1) answers.push(await get(madeUp(index)));
      expect(answers).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
      // Who was let in before still is; who was not comes in from elsewhere.
      expect(await get(honest)).toBe(200);
      expect(await get(late)).toBe(429);
      expect(await get(late, '203.0.113.8')).toBe(200);
      // The id of a good key with a wrong secret is worth nothing, and costs its owner nothing.
      const [, id = ''] = /fl_([^_]+)_/.exec(honest) ?? [];
      const forged = `Bearer fl_${id}_${'A'.repeat(43)}`;
      for (let sent = 0; sent < 5; sent += 1) expect(await get(forged, '203.0.113.9')).toBe(401);
      expect(await get(forged, '203.0.113.9')).toBe(429);
      expect(await get(honest)).toBe(200);
      small.clock.advance(60_000);
      expect(await get(madeUp(9))).toBe(401);
    } finally {
      await small.close();
    }
  });
});
