/** One event of a stream after the HTML standard, as far as the router uses it. */
export interface ServerSentEvent {
  readonly id: string | null;
  readonly data: string;
}

/** Nothing that the router sends is longer; a stream that never ends a line is given up. */
const MAX_PENDING_CHARACTERS = 4 * 1024 * 1024;
const LINE_END = /\r\n|\n|\r(?!$)/;

/** The events of a stream in their order. Comments are left out, and so is an event that the end cut off. */
export async function* serverSentEvents(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent> {
  let fields: string[] = [];
  for await (const line of linesOf(chunks)) {
    if (line !== '') {
      fields.push(line);
      continue;
    }
    const event = eventOf(fields);
    fields = [];
    if (event !== null) yield event;
  }
}

/** The event that these lines describe, or null when they carry no data. */
function eventOf(lines: readonly string[]): ServerSentEvent | null {
  const fields = lines.map(fieldOf);
  const data = fields.filter(({ name }) => name === 'data').map(({ value }) => value);
  if (data.length === 0) return null;
  const id = fields.findLast(({ name }) => name === 'id')?.value ?? null;
  return { id, data: data.join('\n') };
}

function fieldOf(line: string): { readonly name: string; readonly value: string } {
  const colon = line.indexOf(':');
  if (colon < 0) return { name: line, value: '' };
  const value = line.slice(colon + 1);
  return { name: line.slice(0, colon), value: value.startsWith(' ') ? value.slice(1) : value };
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of chunks) {
    pending += decoder.decode(chunk, { stream: true });
    const lines = pending.split(LINE_END);
    pending = lines.pop() ?? '';
    if (pending.length > MAX_PENDING_CHARACTERS) throw new RangeError('the stream has no lines');
    yield* lines;
  }
}
