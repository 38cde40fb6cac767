import type {
  _InstanceType,
  EC2,
  Filter,
  Instance,
  InstanceStateChange,
  RunInstancesCommandInput,
  SpotInstanceRequest,
  SpotPrice,
} from '@aws-sdk/client-ec2';
import { ProviderError } from '#libs/provider-kit';
import type { CallContext, FeedCall } from '#libs/provider-kit';
import type { AwsConfig } from './config';
import { asProviderError, isAbsence } from './errors';
import type { Region } from './regions';

/** A listing of more pages than this is refused rather than cut short, since the orphan sweep must see everything. */
const MAX_PAGES = 200;
const PAGE_SIZE = 1_000;

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextToken: string | undefined;
}

type Bounds = Pick<CallContext, 'signal'>;

/**
 * The EC2 calls that we make, each sent once and bounded by the caller's signal. Whatever fails is thrown as `ProviderError`.
 * One SDK client per region is made at first use; the SDK itself is loaded then too, because it takes tens of megabytes.
 */
export class Ec2Client {
  private readonly clients = new Map<Region, Promise<EC2>>();

  constructor(private readonly config: Pick<AwsConfig, 'credentials' | 'endpoint'> & Timeouts) {}

  async run(region: Region, input: RunInstancesCommandInput, ctx: Bounds): Promise<Instance> {
    const reply = await this.ask(region, (ec2) =>
      ec2.runInstances(input, { abortSignal: ctx.signal }),
    );
    const instance = reply.Instances?.[0];
    if (instance === undefined)
      throw new ProviderError('unmapped', 'EC2 accepted but named nothing');
    return instance;
  }

  /** The instance of that id, or undefined when EC2 knows none. */
  async instance(region: Region, id: string, ctx: Bounds): Promise<Instance | undefined> {
    const reply = await this.unlessAbsent(region, (ec2) =>
      ec2.describeInstances({ InstanceIds: [id] }, { abortSignal: ctx.signal }),
    );
    return reply?.Reservations?.flatMap(({ Instances }) => Instances ?? [])[0];
  }

  instances(region: Region, filters: Filter[], ctx: Bounds): Promise<readonly Instance[]> {
    return this.everyPage(region, async (ec2, NextToken) => {
      const input = { Filters: filters, MaxResults: PAGE_SIZE, NextToken };
      const reply = await ec2.describeInstances(input, { abortSignal: ctx.signal });
      const items = reply.Reservations?.flatMap(({ Instances }) => Instances ?? []) ?? [];
      return { items, nextToken: reply.NextToken };
    });
  }

  /** Undefined when EC2 knows no such instance. One id per call: a bad one would fail the whole batch. */
  async terminate(
    region: Region,
    id: string,
    ctx: Bounds,
  ): Promise<InstanceStateChange | undefined> {
    const reply = await this.unlessAbsent(region, (ec2) =>
      ec2.terminateInstances({ InstanceIds: [id] }, { abortSignal: ctx.signal }),
    );
    return reply?.TerminatingInstances?.[0];
  }

  /** Which of the types exist in the region. */
  async offeredTypes(
    region: Region,
    types: readonly _InstanceType[],
    ctx: Bounds,
  ): Promise<ReadonlySet<string>> {
    const Filters = [{ Name: 'instance-type', Values: [...types] }];
    const offerings = await this.everyPage(region, async (ec2, NextToken) => {
      const input = { LocationType: 'region', Filters, NextToken } as const;
      const reply = await ec2.describeInstanceTypeOfferings(input, { abortSignal: ctx.signal });
      return { items: reply.InstanceTypeOfferings ?? [], nextToken: reply.NextToken };
    });
    return new Set(offerings.flatMap(({ InstanceType }) => InstanceType ?? []));
  }

  /** The spot prices in force at `ctx.nowMs`, one for each type and zone. */
  spotPrices(
    region: Region,
    types: readonly _InstanceType[],
    ctx: CallContext,
  ): Promise<readonly SpotPrice[]> {
    const wanted = {
      InstanceTypes: [...types],
      ProductDescriptions: ['Linux/UNIX'],
      StartTime: new Date(ctx.nowMs),
    };
    return this.everyPage(region, async (ec2, NextToken) => {
      const input = { ...wanted, NextToken };
      const reply = await ec2.describeSpotPriceHistory(input, { abortSignal: ctx.signal });
      return { items: reply.SpotPriceHistory ?? [], nextToken: reply.NextToken };
    });
  }

