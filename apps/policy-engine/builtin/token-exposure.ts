import { usd, type PolicyDocument, type PolicyFacts } from '#libs/domain';

const settledInTokens: PolicyFacts = { kind: 'decentralised', token: 'EXAMPLE', pricePerHour: 30 };

/**
 * Prices that are fixed in a token move by a third within weeks. What can be told when an offer is chosen is what the project
 * pays per hour then; what a token will be worth at settlement is the margin on its price (`tokenRiskBps`).
 */
export const tokenExposure: PolicyDocument = {
  kind: 'RoutingPolicy',
  name: 'builtin-token-exposure',
  description:
    'Beyond $25 an hour, at most half of what a project pays per hour is settled in tokens whose value moves.',
  rules: [],
  preferences: {},
  limits: [
    {
      id: 'half-in-tokens',
      maxTokenShareBps: 5_000,
      tokenAllowancePerHour: usd(25),
      because:
        'tokens move by a third within weeks, so no more than half of the spend rests on them',
    },
  ],
  tests: [
    {
      name: 'small sums do not matter',
      given: { offer: { ...settledInTokens, pricePerHour: 20 } },
      expect: 'allowed',
    },
    {
      name: 'a large sum on tokens alone',
      given: { offer: settledInTokens },
      expect: { refusedBy: ['half-in-tokens'] },
    },
    {
      name: 'a large sum beside a larger one in fiat',
      given: { offer: settledInTokens, held: { jobs: 4, spendPerHour: usd(40) } },
      expect: 'allowed',
    },
    {
      name: 'beside others in tokens',
      given: {
        offer: settledInTokens,
        held: { jobs: 4, spendPerHour: usd(40), tokenSpendPerHour: usd(40) },
      },
      expect: { refusedBy: ['half-in-tokens'] },
    },
    {
      name: 'fiat, and what is pegged to it, is no exposure',
      given: { offer: { kind: 'decentralised', pricePerHour: 500 } },
      expect: 'allowed',
    },
  ],
};
