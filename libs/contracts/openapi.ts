import { z } from 'zod';
import { problemCatalogue, problemSchema, PROBLEM_MEDIA_TYPE, type ProblemCode } from './problem';
import { pathParameters, problemsOfRoute, type Content, type Route } from './route';
import { routes } from './routes';

type Json = Readonly<Record<string, unknown>>;

const SCHEMES = {
  apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, fl_<id>_<secret>.' },
  attemptToken: { type: 'http', scheme: 'bearer', description: 'Good for one attempt.' },
} as const;

const parameterExamples: Readonly<Record<string, string>> = {
  jobId: 'job-019aa5c2f3b07e31',
  decisionId: 'dec-019aa5c2f4e17a02',
  attemptId: 'att-019aa5c2f5b27c90',
  keyId: 'key-019aa5c2f3b07e30',
  index: '0',
  name: 'health-data',
  project: 'vision',
  code: 'not-found',
};

/** The OpenAPI 3.1 document of the route table. */
export function openApiDocument(version: string): Json {
  const components = new Map<string, Json>();
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes)
    (paths[route.path] ??= {})[route.method] = operation(route, components);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Fairlead',
      version,
      description: 'Routes compute jobs to where they may run at the lowest expected cost.',
      license: { name: 'Unlicensed', identifier: 'LicenseRef-Proprietary' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: SCHEMES,
    },
  };
}

function operation(route: Route, components: Map<string, Json>): Json {
  const { id, tag, summary, access, query, headers, body, answers } = route;
  const parameters = [
    ...pathParameters(route.path).map(pathParameter),
    ...(query === undefined ? [] : parametersOf('query', query)),
    ...(headers === undefined ? [] : parametersOf('header', headers)),
  ];
  const security = {
    public: [],
    roles: [{ apiKey: [] }],
    'attempt-token': [{ attemptToken: [] }],
  }[access.kind];
  const responses = Object.fromEntries([
    ...answers.map(({ status, description, content }) => [
      status,
      { description, ...contentOf(content, 'output', components) },
    ]),
    ...problemAnswers(route, components),
  ]);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(access.kind === 'roles' ? { 'x-roles': access.roles } : {}),
    security,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, ...contentOf(body, 'input', components) } }),
    responses,
  };
}

function pathParameter(name: string): Json {
  return {
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
    example: parameterExamples[name] ?? name,
  };
}

function parametersOf(place: 'query' | 'header', schema: z.ZodObject): readonly Json[] {
  return Object.entries(schema.shape).map(([name, field]) => {
    const { description, examples, ...shape } = schemaOf(field as z.ZodType, 'input', new Map());
    const [example] = Array.isArray(examples) ? (examples as unknown[]) : [];
    return {
      name,
      in: place,
      required: !(field as z.ZodType).safeParse(undefined).success,
      schema: shape,
      ...(description === undefined ? {} : { description }),
      ...(example === undefined ? {} : { example }),
    };
  });
}

function contentOf(
  content: readonly Content[],
  io: 'input' | 'output',
  components: Map<string, Json>,
): Json {
  if (content.length === 0) return {};
  const forms = content.map(({ mediaType, schema, example }) => [
    mediaType,
    {
      schema: typeof schema === 'string' ? rawSchemas[schema] : schemaOf(schema, io, components),
      ...(example === undefined ? {} : { example }),
    },
  ]);
  return { content: Object.fromEntries(forms) as Json };
}

const rawSchemas = {
  text: { type: 'string' },
  bytes: { type: 'string', format: 'binary' },
} as const;

/** One answer for each status, with an example for each code that has it. */
function problemAnswers(route: Route, components: Map<string, Json>): readonly [number, Json][] {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of problemsOfRoute(route)) {
    const { status } = problemCatalogue[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return [...byStatus].map(([status, codes]) => [
    status,
    {
      description: codes.map((code) => problemCatalogue[code].title).join('; or: '),
      content: {
        [PROBLEM_MEDIA_TYPE]: {
          schema: schemaOf(problemSchema, 'output', components),
          examples: Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }])),
        },
      },
    },
  ]);
}

function exampleOf(code: ProblemCode): Json {
  return { type: `/problems/${code}`, ...problemCatalogue[code] };
}

/**
 * A schema in JSON Schema 2020-12. Named ones become components. Job and policy documents look the same in both directions:
 * they are sent as people write them, so their written side is described.
 */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', components: Map<string, Json>): Json {
  const found = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-2020-12',
    reused: 'inline',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (io === 'output') delete jsonSchema.additionalProperties;
    },
  });
  return withComponents(found as Json, components);
}

/** Moves `$defs` into the components and lets references point there. */
function withComponents(schema: Json, components: Map<string, Json>): Json {
  const { $schema: _dialect, $defs, id, ...rest } = schema;
  for (const [name, definition] of Object.entries(($defs as Json | undefined) ?? {}))
    components.set(name, withoutId(rewritten(definition)) as Json);
  const own = rewritten(rest) as Json;
  if (typeof id !== 'string') return own;
  components.set(id, own);
  return { $ref: `#/components/schemas/${id}` };
}

function withoutId(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { id: _id, ...rest } = value as Record<string, unknown>;
  return rest;
}

function rewritten(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewritten);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string'
        ? inner.replace('#/$defs/', '#/components/schemas/')
        : rewritten(inner),
    ]),
  );
}
