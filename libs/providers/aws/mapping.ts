import type {
  Instance,
  InstanceStateChange,
  InstanceStateName,
  ResourceType,
  RunInstancesCommandInput,
  SpotInstanceRequest,
  TagSpecification,
} from '@aws-sdk/client-ec2';
import { asAttemptId, MICROS_PER_USD } from '#libs/domain';
import type { AttemptId, MicroUsd, Offer } from '#libs/domain';
import { ProviderError } from '#libs/provider-kit';
import type { LeaseEndCause, LeaseObservation, LeaseRequest, LeaseState } from '#libs/provider-kit';
import { typeNamed } from './catalogue';
import type { CatalogueType } from './catalogue';
import type { AwsConfig, RegionConfig } from './config';
import { DATED_LIST_SOURCE, onDemandPrice } from './offers';
import type { Region } from './regions';

/** The tag that marks an instance as ours; its value is the lease key. */
export const LEASE_TAG = 'fairlead:lease';
/** Documented limit, counted before base64. */
export const USER_DATA_LIMIT_BYTES = 16 * 1_024;
const MAX_TAG_VALUE_LENGTH = 256;

/**
 * The launch of one lease. The same request gives the same input byte for byte, since a token with other parameters is refused;
 * above all it names no zone of its own choosing, because a token with another zone would launch a second machine.
 */
export function runInstancesInput(
  request: LeaseRequest,
  place: RegionConfig,
  { rootDeviceName, rootVolumeGb }: Pick<AwsConfig, 'rootDeviceName' | 'rootVolumeGb'>,
): RunInstancesCommandInput {
  const { instanceType, region } = request.offer;
  const type = typeNamed(instanceType);
  const isSpot = asksForSpot(request.offer);
  const onDemand = type === undefined ? null : onDemandOf(request.offer, type, place.name);
  if (type === undefined || (onDemand === null && !isSpot))
    throw rejected(`${instanceType} is not sold in ${region}`);
  refuseDearer(request, onDemand);
  return {
    ClientToken: request.leaseKey,
    MinCount: 1,
    MaxCount: 1,
    ImageId: place.imageId,
    InstanceType: type.type,
    UserData: userData(request.workload.script),
    InstanceInitiatedShutdownBehavior: 'terminate',
    // Two hops let a container on the machine reach the metadata service.
    MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 2 },
    BlockDeviceMappings: [
      {
        DeviceName: rootDeviceName,
        Ebs: {
          VolumeSize: rootVolumeGb,
          VolumeType: 'gp3',
          Encrypted: true,
          DeleteOnTermination: true,
        },
      },
    ],
    TagSpecifications: tagSpecifications(request, isSpot),
    ...(place.subnetId === null ? {} : { SubnetId: place.subnetId }),
    ...(place.securityGroupIds.length === 0 ? {} : { SecurityGroupIds: place.securityGroupIds }),
    ...(isSpot ? spotOptions(request, onDemand) : onDemandOptions),
  };
}

/** By default a launch would silently use up any matching capacity reservation of the account. */
const onDemandOptions = {
  CapacityReservationSpecification: { CapacityReservationPreference: 'none' },
} as const satisfies Partial<RunInstancesCommandInput>;

/**
 * The ceiling is the limit, or the on-demand price where that is lower. EC2 would use the latter by itself; a lower one makes
 * interruptions likelier, so it is lowered only where the caller would not pay more anyway.
 */
function spotOptions(
  { limits }: LeaseRequest,
  onDemand: MicroUsd | null,
): Partial<RunInstancesCommandInput> {
  const ceiling = Math.min(limits.maxPricePerHour, onDemand ?? Infinity);
  return {
    InstanceMarketOptions: {
      MarketType: 'spot',
      SpotOptions: {
        SpotInstanceType: 'one-time',
        InstanceInterruptionBehavior: 'terminate',
        MaxPrice: (ceiling / MICROS_PER_USD).toFixed(6),
      },
    },
  };
}

function asksForSpot({ market }: Offer): boolean {
  if (market === 'marketplace') throw rejected('EC2 has no marketplace');
  return market === 'spot';
}

/**
 * What the type costs on demand: what the offer says where the price list or a contract said so, since the catalogue is older;
 * else what the catalogue says.
 */
function onDemandOf(
  { market, source, pricePerHour }: Offer,
  type: CatalogueType,
  region: Region,
): MicroUsd | null {
  const isYounger = source !== undefined && source !== DATED_LIST_SOURCE;
  return isYounger && market === 'on-demand' ? pricePerHour : onDemandPrice(type, region);
}

function refuseDearer({ offer: chosen, limits }: LeaseRequest, onDemand: MicroUsd | null): void {
  const price = chosen.market === 'spot' ? chosen.pricePerHour : (onDemand ?? chosen.pricePerHour);
  if (price <= limits.maxPricePerHour) return;
  throw new ProviderError(
    'price-moved',
    `the price is ${price} micro-dollars per hour, the limit ${limits.maxPricePerHour}`,
  );
}

function userData(script: string): string {
  const bytes = Buffer.from(script, 'utf8');
  if (bytes.length > USER_DATA_LIMIT_BYTES) {
    throw rejected(
      `user data of ${bytes.length} bytes exceeds the limit of ${USER_DATA_LIMIT_BYTES}`,
    );
  }
  return bytes.toString('base64');
}

