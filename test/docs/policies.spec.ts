import { checkDocument } from '#apps/policy-engine/check-policy';
import { builtinPolicies } from '#apps/policy-engine/builtin/builtin-policies';
import {
  formatPolicyDocument,
  parsePolicyDocument,
  policyDocumentSchema,
  readDocument,
} from '#libs/contracts';
import { policiesPage } from './policies';
import { fieldRows } from './schema-fields';

const page = policiesPage();
const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)\n```/g)].map(([, text = '']) => text);

const documentIn = (text: string) => {
  const read = readDocument(text, 'yaml');
  const parsed = parsePolicyDocument(read.ok ? read.value : null);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.document;
};

describe('the page about policies', () => {
  it.each(blocks.map((text) => [text.match(/^name: (.*)$/m)?.[1] ?? '', text] as const))(
    'shows %s as it can be saved',
    (_name, text) => {
      expect(checkDocument(documentIn(text)).problems).toEqual([]);
    },
  );

  it('shows the whole library, word for word', () => {
    const shown = blocks.slice(1).map((text) => formatPolicyDocument(documentIn(text)));
    expect(shown).toEqual(builtinPolicies.map(({ document }) => formatPolicyDocument(document)));
  });

  it('lists the fields of the document with those within them', () => {
    const paths = fieldRows(policyDocumentSchema).map(([path]) => path);
    expect(paths).toEqual(expect.arrayContaining(['rules[].forbid', 'preferences.*.latenessCost']));
    expect(paths).toEqual(expect.arrayContaining(['limits[].maxGpus', 'tests[].given.held.gpus']));
  });
});
