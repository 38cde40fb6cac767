import { Injectable } from '@nestjs/common';
import { Clock, Ids } from '#libs/runtime';

/** Time and names together, so that a use case that makes new things has one dependency for both. */
@Injectable()
export class ClockAndIds {
  constructor(
    readonly clock: Clock,
    readonly ids: Ids,
  ) {}
}
