import { serverSentEvents, type ServerSentEvent } from './server-sent-events';

async function read(parts: readonly string[]): Promise<readonly ServerSentEvent[]> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const part of parts) yield Buffer.from(part, 'latin1');
  }
  const events: ServerSentEvent[] = [];
  for await (const event of serverSentEvents(chunks())) events.push(event);
  return events;
}
const utf8 = (text: string) => Buffer.from(text).toString('latin1');

describe('a stream of events', () => {
  const stream = utf8(
    'retry: 2000\n\n: still here\n\nid: 7\nevent: x\ndata: {"a":\ndata: "ü"}\n\ndata:b\r\n\r\ndata: c\r\rid: 9\ndata: cut',
  );
  const expected = [
    { id: '7', data: '{"a":\n"ü"}' },
    { id: null, data: 'b' },
    { id: null, data: 'c' },
  ];

  it('is read whole, without comments and without what was cut off', async () => {
    expect(await read([stream])).toEqual(expected);
  });

  it('is the same wherever it is broken into parts', async () => {
    for (let at = 1; at < stream.length; at += 1)
      expect(await read([stream.slice(0, at), stream.slice(at)])).toEqual(expected);
    expect(await read([...stream])).toEqual(expected);
  });

  it('is given up when it never ends a line', async () => {
    const part = 'x'.repeat(1024 * 1024);
    await expect(read([part, part, part, part, part])).rejects.toThrow(RangeError);
  });
});
