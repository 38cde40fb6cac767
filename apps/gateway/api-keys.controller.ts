import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { newApiKeySchema, type ApiKeyView, type CreatedApiKeyView } from '#libs/contracts';
import { Clock } from '#libs/runtime';
import { ApiKeys, type ApiKey } from '#libs/storage';
import { principalOf } from './auth';
import { IssueApiKey } from './issue-api-key';
import { parse } from './parse';
import { coversProjects, requireReach } from './principal';
import { found } from './refusal';
import { timeOf, timeOrNull } from './views/times';

/** API keys; their secrets are shown once and kept nowhere. A key for some projects sees and makes only keys within them. */
@Controller('v1/api-keys')
export class ApiKeysController {
  constructor(
    private readonly issue: IssueApiKey,
    private readonly keys: ApiKeys,
    private readonly clock: Clock,
  ) {}

  @Get()
  async list(@Req() request: FastifyRequest): Promise<{ items: readonly ApiKeyView[] }> {
    const by = principalOf(request);
    const seen = (await this.keys.list()).filter(({ projects }) => coversProjects(by, projects));
    return { items: seen.map(keyView) };
  }

  @Post()
  async create(@Body() body: unknown, @Req() request: FastifyRequest): Promise<CreatedApiKeyView> {
    const wish = parse(newApiKeySchema, body);
    const by = principalOf(request);
    requireReach(by, wish.projects);
    const { stored, key } = await this.issue.run(wish, by.id);
    const { revokedAt: _never, ...view } = keyView(stored);
    return { ...view, key };
  }

  @Delete(':keyId')
  @HttpCode(204)
  async revoke(@Param('keyId') keyId: string, @Req() request: FastifyRequest): Promise<void> {
    const by = principalOf(request);
    const key = await this.keys.get(keyId);
    const { id } = found(key !== null && coversProjects(by, key.projects) ? key : null, 'key');
    await this.keys.revoke(id, this.clock.nowMs());
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
