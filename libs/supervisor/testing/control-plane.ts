import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SupervisorDirective, SupervisorVerdict, WorkloadExit } from '../protocol';

/** One request as it arrived, bodies left out. */
export interface Seen {
  readonly method: string;
  readonly route: string;
  readonly contentType: string | undefined;
}

export interface Uploaded {
  readonly body: Buffer;
  readonly contentType: string | undefined;
}

/** What a test may set while the bootstrap runs. */
export interface Script {
  verdict: (bootId: string) => SupervisorVerdict;
  directive: () => SupervisorDirective;
  /** A status to answer everything with instead, or null. */
  refuseWith: number | null;
  /** Answers reports of the exit with 503. */
  refuseExit: boolean;
  inputs: readonly Buffer[];
  checkpoint: Buffer | null;
}

/** A small control plane on loopback that speaks the protocol for real, can go down and come back on its port. */
export interface ControlPlane {
  readonly url: () => string;
  readonly script: Script;
  readonly seen: readonly Seen[];
  readonly exits: readonly WorkloadExit[];
  readonly boots: readonly string[];
  readonly checkpoints: readonly Uploaded[];
  readonly outputs: ReadonlyMap<number, Uploaded>;
  readonly logs: () => Buffer;
  readonly beats: () => number;
  readonly goDown: () => Promise<void>;
  readonly comeBack: () => Promise<void>;
}

export const TEST_TOKEN = 'fl_attempt_0123456789abcdef';
export const TEST_ATTEMPT = 'att_1';
const PREFIX = `/v1/attempts/${TEST_ATTEMPT}/`;

interface State {
  readonly script: Script;
  readonly seen: Seen[];
  readonly exits: WorkloadExit[];
  readonly boots: string[];
  readonly checkpoints: Uploaded[];
  readonly outputs: Map<number, Uploaded>;
  readonly chunks: Buffer[];
  logBytes: number;
  beats: number;
}

interface Reply {
  readonly status: number;
  readonly body?: string | Buffer;
}

type Route = (state: State, request: Incoming) => Reply;

interface Incoming {
  readonly body: Buffer;
  readonly contentType: string | undefined;
  readonly rest: string;
  readonly offset: number;
}

const routes: Readonly<Record<string, Route>> = {
  'POST start': (state, { body }) => {
    const { bootId } = JSON.parse(body.toString()) as { bootId: string };
    state.boots.push(bootId);
    return { status: 200, body: state.script.verdict(bootId) };
  },
  'POST heartbeat': (state) => {
    state.beats += 1;
    return { status: 200, body: state.script.directive() };
  },
  'POST logs': (state, { body, offset }) => {
    if (offset === state.logBytes) {
      state.chunks.push(body);
      state.logBytes += body.length;
    }
    return { status: 200, body: String(state.logBytes) };
  },
  'POST exit': (state, { body }) => {
    if (state.script.refuseExit) return { status: 503 };
    state.exits.push(JSON.parse(body.toString()) as WorkloadExit);
    return { status: 200 };
  },
  'GET inputs': ({ script }, { rest }) => {
    const input = script.inputs[Number(rest)];
    return input === undefined ? { status: 404 } : { status: 200, body: input };
  },
  'POST outputs': ({ outputs }, { body, contentType, rest }) => {
    outputs.set(Number(rest), { body, contentType });
    return { status: 200 };
  },
  'GET checkpoint': ({ script }) =>
    script.checkpoint === null ? { status: 404 } : { status: 200, body: script.checkpoint },
  'POST checkpoint': ({ checkpoints }, { body, contentType }) => {
    checkpoints.push({ body, contentType });
    return { status: 200 };
  },
};

export async function startControlPlane(): Promise<ControlPlane> {
  const state = emptyState();
  let server = createServer(answerFrom(state));
  await listening(server, 0);
  const { port } = server.address() as AddressInfo;
  return {
    ...state,
    url: () => `http://127.0.0.1:${port}`,
    logs: () => Buffer.concat(state.chunks),
    beats: () => state.beats,
    goDown: () => closed(server),
    comeBack: async () => {
      server = createServer(answerFrom(state));
      await listening(server, port);
    },
  };
}

function emptyState(): State {
  const script: Script = {
    verdict: () => 'run',
    directive: () => 'go',
    refuseWith: null,
    refuseExit: false,
    inputs: [],
    checkpoint: null,
  };
  const lists = { seen: [], exits: [], boots: [], checkpoints: [], outputs: new Map(), chunks: [] };
  return { script, ...lists, logBytes: 0, beats: 0 };
}

function answerFrom(state: State): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { status, body } = reply(state, request, Buffer.concat(parts));
      response.writeHead(status, { 'content-type': 'text/plain' }).end(body);
    });
  };
}

function reply(state: State, request: IncomingMessage, body: Buffer): Reply {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const [route = '', rest = ''] = url.pathname.slice(PREFIX.length).split('/');
  const contentType = request.headers['content-type'];
  state.seen.push({ method: request.method ?? '', route, contentType });
  if (!url.pathname.startsWith(PREFIX)) return { status: 404 };
  if (request.headers.authorization !== `Bearer ${TEST_TOKEN}`) return { status: 401 };
  if (state.script.refuseWith !== null) return { status: state.script.refuseWith };
  const offset = Number(url.searchParams.get('offset'));
  const answer = routes[`${request.method} ${route}`];
  return answer === undefined
    ? { status: 405 }
    : answer(state, { body, contentType, rest, offset });
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
