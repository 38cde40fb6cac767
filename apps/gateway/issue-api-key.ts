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

/** Make an API key. The key itself is returned this once; only a digest of its secret is kept. */
@Injectable()
export class IssueApiKey {
  constructor(
    private readonly keys: ApiKeys,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  async run(wish: KeyWish, createdBy: string): Promise<{ stored: ApiKey; key: string }> {
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
    await this.keys.create(stored);
    return { stored, key: writeApiKey({ id, secret }) };
  }
}