  /** All spot prices in force in the half-open interval, those at its start included, each page in its turn. */
  spotHistory(
    region: Region,
    types: readonly _InstanceType[],
    { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
    call: FeedCall,
  ): Promise<readonly SpotPrice[]> {
    const wanted = {
      InstanceTypes: [...types],
      ProductDescriptions: ['Linux/UNIX'],
      StartTime: new Date(fromMs),
      EndTime: new Date(toMs),
      MaxResults: PAGE_SIZE,
    };
    return this.everyPage(region, (ec2, NextToken) =>
      call.ask(async (signal) => {
        const input = { ...wanted, NextToken };
        const reply = await ec2
          .describeSpotPriceHistory(input, { abortSignal: signal })
          .catch((error: unknown) => {
            throw asProviderError(error);
          });
        return { items: reply.SpotPriceHistory ?? [], nextToken: reply.NextToken };
      }),
    );
  }

  async spotRequest(
    region: Region,
    id: string,
    ctx: Bounds,
  ): Promise<SpotInstanceRequest | undefined> {
    const input = { SpotInstanceRequestIds: [id] };
    const reply = await this.unlessAbsent(region, (ec2) =>
      ec2.describeSpotInstanceRequests(input, { abortSignal: ctx.signal }),
    );
    return reply?.SpotInstanceRequests?.[0];
  }

  /** The serial console's last 64 KB; empty when there is no such instance or nothing has been written. */
  async consoleOutput(region: Region, id: string, ctx: Bounds): Promise<string> {
    const reply = await this.unlessAbsent(region, (ec2) =>
      ec2.getConsoleOutput({ InstanceId: id, Latest: true }, { abortSignal: ctx.signal }),
    );
    return Buffer.from(reply?.Output ?? '', 'base64').toString('utf8');
  }

  private async everyPage<Item>(
    region: Region,
    fetch: (ec2: EC2, nextToken: string | undefined) => Promise<Page<Item>>,
  ): Promise<readonly Item[]> {
    const found: Item[] = [];
    let nextToken: string | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const { items, nextToken: further } = await this.ask(region, (ec2) => fetch(ec2, nextToken));
      found.push(...items);
      // EC2 ends some listings with an empty token and others with none.
      if (further === undefined || further === '') return found;
      nextToken = further;
    }
    throw new ProviderError('unmapped', `EC2 listed more than ${MAX_PAGES} pages in ${region}`);
  }

  private async unlessAbsent<Reply>(
    region: Region,
    work: (ec2: EC2) => Promise<Reply>,
  ): Promise<Reply | undefined> {
    return this.ask(region, async (ec2) => {
      try {
        return await work(ec2);
      } catch (error) {
        if (isAbsence(error)) return undefined;
        throw error;
      }
    });
  }

  private async ask<Reply>(region: Region, work: (ec2: EC2) => Promise<Reply>): Promise<Reply> {
    try {
      return await work(await this.clientIn(region));
    } catch (error) {
      throw asProviderError(error);
    }
  }

  private clientIn(region: Region): Promise<EC2> {
    const known = this.clients.get(region) ?? this.open(region);
    this.clients.set(region, known);
    return known;
  }

  /** One attempt: by default the SDK would repeat a launch three times when a zone is full. */
  private async open(region: Region): Promise<EC2> {
    const { EC2: Client } = await import('@aws-sdk/client-ec2');
    const { endpoint, callTimeoutMs } = this.config;
    return new Client({
      region,
      maxAttempts: 1,
      requestHandler: { requestTimeout: callTimeoutMs, throwOnRequestTimeout: true },
      ...credentialsFor(this.config),
      ...(endpoint === null ? {} : { endpoint }),
    });
  }
}

interface Timeouts {
  readonly callTimeoutMs: number;
}

/** The account's keys as an SDK client takes them; without any, it searches in its own way. */
export function credentialsFor({ credentials }: Pick<AwsConfig, 'credentials'>): {
  readonly credentials?: ReturnType<typeof withoutGaps>;
} {
  return credentials === null ? {} : { credentials: withoutGaps(credentials) };
}

type Credentials = NonNullable<AwsConfig['credentials']>;

function withoutGaps({ accessKeyId, secretAccessKey, sessionToken }: Credentials): {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
} {
  const keys = { accessKeyId, secretAccessKey };
  return sessionToken === undefined ? keys : { ...keys, sessionToken };
}
