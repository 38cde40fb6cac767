import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { newApiKeySchema, type ApiKeyView, type CreatedApiKeyView } from '#libs/contracts';
import { Clock } from '#libs/runtime';
import { ApiKeys, type ApiKey } from '#libs/storage';
import { principalOf } from './auth';
import { IssueApiKey } from './issue-api-key';
import { parse } from './parse';
import { found } from './refusal';
import { timeOf, timeOrNull } from './views/times';

/** API keys; their secrets are shown once and kept nowhere. */
@Controller('v1/api-keys')
export class ApiKeysController {
  constructor(
    private readonly issue: IssueApiKey,
    private readonly keys: ApiKeys,
    private readonly clock: Clock,
  ) {}

  @Get()
  async list(): Promise<{ items: readonly ApiKeyView[] }> {
    return { items: (await this.keys.list()).map(keyView) };
  }

  @Post()
  async create(@Body() body: unknown, @Req() request: FastifyRequest): Promise<CreatedApiKeyView> {
    const wish = parse(newApiKeySchema, body);
    const { stored, key } = await this.issue.run(wish, principalOf(request).id);
    const { revokedAt: _never, ...view } = keyView(stored);
    return { ...view, key };
  }

  @Delete(':keyId')
  @HttpCode(204)
  async revoke(@Param('keyId') keyId: string): Promise<void> {
    found((await this.keys.revoke(keyId, this.clock.nowMs())) || null, 'key');
  }
}

function keyView(key: ApiKey): ApiKeyView {
  return {
    id: key.id,
    name: key.name,
    roles: [...key.roles],
    projects: key.projects === null ? null : [...key.projects],
    createdAt: timeOf(key.createdAtMs),
    createdBy: key.createdBy,
    revokedAt: timeOrNull(key.revokedAtMs),
  };
}
