import { Injectable } from '@nestjs/common';
import type { Role } from '#libs/contracts';
import { Clock, Ids } from '#libs/runtime';
import { ApiKeys, type ApiKey } from '#libs/storage';
import { digestOfSecret, newSecret, writeApiKey } from './api-key';

export interface KeyWish {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly projects: readonly string[] | null;
}

/** What is kept of a key, and the key itself. */
export interface DraftedKey {
  readonly stored: ApiKey;
  readonly key: string;
}

/** Make an API key. The key itself is returned this once; only a digest of its secret is kept. */
@Injectable()
export class IssueApiKey {
  constructor(
    private readonly keys: ApiKeys,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  async run(wish: KeyWish, createdBy: string): Promise<DraftedKey> {
    const drafted = this.draft(wish, createdBy);
    await this.keys.create(drafted.stored);
    return drafted;
  }

  /** A key that works once its `stored` part is. */
  draft(wish: KeyWish, createdBy: string): DraftedKey {
    const id = this.ids.next('key');
    const secret = newSecret();
    const stored: ApiKey = {
      ...wish,
      id,
      secretDigest: digestOfSecret(secret),
      createdAtMs: this.clock.nowMs(),
      createdBy,
      revokedAtMs: null,
    };
    return { stored, key: writeApiKey({ id, secret }) };
  }
}
