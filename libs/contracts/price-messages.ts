import { z } from 'zod';
import type { PriceSheet } from '#libs/domain';
import { fieldProblemSchema } from './field-problem';

const sheet = z.custom<PriceSheet>((value) => typeof value === 'object' && value !== null);

/** Questions about price sheets, which cost-oracle keeps. */
export const priceMessages = {
  /** Store or replace a sheet; refused when it names providers that are not in use. */
  'price-sheet.put': {
    answeredBy: 'cost-oracle',
    request: z.object({ sheet, by: z.string() }),
    reply: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('stored'), uploadedAtMs: z.int() }),
      z.object({ kind: z.literal('refused'), problems: z.array(fieldProblemSchema) }),
    ]),
  },
  'price-sheet.remove': {
    answeredBy: 'cost-oracle',
    request: z.object({ name: z.string(), by: z.string() }),
    reply: z.object({ removed: z.boolean() }),
  },
} as const;
