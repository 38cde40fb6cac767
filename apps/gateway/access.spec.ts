import {
  mayCall,
  openApiDocument,
  PROBLEM_MEDIA_TYPE,
  problemsOfRoute,
  roles,
  routes,
  type Role,
  type Route,
} from '#libs/contracts';
import { startGateway, type Gateway } from './testing/gateway-harness';

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
});
