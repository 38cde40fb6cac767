import type { z } from 'zod';
import type { ProblemCode } from './problem';
import type { Access } from './roles';

export type Method = 'get' | 'post' | 'put' | 'delete';

/** One form of a body: its media type, and its schema unless it is plain text or bytes. */
export interface Content {
  readonly mediaType: string;
  readonly schema: z.ZodType | 'text' | 'bytes';
  readonly example?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly description: string;
  /** Several when the caller chooses by Accept; none for an empty body. */
  readonly content: readonly Content[];
}

/** One operation of the API: the only source of the route guard, of the OpenAPI document and of the tables that test both. */
export interface Route {
  readonly id: string;
  readonly method: Method;
  /** With `{name}` for each parameter. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly access: Access;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly body?: readonly Content[];
  readonly answers: readonly Answer[];
  /** Beyond those that every route with its access may answer with, see `problemsOfRoute`. */
  readonly problems: readonly ProblemCode[];
}

export const json = (schema: z.ZodType, example?: unknown): readonly Content[] => [
  { mediaType: 'application/json', schema, ...(example === undefined ? {} : { example }) },
];

/** A document that may be written in either notation. */
export const jsonOrYaml = (schema: z.ZodType, example: unknown): readonly Content[] => [
  { mediaType: 'application/json', schema, example },
  { mediaType: 'application/yaml', schema, example },
];

export const text = (example: string): readonly Content[] => [
  { mediaType: 'text/plain', schema: 'text', example },
];

export const bytes: readonly Content[] = [
  { mediaType: 'application/octet-stream', schema: 'bytes' },
  { mediaType: 'application/x-tar', schema: 'bytes' },
];

export const ok = (description: string, content: readonly Content[]): Answer => ({
  status: 200,
  description,
  content,
});

const byAccess: { readonly [K in Access['kind']]: readonly ProblemCode[] } = {
  public: ['rate-limited', 'internal'],
  roles: ['unauthenticated', 'forbidden', 'rate-limited', 'internal'],
  'attempt-token': ['unauthenticated', 'attempt-over', 'rate-limited', 'internal'],
};

/** Every problem that a route may answer with. */
export function problemsOfRoute({ access, problems, body, query }: Route): readonly ProblemCode[] {
  const forBody: readonly ProblemCode[] =
    body === undefined ? [] : ['malformed-request', 'too-large', 'unsupported-media-type'];
  const forQuery: readonly ProblemCode[] = query === undefined ? [] : ['invalid-request'];
  return [...new Set([...byAccess[access.kind], ...forBody, ...forQuery, ...problems])];
}

/** `/v1/jobs/{jobId}` as routers write it: `/v1/jobs/:jobId`. */
export function routerPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

/** The names of the parameters in a path. */
export function pathParameters(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
}
