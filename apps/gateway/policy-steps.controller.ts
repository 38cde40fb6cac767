import { Body, Controller, Get, HttpCode, Param, Post, Put, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  activationSchema,
  applicationSchema,
  Messages,
  newPolicySettingSchema,
  parsePolicyDocument,
  rollbackSchema,
  submissionSchema,
  verdictSchema,
  type AppliedView,
  type FieldProblem,
  type MessageReply,
  type PolicyMovedView,
  type PolicySettingsView,
  type ProblemCode,
} from '#libs/contracts';
import {
  policyRemedies,
  type PolicyDocument,
  type PolicyRefusal,
  type PolicyWish,
} from '#libs/domain';
import { parse } from './parse';
import { authorOf } from './policies.controller';
import { Refusal } from './refusal';
import { appliedView, movedView, settingsView } from './views/policy-view';

/** The steps of a policy's life. Repeating one that was taken changes nothing more. */
@Controller('v1/policies')
export class PolicyStepsController {
  constructor(private readonly messages: Messages) {}

  @Post('apply')
  @HttpCode(200)
  async apply(@Body() body: unknown, @Req() request: FastifyRequest): Promise<AppliedView> {
    const by = authorOf(request);
    const { documents, at, ...wish } = parse(applicationSchema, body);
    const answer = await this.messages.send('policy.apply', {
      ...wish,
      documents: parseDocuments(documents),
      atMs: momentOf(at),
      by,
    });
    if (answer.kind === 'applied') return appliedView(answer, wish.dryRun);
    throw refusalOf(answer);
  }

  @Post(':name/submit')
  @HttpCode(200)
  async submit(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<PolicyMovedView> {
    const { version, at, comment } = parse(submissionSchema, body);
    return this.step(name, { do: 'submit', version, atMs: momentOf(at) }, comment, request);
  }

  @Post(':name/approve')
  @HttpCode(200)
  async approve(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<PolicyMovedView> {
    const { version, comment } = parse(verdictSchema, body);
    return this.step(name, { do: 'approve', version }, comment, request);
  }

  @Post(':name/reject')
  @HttpCode(200)
  async reject(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<PolicyMovedView> {
    const { version, comment } = parse(verdictSchema, body);
    return this.step(name, { do: 'reject', version }, comment, request);
  }

  @Post(':name/withdraw')
  @HttpCode(200)
  async withdraw(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<PolicyMovedView> {
    const { version, comment } = parse(verdictSchema, body);
    return this.step(name, { do: 'withdraw', version }, comment, request);
  }

  @Post(':name/activate')
  @HttpCode(200)
  async activate(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<PolicyMovedView> {
    const { version, at, comment } = parse(activationSchema, body);
    const wish: PolicyWish =
      version === null ? { do: 'retire' } : { do: 'activate', version, atMs: momentOf(at) };
    return this.step(name, wish, comment, request);
  }

  @Post(':name/rollback')
  @HttpCode(200)
  async rollBack(
    @Param('name') name: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
  ): Promise<PolicyMovedView> {
    const { to, comment } = parse(rollbackSchema, body);
    return this.step(name, { do: 'roll-back', to }, comment, request);
  }

  private async step(
    name: string,
    wish: PolicyWish,
    comment: string | null,
    request: FastifyRequest,
  ): Promise<PolicyMovedView> {
    const by = authorOf(request);
    const answer = await this.messages.send('policy.move', { name, wish, by, comment });
    if (answer.kind === 'moved') return movedView(answer);
    throw refusalOf(answer);
  }
}

/** Where changes of policies need a second person. */
@Controller('v1/policy-settings')
export class PolicySettingsController {
  constructor(private readonly messages: Messages) {}

  @Get()
  async show(): Promise<PolicySettingsView> {
    return settingsView(await this.messages.send('policy.settings', {}));
  }

  @Put()
  async set(@Body() body: unknown, @Req() request: FastifyRequest): Promise<PolicySettingsView> {
    const by = authorOf(request);
    const setting = parse(newPolicySettingSchema, body);
    await this.messages.send('policy.configure', { ...setting, by });
    return this.show();
  }
}

/** All of them, or a refusal with everything that is wrong with any. */
function parseDocuments(documents: readonly unknown[]): PolicyDocument[] {
  const parsed = documents.map(parsePolicyDocument);
  const read = parsed.flatMap((one) => (one.ok ? [one.document] : []));
  const problems = parsed.flatMap((one, index) =>
    one.ok
      ? []
      : one.problems.map((problem) => ({
          ...problem,
          pointer: `/documents/${index}${problem.pointer}`,
        })),
  );
  if (problems.length > 0) throw new Refusal('invalid-policy', { problems });
  return read;
}

const codeOf: { readonly [R in PolicyRefusal]: ProblemCode } = {
  'no-such-version': 'not-found',
  'approval-required': 'approval-required',
  'second-person-required': 'second-person-required',
  'not-in-that-state': 'policy-state',
  'never-in-force': 'policy-state',
};

/** What the policy engine did not do, with what helps. */
function refusalOf(
  answer: Exclude<MessageReply<'policy.move' | 'policy.apply'>, { kind: 'moved' | 'applied' }>,
): Refusal {
  if (answer.kind === 'invalid')
    return new Refusal('invalid-policy', { problems: answer.problems });
  const { name, refusal, state } = answer;
  const stands = state === null ? 'there is no such version' : `the version is ${state}`;
  const problem: FieldProblem = {
    pointer: '',
    code: refusal,
    message: `policy ${name}: ${stands}`,
    remedy: policyRemedies[refusal],
  };
  return new Refusal(codeOf[refusal], { detail: problem.message, problems: [problem] });
}

function momentOf(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}
