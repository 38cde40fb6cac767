import { z } from 'zod';
import type { CalibrationState, Commitment, CommitmentState } from '#libs/domain';

const commitment = z.custom<Commitment>((value) => typeof value === 'object' && value !== null);
const commitmentState = z.custom<CommitmentState>(
  (value) => typeof value === 'object' && value !== null,
);
const calibrationState = z.custom<CalibrationState>(
  (value) => typeof value === 'object' && value !== null,
);

/** Questions about commitments and calibration, which cost-oracle keeps. */
export const costMessages = {
  'commitment.list': {
    answeredBy: 'cost-oracle',
    request: z.object({}),
    reply: z.object({ commitments: z.array(commitmentState) }),
  },
  /** Store or replace one; what was used of it stays. */
  'commitment.put': {
    answeredBy: 'cost-oracle',
    request: z.object({ commitment, by: z.string() }),
    reply: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('stored'), commitment: commitmentState }),
      z.object({ kind: z.literal('too-many') }),
    ]),
  },
  /** End it now; one that was never used is forgotten. */
  'commitment.end': {
    answeredBy: 'cost-oracle',
    request: z.object({ name: z.string(), by: z.string() }),
    reply: z.object({ ended: z.boolean() }),
  },
  /** By `provider/market`, with the moment as of which it is told. */
  'cost.calibration': {
    answeredBy: 'cost-oracle',
    request: z.object({}),
    reply: z.object({ states: z.record(z.string(), calibrationState) }),
  },
} as const;
