import { Body, Controller, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  activationSchema,
  formatMoney,
  Messages,
  type FieldProblem,
  type MessageReply,
  type PolicyVersionView,
} from '#libs/contracts';
import type { PolicyDocument, Preferences } from '#libs/domain';
import { principalOf } from './auth';
import { parse, parsePolicy } from './parse';
import { requireReach } from './principal';
import { Refusal } from './refusal';
import { timeOf } from './views/times';

/** Policies and their versions; the policy engine owns them. */
@Controller('v1/policies')
export class PoliciesController {
  constructor(private readonly messages: Messages) {}

  @Get()
  async list(): Promise<{ items: readonly PolicyVersionView[] }> {
    const { versions } = await this.messages.send('policy.list', {});
    return { items: versions.map(versionView) };
  }

  @Post()
  async create(@Body() body: unknown, @Req() request: FastifyRequest): Promise<PolicyVersionView> {
    const by = authorOf(request);
    const reply = await this.messages.send('policy.create', { document: parsePolicy(body), by });
    if (reply.kind === 'created') return versionView(reply.version);
    throw new Refusal('invalid-policy', { problems: reply.problems });
  }

  @Post('check')
  @HttpCode(200)
  async check(@Body() body: unknown): Promise<{ problems: readonly FieldProblem[] }> {
    return this.messages.send('policy.check', { document: parsePolicy(body) });
  }

  @Post(':name/activate')
  @HttpCode(204)
  async activate(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    const by = authorOf(request);
    const { version } = parse(activationSchema, body);
    const { kind } = await this.messages.send('policy.activate', { name, version, by });
    if (kind === 'not-found')
      throw new Refusal('not-found', { detail: 'there is no such version of the policy' });
  }
}

/** Policies hold for every project, so that only a key for all of them may change one. */
function authorOf(request: FastifyRequest): string {
  const by = principalOf(request);
  requireReach(by, null);
  return by.name;
}

type Version = MessageReply<'policy.list'>['versions'][number];

function versionView({ document, ...version }: Version): PolicyVersionView {
  return {
    name: document.name,
    version: version.version,
    active: version.active,
    createdAt: timeOf(version.createdAtMs),
    createdBy: version.createdBy,
    document: documentView(document),
  };
}

/** The document in the words in which people write it. */
function documentView(document: PolicyDocument): PolicyVersionView['document'] {
  const preferences = Object.entries(document.preferences).map(
    ([workload, wishes]) => [workload, preferencesView(wishes)] as const,
  );
  return {
    kind: document.kind,
    name: document.name,
    description: document.description,
    rules: document.rules.map((rule) => ({ ...rule })),
    preferences: Object.fromEntries(preferences),
  };
}

function preferencesView(wishes: Partial<Preferences>): Readonly<Record<string, string | number>> {
  const { waitingCostPerHour, latenessCost, ...numbers } = wishes;
  return {
    ...numbers,
    ...(waitingCostPerHour === undefined
      ? {}
      : { waitingCostPerHour: formatMoney(waitingCostPerHour) }),
    ...(latenessCost === undefined ? {} : { latenessCost: formatMoney(latenessCost) }),
  };
}
