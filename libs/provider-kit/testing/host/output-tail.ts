import type { Readable } from 'node:stream';

/** What a cloud shows of a serial console. */
const MAX_BYTES = 65_536;

/** The last part of what some streams said. */
export class OutputTail {
  private kept = Buffer.alloc(0);

  follow(stream: Readable): void {
    stream.on('data', (part: Buffer) => {
      this.kept = Buffer.concat([this.kept, part]).subarray(-MAX_BYTES);
    });
  }

  text(): string {
    return this.kept.toString();
  }
}
