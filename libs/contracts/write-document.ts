import { stringify } from 'yaml';

/** A document as YAML text: the same document gives the same text, and reading it gives the document. */
export function writeDocument(document: unknown): string {
  // Folded lines would change with the width, and with them what a difference of two texts shows.
  return stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
}
