import { Clock } from './clock';

/** The time of this machine. */
export class SystemClock extends Clock {
  override nowMs(): number {
    return Date.now();
  }
}
