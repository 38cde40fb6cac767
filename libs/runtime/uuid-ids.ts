import { v7 } from 'uuid';
import { idPrefixes, type IdKind } from '#libs/domain';
import { Ids } from './clock';

/** Identifiers that are unique without asking anybody, and in one process sort in the order in which they were made. */
export class UuidIds extends Ids {
  override next(kind: IdKind): string {
    return `${idPrefixes[kind]}-${v7()}`;
  }
}
