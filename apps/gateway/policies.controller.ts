import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  access,
  diffQuerySchema,
  historyQuerySchema,
  mayCall,
  Messages,
  newPolicyQuerySchema,
  WHAT_IF_DEFAULT,
  whatIfQuerySchema,
  type MessageReply,
  type PolicyDiffView,
  type PolicyHistoryView,
  type PolicyVersionView,
  type WhatIfView,
} from '#libs/contracts';
import { policyInForce, scopeCovers } from '#libs/domain';
import { principalOf } from './auth';
import { placed } from './document-text';
import { parse, parsePolicy } from './parse';
import { requireProject, requireReach, type Principal } from './principal';
import { found, Refusal } from './refusal';
import { diffView, historyView, versionView, whatIfView } from './views/policy-view';

const DEFAULT_HISTORY = 100;
/** Two what-ifs at a time; the next may try again when one of them is likely to be through. */
const BUSY_RETRY_MS = 15_000;

type Version = MessageReply<'policy.list'>['versions'][number];

/** Policies and their versions, what they say and what they would do; the policy engine owns them. */
@Controller('v1/policies')
export class PoliciesController {
  constructor(private readonly messages: Messages) {}

  @Get()
  async list(@Req() request: FastifyRequest): Promise<{ items: readonly PolicyVersionView[] }> {
    const by = principalOf(request);
    const { versions } = await this.messages.send('policy.list', {});
    return { items: versions.filter((version) => maySee(by, version)).map(versionView) };
  }

  @Post()
  async create(
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PolicyVersionView> {
    const by = authorOf(request);
    const { comment = null } = parse(newPolicyQuerySchema, query);
    const document = parsePolicy(body);
    const answer = await this.messages.send('policy.create', { document, by, comment });
    if (answer.kind === 'refused')
      throw new Refusal('invalid-policy', { problems: placed(answer.problems, body) });
    reply.status(answer.kind === 'known' ? 200 : 201);
    return versionView(answer.version);
  }

  @Post('check')
  @HttpCode(200)
  async check(@Body() body: unknown): Promise<MessageReply<'policy.check'>> {
    const found = await this.messages.send('policy.check', { document: parsePolicy(body) });
    return { problems: placed(found.problems, body), warnings: placed(found.warnings, body) };
  }

  @Post('what-if')
  @HttpCode(200)
  async whatIf(
    @Body() body: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<WhatIfView> {
    const by = principalOf(request);
    const { last = WHAT_IF_DEFAULT, project, from, to } = parse(whatIfQuerySchema, query);
    if (project !== undefined) requireProject(by, project);
    const document = parsePolicy(body);
    const answer = await this.messages.send('policy.what-if', {
      document,
      projects:
        project === undefined ? (by.projects === null ? null : [...by.projects]) : [project],
      fromMs: momentOf(from),
      toMs: momentOf(to),
      last,
    });
    switch (answer.kind) {
      case 'reported':
        return whatIfView(document.name, answer);
      case 'invalid':
        throw new Refusal('invalid-policy', { problems: answer.problems });
      case 'busy':
        throw new Refusal('rate-limited', {
          detail: 'others ask what would be already',
          retryAfterMs: BUSY_RETRY_MS,
        });
    }
  }

  @Get(':name/history')
  async history(
    @Param('name') name: string,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<PolicyHistoryView> {
    const { limit = DEFAULT_HISTORY } = parse(historyQuerySchema, query);
    return historyView(name, await this.historyOf(name, limit, principalOf(request)));
  }

  @Get(':name/diff')
  async diff(
    @Param('name') name: string,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
  ): Promise<PolicyDiffView> {
    const wish = parse(diffQuerySchema, query);
    const { versions } = await this.historyOf(name, 1, principalOf(request));
    const numbered = (version: number): Version =>
      found(
        versions.find((each) => each.version === version),
        'version of the policy',
      );
    const active = versions.find(({ state }) => policyInForce.has(state)) ?? null;
    const before = wish.from === undefined ? active : numbered(wish.from);
    const after = wish.to === undefined ? found(versions[0], 'policy') : numbered(wish.to);
    return {
      name,
      from: before?.version ?? null,
      to: after.version,
      ...diffView(before?.document ?? null, after.document),
    };
  }

  /** A policy of which the key may see nothing does not exist for it. */
  private async historyOf(
    name: string,
    limit: number,
    by: Principal,
  ): Promise<MessageReply<'policy.history'>> {
    const history = await this.messages.send('policy.history', { name, limit });
    const isVisible = history.versions.some((version) => concerns(by, version));
    return found(isVisible ? history : null, 'policy');
  }
}

/** Policies hold for every project, so that only a key for all of them may change one. */
export function authorOf(request: FastifyRequest): string {
  const by = principalOf(request);
  requireReach(by, null);
  return by.name;
}

/** Who operates sees every version; everybody else what counts, or is going to at a known time. */
function maySee(by: Principal, version: Version): boolean {
  if (!concerns(by, version)) return false;
  const { state } = version;
  return mayCall(access.operate, by.roles) || policyInForce.has(state) || state === 'scheduled';
}

/** Whether a policy speaks of a project that the key sees. */
function concerns({ projects }: Principal, { document: { scope } }: Version): boolean {
  return projects === null || projects.some((project) => scopeCovers(scope, project));
}

function momentOf(text: string | undefined): number | null {
  return text === undefined ? null : Date.parse(text);
}
