import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  problem,
  PROBLEM_MEDIA_TYPE,
  problemsOfRoute,
  routes,
  type Problem,
  type ProblemCode,
  type Route,
} from '#libs/contracts';

export interface Heard {
  readonly operation: string;
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

/** What a router could answer: a document of the operation, a problem of it, text, or a broken connection. */
export type Reply =
  | { readonly document: unknown; readonly status?: number }
  | { readonly problem: ProblemCode; readonly more?: Parameters<typeof problem>[1] }
  | {
      readonly text: string;
      readonly type: string;
      readonly break?: boolean;
      readonly open?: boolean;
    }
  | { readonly raw: string; readonly status: number }
  | 'break'
  | 'empty';

export type Replies = Readonly<Record<string, (heard: Heard) => Reply>>;

export interface StandIn {
  readonly url: string;
  readonly heard: readonly Heard[];
  /** What it was asked or told to answer against the contract; a test that ends with any is wrong. */
  readonly broken: readonly string[];
  close(): Promise<void>;
}

/** A server that speaks the protocol of the API and nothing else: requests and answers are checked against the contracts. */
export async function startStandIn(replies: Replies): Promise<StandIn> {
  const heard: Heard[] = [];
  const broken: string[] = [];
  const server = createServer((request, response) => {
    void answer(request, response, replies, heard, broken);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    heard,
    broken,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  replies: Replies,
  heard: Heard[],
  broken: string[],
): Promise<void> {
  const url = new URL(request.url ?? '', 'http://stand-in');
  const match = routeOf(request.method ?? '', url.pathname);
  const reply = match === null ? undefined : replies[match.route.id];
  if (match === null || reply === undefined) {
    broken.push(`nothing answers ${request.method} ${url.pathname}`);
    request.socket.destroy();
    return;
  }
  const { route, path } = match;
  const text = await textOf(request);
  const isCsv = request.headers['content-type'] === 'text/csv';
  const body: unknown = isCsv ? text : text === '' ? undefined : JSON.parse(text);
  const said: Heard = {
    operation: route.id,
    path,
    query: url.searchParams,
    headers: request.headers,
    body,
  };
  heard.push(said);
  broken.push(...requestFaults(route, said));
  write(response, route, reply(said), broken);
}

function routeOf(method: string, pathname: string) {
  for (const route of routes) {
    const names: string[] = [];
    const pattern = route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
      names.push(name);
      return '([^/]+)';
    });
    const found = new RegExp(`^${pattern.replaceAll('.', '\\.')}$`).exec(pathname);
    const isExact = !pathname.endsWith('/plan') || route.id === 'planJob';
    if (found !== null && isExact && route.method === method.toLowerCase()) {
      const values = found.slice(1).map(decodeURIComponent);
      return { route, path: Object.fromEntries(names.map((name, at) => [name, values[at] ?? ''])) };
    }
  }
  return null;
}

function requestFaults(route: Route, { query, headers }: Heard): readonly string[] {
  const asked = route.query?.safeParse(Object.fromEntries(query));
  const headed = route.headers?.safeParse(headers);
  return [
    ...(asked?.success === false ? [`${route.id} query: ${asked.error.message}`] : []),
    ...(headed?.success === false ? [`${route.id} headers: ${headed.error.message}`] : []),
  ];
}

function write(response: ServerResponse, route: Route, reply: Reply, broken: string[]): void {
  if (reply === 'break') {
    response.socket?.destroy();
    return;
  }
  const success = route.answers[0]?.status ?? 200;
  if (reply === 'empty') {
    response.writeHead(success).end();
    return;
  }
  if ('raw' in reply) {
    response.writeHead(reply.status, { 'content-type': 'text/html' }).end(reply.raw);
    return;
  }
  if ('problem' in reply) {
    if (!problemsOfRoute(route).includes(reply.problem))
      broken.push(`${route.id} never answers with ${reply.problem}`);
    const document: Problem = problem(reply.problem, reply.more);
    response.writeHead(document.status, { 'content-type': PROBLEM_MEDIA_TYPE });
    response.end(JSON.stringify(document));
    return;
  }
  if ('text' in reply) {
    response.writeHead(success, { 'content-type': reply.type });
    response.write(reply.text, () => {
      if (reply.break === true) response.socket?.destroy();
      else if (reply.open !== true) response.end();
    });
    return;
  }
  const schema = route.answers.flatMap(({ content }) => content)[0]?.schema;
  if (typeof schema === 'object') {
    const checked = schema.safeParse(reply.document);
    if (!checked.success) broken.push(`${route.id} answer: ${checked.error.message}`);
  }
  response.writeHead(reply.status ?? success, { 'content-type': 'application/json' });
  response.end(JSON.stringify(reply.document));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

/** Events as the stream carries them. */
export function streamOf(
  events: readonly { readonly sequence: number; readonly type: string }[],
): string {
  const frames = events.map(
    (event) => `id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
  );
  return `retry: 2000\n\n: still here\n\n${frames.join('')}`;
}
