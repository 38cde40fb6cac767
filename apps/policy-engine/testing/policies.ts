import type { CompiledPolicy, PolicyDocument, PolicyRule } from '#libs/domain';
import { compilePolicies } from '../compile-policy';

/** A document that says nothing but what is wanted. */
export const aPolicy = (wanted: Partial<PolicyDocument> = {}): PolicyDocument => ({
  kind: 'RoutingPolicy',
  name: 'acme',
  description: '',
  rules: [],
  preferences: {},
  ...wanted,
});

/** Rules called r0, r1 and so on. */
export const rulesOf = (
  ...parts: readonly Partial<Pick<PolicyRule, 'when' | 'require' | 'forbid'>>[]
): readonly PolicyRule[] =>
  parts.map((part, index) => ({ id: `r${index}`, because: 'so', ...part }));

/** The compiled form of documents that must compile. */
export const compiledOf = (...documents: readonly PolicyDocument[]): CompiledPolicy => {
  const result = compilePolicies(documents.map((document) => ({ document, version: 1 })));
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.policy;
};
