import { InvalidArgumentError } from 'commander';
import { MAX_PAGE } from '#libs/contracts';

/** Nobody reads more on a terminal, and no command asks for more. */
export const MAX_ENTRIES = 1_000;
export const DEFAULT_ENTRIES = 50;

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** As many entries as wished, over as many pages as that takes. `next` is where they go on. */
export async function collect<Item, P extends Page<Item>>(
  wished: number,
  ask: (query: { readonly limit: number; readonly cursor?: string }) => Promise<P>,
): Promise<P & { items: readonly P['items'][number][] }> {
  let page = await ask({ limit: Math.min(wished, MAX_PAGE) });
  const items = [...page.items];
  while (page.next !== null && items.length < wished) {
    page = await ask({ limit: Math.min(wished - items.length, MAX_PAGE), cursor: page.next });
    items.push(...page.items);
  }
  return { ...page, items };
}

/** For commander: the number of entries that are wished. */
export function readEntries(text: string): number {
  const entries = Number(text);
  if (Number.isInteger(entries) && entries >= 1 && entries <= MAX_ENTRIES) return entries;
  throw new InvalidArgumentError(`write a number from 1 to ${MAX_ENTRIES}.`);
}
