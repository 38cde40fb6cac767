import { z } from 'zod';

/** A moment as text, RFC 3339 in UTC. */
export const time = (description: string) =>
  z.iso.datetime().meta({ description, examples: ['2026-11-21T09:30:00.000Z'] });

/** Money in answers: an integer of micro-dollars, in fields whose names end in `MicroUsd`. */
export const money = (description: string) => z.int().meta({ description, examples: [2_500_000] });

export const MAX_PAGE = 200;
export const DEFAULT_PAGE = 50;

/** Query parameters arrive as text. */
export const numberText = (max: number, description: string, example: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().max(max))
    .meta({ description, examples: [String(example)] });

export const yesNo = (description: string) =>
  z
    .enum(['true', 'false'])
    .meta({ description, examples: ['true'] })
    .transform((text) => text === 'true');

export const pageQuery = {
  cursor: z
    .string()
    .max(500)
    .optional()
    .meta({ description: 'The `next` of the page before.', examples: ['b3BhcXVl'] }),
  limit: numberText(MAX_PAGE, 'Entries per page, 1 to 200.', DEFAULT_PAGE)
    .refine((limit) => limit > 0, 'must be at least 1')
    .optional(),
};

/** A page of entries; `next` is null at the end. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().meta({ description: 'Cursor of the next page; null at the end.' }),
  });

export const listOf = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item) });
