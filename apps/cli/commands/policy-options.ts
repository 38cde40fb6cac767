import { InvalidArgumentError } from 'commander';

/** A moment as people write it, in the words of the API. Without a zone it is taken for UTC. */
export function readMoment(text: string): string {
  const hasZone = /(z|[+-]\d{2}:?\d{2})$/i.test(text);
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const atMs = Date.parse(hasZone || isDate ? text : `${text}Z`);
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && Number.isFinite(atMs)) return new Date(atMs).toISOString();
  throw new InvalidArgumentError('write it like 2026-12-01T00:00:00Z.');
}

export function readVersion(text: string): number {
  const version = Number(text);
  if (Number.isSafeInteger(version) && version >= 1) return version;
  throw new InvalidArgumentError('write a version number.');
}
