import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { asAttemptId } from '#libs/domain';
import type { AttemptId } from '#libs/domain';
import type { EmulatedLease, EmulatorOptions, Fault, RunningEmulator } from '#libs/provider-kit';
import { createHostPark } from '../../../provider-kit/testing/host/host-park';
import type { HostPark } from '../../../provider-kit/testing/host/host-park';
import { perform } from './actions';
import { EmulatedEc2 } from './emulated-ec2';
import { EmulatedPricing } from './emulated-pricing';
import { Faults, verbOf } from './faults';
import { IMAGE_ID } from './launch';
import { isLive } from './machine';
import { RequestLimits } from './request-limits';
import { regionOfSigned } from './signature';
import type { KeyPair } from './signature';
import { errorBody, Query, WireError } from './wire';

const LOOPBACK = '127.0.0.1';
const MAX_BODY_BYTES = 1_048_576;
/** Regions that the configuration names: the four in which the catalogue knows prices of everyday machines. */
const REGIONS = ['us-east-1', 'us-west-2', 'eu-west-1', 'eu-central-1'];

/** EC2's query protocol over loopback HTTP: state, rules, faults and real workloads. */
export async function startEmulator(options: EmulatorOptions): Promise<AwsEmulator> {
  const { rootDir, clock, delayFactor, seed } = options;
  const park = createHostPark({ rootDir });
  const ec2 = new EmulatedEc2({ clock, park, delayFactor, seed });
  const emulator = new AwsEmulator(ec2, park, keysFor(seed));
  await emulator.listen();
  return emulator;
}

/** The running emulator, with more levers than the kit asks for. */
export class AwsEmulator implements RunningEmulator {
  readonly limits: RequestLimits;
  /** The price list service, at the same address. */
  readonly pricing = new EmulatedPricing();
  private readonly faults = new Faults();
  private readonly server: Server;
  private requests = 0;

  constructor(
    readonly ec2: EmulatedEc2,
    private readonly park: HostPark,
    private readonly keys: KeyPair,
  ) {
    this.limits = new RequestLimits(() => ec2.nowMs());
    this.server = createServer((request, response) => {
      this.serve(request, response).catch(() => response.destroy());
    });
  }

  async listen(): Promise<void> {
    this.server.listen(0, LOOPBACK);
    await once(this.server, 'listening');
  }

  get endpoint(): string {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('the emulator is closed');
    return `http://${LOOPBACK}:${address.port}`;
  }

  get config(): unknown {
    return {
      regions: REGIONS.map((name) => ({ name, imageId: IMAGE_ID })),
      credentials: this.keys,
      endpoint: this.endpoint,
      pricingEndpoint: this.endpoint,
    };
  }

  inject(fault: Fault): void {
    this.faults.add(fault);
  }

  interrupt(leaseKey: AttemptId, noticeMs: number): void {
    for (const machine of this.ec2.all()) {
      if (machine.token === leaseKey && isLive(machine)) this.ec2.interrupt(machine, noticeMs);
    }
  }

  leases(): readonly EmulatedLease[] {
    return this.ec2.all().map((machine) => ({
      leaseKey: asAttemptId(machine.token ?? ''),
      externalId: machine.id,
      running: isLive(machine),
      chargedMicroUsd: this.ec2.chargeOf(machine),
    }));
  }

  setReadLag(lagMs: number): void {
    this.ec2.setReadLag(lagMs);
  }

  /** EC2 shows no capacity, so the types also leave the regions' lists of what exists there. */
  setSoldOut(soldOut: boolean): void {
    this.ec2.setSoldOut(soldOut);
  }

  async close(): Promise<void> {
    this.ec2.close();
    if (this.server.listening) {
      const closed = once(this.server, 'close');
      this.server.close();
      this.server.closeAllConnections();
      await closed;
    }
    await this.park.closeAll();
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const requestId = `request-${this.requests}`;
    const body = await bodyOf(request);
    if (request.headers['x-amz-target'] !== undefined)
      return this.pricing.serve(request, response, body, this.keys);
    const answer = this.answer(request, body);
    if (answer === 'unanswered') return;
    const { status, content } =
      'code' in answer
        ? { status: answer.status, content: errorBody(answer, requestId) }
        : { status: 200, content: answer.xml };
    response.writeHead(status, { 'content-type': 'text/xml', 'x-amzn-requestid': requestId });
    response.end(content);
  }

  private answer(
    request: IncomingMessage,
    body: string,
  ): WireError | { readonly xml: string } | 'unanswered' {
    try {
      const region = regionOfSigned(request, body, this.keys);
      const query = new Query(new URLSearchParams(body));
      const action = query.require('Action');
      this.limits.spend(action, region);
      const blow = this.faults.take(verbOf(action, query), region);
      if (blow === null) return { xml: perform(action, this.ec2, region, query) };
      if (blow.when === 'after') this.performUnheard(action, region, query);
      return blow.error ?? 'unanswered';
    } catch (error) {
      if (error instanceof WireError) return error;
      throw error;
    }
  }

  /** The work is done, or refused, and nobody hears of it. A release that is still searching counts as done too. */
  private performUnheard(action: string, region: string, query: Query): void {
    const searched = verbOf(action, query) === 'release' ? query.filter('client-token') : null;
    for (const machine of this.ec2.all()) {
      if (searched?.includes(machine.token ?? '')) this.ec2.terminate(machine);
    }
    try {
      perform(action, this.ec2, region, query);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_BODY_BYTES) throw new WireError('InvalidParameterValue', 'Too long');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Keys that open nothing but this emulator. */
function keysFor(seed: number): KeyPair {
  const digest = createHash('sha256').update(`keys:${seed}`).digest('hex');
  return {
    accessKeyId: `AKIAEMULATED${digest.slice(0, 8).toUpperCase()}`,
    secretAccessKey: digest.slice(8, 48),
  };
}
