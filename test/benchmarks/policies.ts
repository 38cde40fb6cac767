import { Environment } from '@marcbachmann/cel-js';
import { compilePolicies } from '#apps/policy-engine/compile-policy';
import { SavePolicy } from '#apps/policy-engine/save-policy';
import type { PolicyDocument } from '#libs/domain';
import { memoryStores, MemoryTables } from '../simulation/memory-stores';
import type { Benchmark } from './bench';
import { median, timeEach, timeRow } from './measure';
import { ruleSet } from './rule-sets';

const RULES = 200;
const ROUNDS = 15;
const WARM_UP_ROUNDS = 3;

/** How long it takes to compile, and to check and store, a policy of many rules. */
export const policies: Benchmark = {
  rows: ['policy.compile', 'policy.save'],
  measure: async (bench) => {
    const document = ruleSet(RULES);
    const texts = textsOf(document);
    const environment = new Environment({ unlistedVariablesAreDyn: true });
    const parse = (): void => texts.forEach((text) => void environment.parse(text));
    const compile = (): unknown => compilePolicies([{ document, version: 1 }]);
    for (const act of [parse, compile]) timeEach(WARM_UP_ROUNDS, act);
    const bareMs = median(timeEach(ROUNDS, parse));
    const compiledMs = median(timeEach(ROUNDS, compile));
    const savedMs = median(await saves(document));
    bench.note(
      `policy: ${RULES} rules with ${texts.length} expressions. "compile" makes them ready to be asked, "save" checks them, for rules that ` +
        'can never hold too, and stores them in memory. The limit is to parse the expressions and nothing else.',
    );
    return [timeRow('policy.compile', compiledMs, bareMs), timeRow('policy.save', savedMs, bareMs)];
  },
};

/** Each save is of a text that differs from the one before, as one that says the same is not saved again. */
async function saves(document: PolicyDocument): Promise<readonly number[]> {
  const { policies: store } = memoryStores(new MemoryTables());
  const save = new SavePolicy(store, { nowMs: () => 0 });
  const tookMs: number[] = [];
  for (let n = 0; n < ROUNDS; n += 1) {
    const startedMs = performance.now();
    const saved = await save.run({ ...document, description: `round ${n}` }, 'bench');
    tookMs.push(performance.now() - startedMs);
    if (saved.kind !== 'created') throw new Error(`the policy was ${saved.kind}`);
  }
  return tookMs;
}

function textsOf({ rules, limits = [] }: PolicyDocument): readonly string[] {
  const ofRules = rules.flatMap(({ when, require, forbid }) => [when, require, forbid].flat());
  const ofLimits = limits.flatMap(({ when, offers }) => [when, offers]);
  return [...ofRules, ...ofLimits].flatMap((text) => text ?? []);
}
