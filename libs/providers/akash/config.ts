import { z } from 'zod';
import { BLOCK_MS } from './units';

const MINUTE = 60_000;

/** What the adapter must be told. All times are in milliseconds. */
export const akashConfigSchema = z.object({
  /** A Console API key. It carries the whole account, so it is sent to `baseUrl` alone and never shown. */
  apiKey: z.string().min(1),
  baseUrl: z.url().default('https://console-api.akash.network'),
  /** Newer servers ignore it, older ones insist on it; the unused part comes back when the deployment closes. */
  depositUsd: z.number().min(0.5).max(5).default(5),
  /** ISO 3166-1 alpha-2; null offers every country that has a provider. */
  countries: z.array(z.string().length(2).toUpperCase()).nullable().default(null),
  /** Addresses of auditors that must all have signed a provider, besides the Console's own. */
  auditors: z.array(z.string()).default([]),
  /** Model names as Akash spells them (`h100`); null offers every model. */
  gpuModels: z.array(z.string()).nullable().default(null),
  blockMs: z.number().int().positive().default(BLOCK_MS),
  /** Bids are left to gather for this long, so that the first one does not win unopposed. */
  gatherMs: z.number().int().min(0).default(15_000),
  /** An order without an acceptable bid by then is given up. */
  bidWindowMs: z.number().int().positive().default(90_000),
  /** A provider closes a lease whose manifest has not arrived by then. */
  manifestWindowMs: z
    .number()
    .int()
    .positive()
    .default(5 * MINUTE),
});
export type AkashConfig = z.infer<typeof akashConfigSchema>;

/** The configuration in environment variables, or null when no key is set. */
export function akashConfigFromEnv(
  env: Readonly<Record<string, string | undefined>>,
): unknown | null {
  const apiKey = env['AKASH_API_KEY'];
  if (apiKey === undefined || apiKey === '') return null;
  const list = (text: string | undefined): string[] | undefined =>
    text === undefined || text === '' ? undefined : text.split(',').map((part) => part.trim());
  return {
    apiKey,
    baseUrl: env['AKASH_BASE_URL'],
    countries: list(env['AKASH_COUNTRIES']),
    auditors: list(env['AKASH_AUDITORS']),
    gpuModels: list(env['AKASH_GPU_MODELS']),
  };
}
