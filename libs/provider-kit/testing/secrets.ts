const SECRET_NAME = /secret|token|password|passphrase|mnemonic|credential|api.?key|private.?key/i;
const MIN_SECRET_LENGTH = 6;
const MAX_DEPTH = 5;

/** Texts under names that sound like credentials, at any depth of a plain configuration. */
export function secretsIn(config: unknown, isSecret = false, depth = 0): readonly string[] {
  if (typeof config === 'string') {
    return isSecret && config.length >= MIN_SECRET_LENGTH ? [config] : [];
  }
  if (!isPlain(config) || depth === MAX_DEPTH) return [];
  return Object.entries(config).flatMap(([name, value]) =>
    secretsIn(value, isSecret || SECRET_NAME.test(name), depth + 1),
  );
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    Array.isArray(value) || prototype === null || Object.hasOwn(prototype ?? {}, 'isPrototypeOf')
  );
}