function tagSpecifications(
  { leaseKey, labels }: LeaseRequest,
  isSpot: boolean,
): TagSpecification[] {
  const Tags = [
    { Key: LEASE_TAG, Value: leaseKey },
    ...Object.entries(labels).map(([name, value]) => ({
      Key: `fairlead:${name}`,
      Value: value.slice(0, MAX_TAG_VALUE_LENGTH),
    })),
  ];
  const types: readonly ResourceType[] = ['instance', 'volume', 'network-interface'];
  const tagged = isSpot ? [...types, 'spot-instances-request' as const] : types;
  return tagged.map((ResourceType) => ({ ResourceType, Tags }));
}

/** The refusal of a request that EC2 could not serve, made before it is sent. */
export function rejected(reason: string): ProviderError {
  return new ProviderError('request-rejected', reason);
}

const states: { readonly [S in InstanceStateName]: LeaseState } = {
  pending: 'starting',
  running: 'active',
  'shutting-down': 'ended',
  stopping: 'ended',
  stopped: 'ended',
  terminated: 'gone',
};

/** EC2's `StateReason.Code` in the router's words; what is not here is judged by its prefix. */
const causes: Readonly<Record<string, LeaseEndCause>> = {
  'Client.InstanceInitiatedShutdown': 'workload-ended',
  'Client.UserInitiatedShutdown': 'released',
  'Client.VolumeLimitExceeded': 'provider-failed',
  'Client.InternalError': 'provider-failed',
  'Server.SpotInstanceTermination': 'interrupted',
  'Server.SpotInstanceShutdown': 'interrupted',
};

/** Spot request codes that, while the instance still runs, mean that its two minutes have begun. */
const noticeCodes: ReadonlySet<string> = new Set([
  'marked-for-termination',
  'instance-terminated-no-capacity',
  'instance-terminated-by-price',
  'instance-terminated-by-service',
]);

/** What an instance amounts to. A spot request, where one is given, adds the notice that the instance itself does not show. */
export function observationOf(
  instance: Instance,
  leaseKey: AttemptId,
  request?: SpotInstanceRequest,
): LeaseObservation {
  const state = noticed(stateOf(instance.State?.Name), request);
  const isOver = state === 'ended' || state === 'gone';
  return {
    leaseKey,
    state,
    externalId: instance.InstanceId ?? null,
    cause: causeIn(state, instance.StateReason?.Code),
    billedFromMs: instance.LaunchTime?.getTime() ?? null,
    billedToMs: isOver ? dateIn(instance.StateTransitionReason) : null,
    pricePerHour: null,
  };
}

/** The request to ask about notice, or null for what runs on demand or does not run. */
export function noticeToAskFor({ State, SpotInstanceRequestId }: Instance): string | null {
  return State?.Name === 'running' ? (SpotInstanceRequestId ?? null) : null;
}

/** What the reply to a termination shows; it holds no dates. */
export function releaseObservation(
  { InstanceId, CurrentState, PreviousState }: InstanceStateChange,
  leaseKey: AttemptId,
): LeaseObservation {
  const wasOver = ['shutting-down', 'terminated'].includes(PreviousState?.Name ?? '');
  return {
    leaseKey,
    state: stateOf(CurrentState?.Name),
    externalId: InstanceId ?? null,
    cause: wasOver ? null : 'released',
    billedFromMs: null,
    billedToMs: null,
    pricePerHour: null,
  };
}

/** The lease key that an instance carries as a tag, or null when it is not ours. */
export function leaseKeyOf({ Tags }: Instance): AttemptId | null {
  const value = Tags?.find(({ Key }) => Key === LEASE_TAG)?.Value;
  return value === undefined ? null : asAttemptId(value);
}

const livelier: readonly LeaseState[] = ['active', 'starting', 'ended', 'gone'];

/** Of several instances under one key, the one that costs most to overlook: alive before dead, then the youngest. */
export function mostAlive(instances: readonly Instance[]): Instance | undefined {
  return [...instances].sort(
    (a, b) => liveliness(a) - liveliness(b) || launchedMs(b) - launchedMs(a),
  )[0];
}

function liveliness({ State }: Instance): number {
  return livelier.indexOf(stateOf(State?.Name));
}

function launchedMs({ LaunchTime }: Instance): number {
  return LaunchTime?.getTime() ?? 0;
}

/** A reply without a state comes from a launch; a state that we do not know may be charged for. */
function stateOf(name: InstanceStateName | undefined): LeaseState {
  return name === undefined ? 'starting' : (states[name] ?? 'active');
}

function noticed(state: LeaseState, request: SpotInstanceRequest | undefined): LeaseState {
  return state === 'active' && noticeCodes.has(request?.Status?.Code ?? '')
    ? 'interrupting'
    : state;
}

function causeIn(state: LeaseState, code: string | undefined): LeaseEndCause | null {
  if (state === 'interrupting') return 'interrupted';
  if (code === undefined || state === 'starting' || state === 'active') return null;
  return causes[code] ?? (code.startsWith('Server.') ? 'provider-failed' : null);
}

/** The moment inside `User initiated (2026-11-21 10:00:00 GMT)`, or null. */
function dateIn(reason: string | undefined): number | null {
  const match = /\((\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}) GMT\)/.exec(reason ?? '');
  return match === null ? null : Date.parse(`${match[1]}T${match[2]}Z`);
}
