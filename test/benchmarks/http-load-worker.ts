import { parentPort, workerData } from 'node:worker_threads';
import { Client } from 'undici';
import type { LoadAnswer, LoadTarget } from './http-load';
import { timeTogether, type Timing } from './measure';

/** The sending side of `http-load`, in a thread of its own. Sends as many requests as each message says. */
const { url, path, body, keys } = workerData as LoadTarget;
const port = parentPort;
if (port === null) throw new Error('this file is a worker thread');

const CREATED = 201;
const connections = keys.map(() => new Client(url, { pipelining: 1 }));

port.on('message', (count: number) => {
  void send(count).then(
    (timing) => answer({ ok: true, timing }),
    (error: unknown) => answer({ ok: false, problem: String(error) }),
  );
});

function send(count: number): Promise<Timing> {
  return timeTogether(count, connections.length, async (lane) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${keys[lane]}` };
    const reply = await connections[lane]?.request({ method: 'POST', path, headers, body });
    if (reply?.statusCode !== CREATED)
      throw new Error(`answered ${reply?.statusCode}: ${await reply?.body.text()}`);
    await reply.body.dump();
  });
}

function answer(message: LoadAnswer): void {
  port?.postMessage(message);
}
