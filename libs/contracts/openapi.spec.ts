import { z } from 'zod';
import { openApiDocument } from './openapi';
import { pathParameters, problemsOfRoute } from './route';
import { routes } from './routes';

type Json = Readonly<Record<string, unknown>>;
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly (Json & { readonly name: string; readonly in: string })[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Json>> };
  readonly responses: Readonly<
    Record<string, { description: string; content?: Record<string, Json> }>
  >;
}

const document = JSON.parse(JSON.stringify(openApiDocument('1.2.3'))) as {
  openapi: string;
  info: Json;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Json> };
};
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

describe('the OpenAPI document', () => {
  it('is 3.1 with a version', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({ title: 'Fairlead', version: '1.2.3' });
  });

  it('has unique names, summaries, tags and answers everywhere', () => {
    const names = operations.map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const { operation } of operations) {
      expect(operation.summary).toMatch(/^[A-Z].*[^.]$/);
      expect(operation.tags).toHaveLength(1);
      expect(Object.keys(operation.responses).some((status) => status.startsWith('2'))).toBe(true);
      expect(Object.keys(operation.responses).some((status) => status.startsWith('4'))).toBe(true);
    }
  });

  it('declares every path parameter', () => {
    for (const { path, operation } of operations) {
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect(declared.map(({ name }) => name)).toEqual(pathParameters(path));
    }
  });

  it('shows an example of every body, answer, parameter and problem that is not mere bytes', () => {
    for (const { operation } of operations) {
      const bodies = [
        ...Object.values(operation.requestBody?.content ?? {}),
        ...Object.values(operation.responses).flatMap(({ content }) =>
          Object.values(content ?? {}),
        ),
      ];
      const worded = bodies.filter(({ schema }) => (schema as Json)['format'] !== 'binary');
      for (const body of worded) expect(body['example'] ?? body['examples']).toBeDefined();
      for (const parameter of operation.parameters ?? [])
        expect([parameter.name, parameter['example'] ?? parameter['schema']]).not.toEqual([
          parameter.name,
          undefined,
        ]);
    }
  });

  it('resolves every reference and leaves no definition behind', () => {
    const text = JSON.stringify(document);
    const targets = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target ?? '');
    expect(targets.length).toBeGreaterThan(20);
    for (const target of targets) {
      const name = /^#\/components\/schemas\/(\w+)$/.exec(target)?.[1] ?? '';
      expect([target, document.components.schemas[name]]).not.toEqual([target, undefined]);
    }
    expect(text).not.toContain('"$defs"');
    expect(text).not.toContain('"$schema"');
  });

  it('describes a job as people write it, with the defaults', () => {
    const job = document.components.schemas['JobSpec'] as {
      required: string[];
      properties: Record<string, Json>;
    };
    expect([...job.required].sort()).toEqual(['command', 'image', 'name']);
    expect(job.properties['project']).toMatchObject({ default: 'default' });
    for (const [name, field] of Object.entries(job.properties))
      expect([name, typeof field['description']]).toEqual([name, 'string']);
  });

  it('answers each problem of the table under its status', () => {
    for (const route of routes) {
      const responses = document.paths[route.path]?.[route.method]?.responses ?? {};
      for (const code of problemsOfRoute(route)) {
        const holder = Object.values(responses).find(({ content }) => {
          const problem = content?.['application/problem+json'] as { examples?: Json } | undefined;
          return problem?.examples?.[code] !== undefined;
        });
        expect([route.id, code, holder === undefined]).toEqual([route.id, code, false]);
      }
    }
  });
});

describe('examples', () => {
  const all = routes.flatMap((route) => [
    ...(route.body ?? []).map((content) => [`${route.id} body`, content] as const),
    ...route.answers.flatMap(({ content }) =>
      content.map((form) => [`${route.id} answer`, form] as const),
    ),
  ]);
  const withSchemas = all.filter(([, { schema }]) => typeof schema !== 'string');
  it.each(withSchemas)('%s fits its schema', (_name, { schema, example }) => {
    if (typeof schema === 'string') throw new Error('filtered out before');
    const result = schema.safeParse(example);
    expect(result.success ? [] : z.prettifyError(result.error)).toEqual([]);
  });
});
