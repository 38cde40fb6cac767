import type { MessagePattern, MessageReply, MessageRequest } from '#libs/contracts';
import type { Storage } from '#libs/storage';
import type { ManualClock } from '#libs/testkit';
import { SilentDoorbell } from '../../../libs/queue/testing/silent-doorbell';
import { ApplyPolicies } from '../../policy-engine/apply-policies';
import { MovePolicy } from '../../policy-engine/move-policy';
import { PolicyBell } from '../../policy-engine/policy-bell';
import { PolicyLifeController } from '../../policy-engine/policy-life.controller';
import { SavePolicy } from '../../policy-engine/save-policy';
import { WarnAboutPolicy } from '../../policy-engine/warn-about-policy';
import { WhatIfPolicy } from '../../policy-engine/what-if-policy';

type Answers<P extends MessagePattern> = {
  readonly [Each in P]: (request: MessageRequest<Each>) => Promise<MessageReply<Each>>;
};

/** The policy engine's own answers about the life of policies, on the stores of the gateway. */
export function policyAnswers(
  storage: Storage,
  clock: ManualClock,
): Answers<
  | 'policy.create'
  | 'policy.check'
  | 'policy.list'
  | 'policy.move'
  | 'policy.apply'
  | 'policy.history'
  | 'policy.settings'
  | 'policy.configure'
  | 'policy.what-if'
> {
  const { policies } = storage;
  const save = new SavePolicy(policies, clock);
  const bell = new PolicyBell(storage.jobs, new SilentDoorbell());
  const engine = new PolicyLifeController(
    save,
    new WarnAboutPolicy(storage, clock),
    new MovePolicy(policies, bell, clock),
    new ApplyPolicies(policies, save, bell, clock),
    new WhatIfPolicy(storage, save, clock),
    policies,
    clock,
  );
  return {
    'policy.create': (request) => engine.create(request),
    'policy.check': (request) => engine.check(request),
    'policy.list': (request) => engine.list(request),
    'policy.move': (request) => engine.move(request),
    'policy.apply': (request) => engine.apply(request),
    'policy.history': (request) => engine.history(request),
    'policy.settings': (request) => engine.settings(request),
    'policy.configure': (request) => engine.configure(request),
    'policy.what-if': (request) => engine.whatIf(request),
  };
}
