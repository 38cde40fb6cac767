import { eventViewSchema, type EventView } from '#libs/contracts';
import type { Api } from './api';

const STREAM_LIMIT_MS = 60_000;

/** The events of a job as they are streamed, until the router ends the stream. */
export async function streamOf(
  { url, key }: Api,
  jobId: string,
  lastEventId?: number,
): Promise<readonly EventView[]> {
  const response = await fetch(`${url}/v1/jobs/${jobId}/events`, {
    headers: {
      accept: 'text/event-stream',
      authorization: `Bearer ${key}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }),
    },
    signal: AbortSignal.timeout(STREAM_LIMIT_MS),
  });
  const frames = (await response.text()).split('\n\n');
  return frames.flatMap((frame) => {
    const data = /^data: (.*)$/m.exec(frame)?.[1];
    return data === undefined ? [] : [eventViewSchema.parse(JSON.parse(data))];
  });
}
