import { examplePolicyVersion } from './examples';
import {
  exampleApplied,
  exampleDiff,
  exampleHistory,
  exampleSettings,
  exampleWhatIf,
} from './examples-policies';
import {
  activationSchema,
  applicationSchema,
  appliedSchema,
  diffQuerySchema,
  historyQuerySchema,
  newPolicyQuerySchema,
  newPolicySettingSchema,
  policyDiffSchema,
  policyHistorySchema,
  policyListSchema,
  policyMovedSchema,
  policyProblemsSchema,
  policySettingsSchema,
  policyVersionSchema,
  rollbackSchema,
  submissionSchema,
  verdictSchema,
  whatIfQuerySchema,
  whatIfSchema,
  type PolicyVersionView,
} from './http-policies';
import { policyDocumentSchema } from './policy';
import type { ProblemCode } from './problem';
import { access } from './roles';
import { json, jsonOrYaml, ok, type Content, type Route } from './route';

const policyBody = jsonOrYaml(policyDocumentSchema, examplePolicyVersion.document);
const settings = json(policySettingsSchema, exampleSettings);

/** What every step of a policy's life may be refused for. */
const refusals: readonly ProblemCode[] = [
  'not-found',
  'invalid-request',
  'invalid-policy',
  'approval-required',
  'second-person-required',
  'policy-state',
  'unavailable',
];

/** A step of a policy's life. Repeating one that was taken answers the same, with `changed` false. */
function step(
  id: string,
  path: string,
  summary: string,
  body: readonly Content[],
  version: Partial<PolicyVersionView> = {},
): Route {
  const moved = { changed: true, version: { ...examplePolicyVersion, ...version } };
  return {
    id,
    method: 'post',
    path: `/v1/policies/{name}/${path}`,
    tag: 'policies',
    summary,
    access: access.operate,
    body,
    answers: [ok('Where the version stands now.', json(policyMovedSchema, moved))],
    problems: refusals,
  };
}

/** Policies: what they say, what they would do, and their life. */
export const policyRoutes: readonly Route[] = [
  {
    id: 'listPolicies',
    method: 'get',
    path: '/v1/policies',
    tag: 'policies',
    summary: 'List the policies that the key may see, every version for those who operate',
    access: access.everyone,
    answers: [
      ok(
        'Newest first within a name. Keys that do not operate see what is in force or scheduled, and keys for some projects what speaks of those.',
        json(policyListSchema, { items: [examplePolicyVersion] }),
      ),
    ],
    problems: ['unavailable'],
  },
  {
    id: 'createPolicy',
    method: 'post',
    path: '/v1/policies',
    tag: 'policies',
    summary: 'Save a new version of a policy as a draft; it is not in force yet',
    access: access.operate,
    query: newPolicyQuerySchema,
    body: policyBody,
    answers: [
      {
        status: 201,
        description: 'Saved.',
        content: json(policyVersionSchema, {
          ...examplePolicyVersion,
          state: 'draft',
          active: false,
          proposedBy: null,
          approvedBy: null,
          activatedAt: null,
        }),
      },
      ok(
        'The newest version says the same already.',
        json(policyVersionSchema, examplePolicyVersion),
      ),
    ],
    problems: ['invalid-policy', 'unavailable'],
  },
  {
    id: 'checkPolicy',
    method: 'post',
    path: '/v1/policies/check',
    tag: 'policies',
    summary: 'Check a policy without saving it',
    access: access.operate,
    body: policyBody,
    answers: [
      ok(
        'Everything that is wrong with it.',
        json(policyProblemsSchema, { problems: [], warnings: [] }),
      ),
    ],
    problems: ['unavailable'],
  },
  {
    id: 'whatIfPolicy',
    method: 'post',
    path: '/v1/policies/what-if',
    tag: 'policies',
    summary: 'Make the last decisions again under a draft and report what comes out differently',
    access: access.operate,
    query: whatIfQuerySchema,
    body: policyBody,
    answers: [
      ok(
        'The report. Its period of effect is left aside: the draft counts throughout. Keys for some projects see only those.',
        json(whatIfSchema, exampleWhatIf),
      ),
    ],
    problems: ['invalid-policy', 'unavailable'],
  },
  {
    id: 'applyPolicies',
    method: 'post',
    path: '/v1/policies/apply',
    tag: 'policies',
    summary: 'Make the policies in force those of a set of documents, all of it or nothing',
    access: access.operate,
    body: json(applicationSchema, { documents: [examplePolicyVersion.document], dryRun: true }),
    answers: [
      ok(
        'What became of each. Where a second person is needed, versions await approval and take effect with it.',
        json(appliedSchema, exampleApplied),
      ),
    ],
    problems: refusals,
  },
  {
    id: 'policyHistory',
    method: 'get',
    path: '/v1/policies/{name}/history',
    tag: 'policies',
    summary: 'Every version of a policy, and who did what to it and why',
    access: access.audit,
    query: historyQuerySchema,
    answers: [ok('Newest first.', json(policyHistorySchema, exampleHistory))],
    problems: ['not-found', 'unavailable'],
  },
  {
    id: 'diffPolicy',
    method: 'get',
    path: '/v1/policies/{name}/diff',
    tag: 'policies',
    summary: 'What one version of a policy says differently than another',
    access: access.audit,
    query: diffQuerySchema,
    answers: [ok('Place by place.', json(policyDiffSchema, exampleDiff))],
    problems: ['not-found', 'unavailable'],
  },
  step(
    'submitPolicy',
    'submit',
    'Put a version of a policy up for approval',
    json(submissionSchema, { version: 2, comment: 'ticket 4711' }),
    { state: 'awaiting-approval', active: false, approvedBy: null, activatedAt: null },
  ),
  step(
    'approvePolicy',
    'approve',
    'Agree to a version of a policy, or to its end; somebody else must have asked',
    json(verdictSchema, { version: 2, comment: 'agreed with legal' }),
  ),
  step(
    'rejectPolicy',
    'reject',
    'Refuse a version of a policy, or its end',
    json(verdictSchema, { version: 2, comment: 'too wide' }),
  ),
  step(
    'withdrawPolicy',
    'withdraw',
    'Make a version that is on its way a draft again',
    json(verdictSchema, { version: 2 }),
  ),
  step(
    'activatePolicy',
    'activate',
    'Put a version of a policy in force, now or at a time, or none',
    json(activationSchema, { version: 2 }),
  ),
  step(
    'rollBackPolicy',
    'rollback',
    'Go back to a version of a policy that was in force before, at once',
    json(rollbackSchema, { to: 1, comment: 'jobs were refused' }),
  ),
  {
    id: 'policySettings',
    method: 'get',
    path: '/v1/policy-settings',
    tag: 'policies',
    summary: 'Where changes of policies need a second person',
    access: access.audit,
    answers: [ok('As it is.', settings)],
    problems: ['unavailable'],
  },
  {
    id: 'setPolicySettings',
    method: 'put',
    path: '/v1/policy-settings',
    tag: 'policies',
    summary: 'Say whether changes of policies need a second person, everywhere or for a project',
    access: access.admin,
    body: json(newPolicySettingSchema, { requireApproval: true }),
    answers: [ok('As it is now.', settings)],
    problems: ['invalid-request', 'unavailable'],
  },
];
