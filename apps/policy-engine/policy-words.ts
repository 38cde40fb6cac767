import type { ASTNode } from '@marcbachmann/cel-js';
import { childrenOf, didYouMean, type Finding } from './policy-bounds';
import { fieldOf, type FieldDeclaration } from './policy-fields';

/** Texts in an expression that a field with a closed list of values, or a country, can never have. */
export function strangeWords(node: ASTNode): readonly Finding[] {
  return [...here(node), ...childrenOf(node).flatMap(strangeWords)];
}

function here(node: ASTNode): readonly Finding[] {
  if (node.op === 'in') {
    const [element, list] = node.args;
    if (list.op === 'list') return list.args.flatMap((one) => strange(element, one));
    return strange(list, element);
  }
  if (node.op !== '==' && node.op !== '!=') return [];
  const [left, right] = node.args;
  return [...strange(left, right), ...strange(right, left)];
}

function strange(asked: ASTNode, constant: ASTNode): readonly Finding[] {
  if (constant.op !== 'value' || typeof constant.args !== 'string') return [];
  if (asked.op !== '.' || asked.args[0].op !== 'id') return [];
  const name = `${asked.args[0].args}.${asked.args[1]}`;
  const declared = fieldOf(asked.args[0].args, asked.args[1]);
  const remedy = declared === undefined ? null : remedyFor(name, declared, constant.args);
  if (remedy === null) return [];
  return [{ at: constant.start, message: `\`${name}\` is never "${constant.args}"`, remedy }];
}

const countryFields: ReadonlySet<string> = new Set(['offer.country', 'job.residency']);
const COUNTRY = /^(?:[A-Z]{2})?$/;

function remedyFor(name: string, { values }: FieldDeclaration, word: string): string | null {
  if (countryFields.has(name))
    return COUNTRY.test(word) ? null : 'use the two letters of ISO 3166-1, for example "DE"';
  if (values === undefined || values.includes(word)) return null;
  return didYouMean(word, values) ?? `use one of ${values.join(', ')}`;
}
