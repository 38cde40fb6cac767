import type { PolicyFacts, PolicyTest } from '#libs/domain';
import { didYouMean } from './policy-bounds';
import { policyFields, type FieldDeclaration, type FieldType } from './policy-fields';
import { problemAt, type PolicyProblem } from './policy-problem';

const givenVariables = ['job', 'offer', 'health'] as const;

/** What follows from other fields, and from which. */
const derived: Readonly<Record<string, string>> = {
  'offer.failureDomain': 'give hostedBy, provider and region',
};

/** Fields of a test that are unknown, of another type, or never have the value that is given. */
export function factProblems(
  policy: string,
  { given }: PolicyTest,
  index: number,
): readonly PolicyProblem[] {
  return givenVariables.flatMap((variable) =>
    Object.entries(given[variable] ?? ({} satisfies PolicyFacts)).flatMap(([field, value]) => {
      const wrong = wrongWith(variable, field, value);
      if (wrong === null) return [];
      const pointer = `/tests/${index}/given/${variable}/${field}`;
      return [problemAt({ policy, ruleId: null, field: 'tests', pointer }, ...wrong)];
    }),
  );
}

function wrongWith(
  variable: (typeof givenVariables)[number],
  field: string,
  value: PolicyFacts[string],
): readonly [message: string, remedy: string] | null {
  const fields: Readonly<Record<string, FieldDeclaration>> = policyFields[variable];
  const declared = Object.hasOwn(fields, field) ? fields[field] : undefined;
  const name = `${variable}.${field}`;
  if (declared === undefined) {
    const known = Object.keys(fields);
    const remedy = didYouMean(field, known, `${variable}.`) ?? `use one of ${known.join(', ')}`;
    return [`unknown field \`${name}\``, remedy];
  }
  const from = derived[name];
  if (from !== undefined) return [`\`${name}\` follows from other fields`, from];
  if (!isOfType[declared.type](value))
    return [`\`${name}\` is not ${typeNames[declared.type]}`, `write ${typeNames[declared.type]}`];
  const words = typeof value === 'string' ? [value] : Array.isArray(value) ? value : [];
  const strange = words.find((word) => declared.values?.includes(word) === false);
  if (strange === undefined) return null;
  const known = declared.values ?? [];
  return [
    `\`${name}\` is never ${JSON.stringify(strange)}`,
    didYouMean(strange, known) ?? `use one of ${known.join(', ')}`,
  ];
}

const typeNames: { readonly [T in FieldType]: string } = {
  string: 'a text',
  bool: 'true or false',
  double: 'a number from 0 up',
  'list<string>': 'a list of texts',
  'map<string, string>': 'an object of texts',
};

const isOfType: { readonly [T in FieldType]: (value: PolicyFacts[string]) => boolean } = {
  string: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  double: (value) => typeof value === 'number' && value >= 0,
  'list<string>': (value) => Array.isArray(value),
  'map<string, string>': (value) => typeof value === 'object' && !Array.isArray(value),
};
