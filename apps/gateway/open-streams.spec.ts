import { EventEmitter, once } from 'node:events';
import { Readable } from 'node:stream';
import { OpenStreams, STREAMS_PER_KEY, STREAMS_PER_PROCESS } from './open-streams';

const endless = () => new Readable({ read: () => undefined });
const open = (streams: OpenStreams, id: string) =>
  streams.open({ id }, new EventEmitter(), endless);

async function close(stream: Readable): Promise<void> {
  const closed = once(stream, 'close');
  stream.destroy();
  await closed;
}

it('refuses a key more streams than it may have, until one of them is closed', async () => {
  const streams = new OpenStreams();
  const mine = Array.from({ length: STREAMS_PER_KEY }, () => open(streams, 'mine'));
  const refusal = expect.objectContaining({ code: 'rate-limited', statusCode: 429 });
  expect(() => open(streams, 'mine')).toThrow(refusal);
  const other = open(streams, 'other');
  const [first] = mine;
  if (first !== undefined) await close(first);
  mine.push(open(streams, 'mine'));
  expect(() => open(streams, 'mine')).toThrow(refusal);
  for (const stream of [...mine, other]) stream.destroy();
});

it('refuses everybody when the process has as many as it keeps', async () => {
  const streams = new OpenStreams();
  const all = Array.from({ length: STREAMS_PER_PROCESS }, (_, index) =>
    open(streams, `key-${Math.floor(index / STREAMS_PER_KEY)}`),
  );
  expect(() => open(streams, 'new')).toThrow('too many streams');
  await Promise.all(all.map(close));
  open(streams, 'new').destroy();
});

it('counts nothing that could not be opened', () => {
  const streams = new OpenStreams();
  const fail = (): Readable => {
    throw new Error('no');
  };
  for (let tries = 0; tries <= STREAMS_PER_KEY; tries += 1)
    expect(() => streams.open({ id: 'a' }, new EventEmitter(), fail)).toThrow('no');
  open(streams, 'a').destroy();
});

it('tells the maker of a stream when its reader has gone', () => {
  const answer = new EventEmitter();
  let signal: AbortSignal | null = null;
  const make = (gone: AbortSignal) => {
    signal = gone;
    return endless();
  };
  const stream = new OpenStreams().open({ id: 'a' }, answer, make);
  expect(signal).toMatchObject({ aborted: false });
  answer.emit('close');
  expect(signal).toMatchObject({ aborted: true });
  stream.destroy();
});
