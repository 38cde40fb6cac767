import { types } from 'pg';

const INT8_OID = 20;

/** Parsers for the connections of this storage alone: `bigint` becomes a number, and one that a number cannot hold is an error. */
export const int8Types = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
    return oid === INT8_OID && format !== 'binary' ? safeInteger : types.getTypeParser(oid, format);
  },
};

export function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is not a safe integer`);
  return value;
}
