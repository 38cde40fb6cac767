/** The query protocol of EC2: flat, 1-based parameters in, XML out. */

/** A refusal as EC2 words it. */
export class WireError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
  ) {
    super(message);
    this.name = 'WireError';
  }
}

export type Filters = readonly { readonly name: string; readonly values: readonly string[] }[];

const MAX_LIST_LENGTH = 1_000;

/** The parameters of one request. */
export class Query {
  constructor(private readonly params: URLSearchParams) {}

  get(name: string): string | null {
    return this.params.get(name);
  }

  require(name: string): string {
    const value = this.get(name);
    if (value !== null) return value;
    throw new WireError('MissingParameter', `The request must contain the parameter ${name}`);
  }

  /** `InstanceId.1`, `InstanceId.2`, … */
  list(name: string): readonly string[] {
    return this.indexed(name).map((prefix) => this.get(prefix) ?? '');
  }

  /** `Filter.1.Name`, `Filter.1.Value.1`, … */
  filters(): Filters {
    return this.indexed('Filter').map((prefix) => ({
      name: this.get(`${prefix}.Name`) ?? '',
      values: this.list(`${prefix}.Value`),
    }));
  }

  filter(name: string): readonly string[] | null {
    return this.filters().find((each) => each.name === name)?.values ?? null;
  }

  /** `Tag.1`, `Tag.2`, … for as long as something begins with them. */
  indexed(name: string): readonly string[] {
    const names = [...this.params.keys()];
    const found: string[] = [];
    for (let i = 1; i <= MAX_LIST_LENGTH; i += 1) {
      const prefix = `${name}.${i}`;
      if (!names.some((key) => key === prefix || key.startsWith(`${prefix}.`))) break;
      found.push(prefix);
    }
    return found;
  }

  /** All parameters but the named ones, in one order: equal texts are equal requests. */
  fingerprint(except: readonly string[]): string {
    return [...this.params]
      .filter(([name]) => !except.includes(name))
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join('\n');
  }
}

/** An element that holds text; null leaves it out, as EC2 does. */
export function text(name: string, value: string | number | null): string {
  return value === null ? '' : `<${name}>${escape(String(value))}</${name}>`;
}

/** An element that holds other elements. */
export function group(name: string, ...children: readonly string[]): string {
  return `<${name}>${children.join('')}</${name}>`;
}

/** A set: each member is an `item`. */
export function set(name: string, members: readonly string[]): string {
  return group(name, ...members.map((member) => group('item', member)));
}

export function errorBody({ code, message }: WireError, requestId: string): string {
  const error = group('Error', text('Code', code), text('Message', message));
  return group('Response', group('Errors', error), text('RequestID', requestId));
}

export function isoDate(atMs: number): string {
  return new Date(atMs).toISOString();
}

interface Paging {
  readonly pageSize: number;
  readonly least: number;
}

const MAX_RESULTS = 1_000;

/** One page of a listing and the token of the next; EC2 names no token after the last. */
export function page<Item>(
  query: Query,
  all: readonly Item[],
  { pageSize, least }: Paging,
): { readonly items: readonly Item[]; readonly nextToken: string | null } {
  const asked = query.get('MaxResults');
  const limit = asked === null ? MAX_RESULTS : Number(asked);
  if (!Number.isInteger(limit) || limit < least || limit > MAX_RESULTS) {
    throw new WireError('InvalidParameterValue', `MaxResults must be ${least} to ${MAX_RESULTS}`);
  }
  const from = offsetIn(query.get('NextToken'));
  const to = from + Math.min(limit, pageSize);
  return { items: all.slice(from, to), nextToken: to < all.length ? tokenOf(to) : null };
}

function tokenOf(offset: number): string {
  return Buffer.from(`from:${offset}`).toString('base64');
}

function offsetIn(token: string | null): number {
  if (token === null) return 0;
  const match = /^from:(\d+)$/.exec(Buffer.from(token, 'base64').toString());
  if (match === null) throw new WireError('InvalidParameterValue', 'The token is not valid');
  return Number(match[1]);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

function escape(value: string): string {
  return value.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}
