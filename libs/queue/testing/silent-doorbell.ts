import type { Doorbell, Ring } from '../doorbell';

/** A doorbell that is heard by nobody and remembers who rang. */
export class SilentDoorbell implements Doorbell {
  readonly rings: Ring[] = [];

  ring(ring: Ring): void {
    this.rings.push(ring);
  }

  rung(queue: Ring['queue']): readonly Ring[] {
    return this.rings.filter((each) => each.queue === queue);
  }
}
