import { typeNamed } from '../catalogue';
import type { CatalogueType } from '../catalogue';
import { WireError } from './wire';
import type { Query } from './wire';

export const IMAGE_ID = 'ami-0fa1e1ead0c0ffee0';
export const SECURITY_GROUP_ID = 'sg-0fa1e1ead0c0ffee0';
const MAX_TOKEN_LENGTH = 64;
const USER_DATA_LIMIT_BYTES = 16_384;
const MIN_SPOT_PRICE_USD = 0.001;
const MAX_TAGS = 50;
const MAX_TAG_KEY_LENGTH = 128;
const MAX_TAG_VALUE_LENGTH = 256;

/** A launch as asked for, checked against the documented rules. */
export interface Launch {
  readonly type: CatalogueType;
  readonly token: string | null;
  readonly zone: string | null;
  readonly subnetId: string | null;
  readonly userData: string;
  readonly spot: { readonly maxUsd: number | null } | null;
  readonly onGuestShutdown: 'stop' | 'terminate';
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  /** Equal for launches that differ in nothing but their zone; those two are excepted from the comparison by EC2. */
  readonly fingerprint: string;
}

export function parseLaunch(query: Query): Launch {
  if (query.require('MinCount') !== '1' || query.require('MaxCount') !== '1') {
    throw invalid('MinCount and MaxCount must be 1 here');
  }
  checkPlace(query);
  const spot = spotIn(query);
  return {
    type: typeIn(query.require('InstanceType')),
    token: tokenIn(query.get('ClientToken')),
    zone: query.get('Placement.AvailabilityZone'),
    subnetId: query.get('SubnetId'),
    userData: userDataIn(query.get('UserData') ?? ''),
    spot,
    onGuestShutdown:
      query.get('InstanceInitiatedShutdownBehavior') === 'terminate' ? 'terminate' : 'stop',
    tags: tagsIn(query, spot !== null),
    fingerprint: query.fingerprint(['Placement.AvailabilityZone']),
  };
}

function checkPlace(query: Query): void {
  const imageId = query.require('ImageId');
  if (imageId !== IMAGE_ID) {
    throw new WireError('InvalidAMIID.NotFound', `The image id '[${imageId}]' does not exist`);
  }
  const unknown = query.list('SecurityGroupId').find((id) => id !== SECURITY_GROUP_ID);
  if (unknown !== undefined) {
    throw new WireError('InvalidGroup.NotFound', `The security group '${unknown}' does not exist`);
  }
}

function typeIn(name: string): CatalogueType {
  const type = typeNamed(name);
  if (type === undefined) throw invalid(`Invalid value '${name}' for InstanceType.`);
  return type;
}

function tokenIn(token: string | null): string | null {
  if (token !== null && token.length > MAX_TOKEN_LENGTH) throw invalid('ClientToken is too long');
  return token;
}

function userDataIn(encoded: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) {
    throw new WireError('InvalidUserData.Malformed', 'Invalid BASE64 encoding of user data.');
  }
  const raw = Buffer.from(encoded, 'base64');
  if (raw.length > USER_DATA_LIMIT_BYTES) {
    throw invalid(`User data is limited to ${USER_DATA_LIMIT_BYTES} bytes`);
  }
  return raw.toString('utf8');
}

function spotIn(query: Query): Launch['spot'] {
  const options = 'InstanceMarketOptions.SpotOptions';
  if (query.get('InstanceMarketOptions.MarketType') !== 'spot') return null;
  const ending = query.get(`${options}.InstanceInterruptionBehavior`) ?? 'terminate';
  if (query.get(`${options}.SpotInstanceType`) === 'persistent' && ending === 'terminate') {
    throw new WireError(
      'InvalidParameterCombination',
      'A persistent spot request cannot have the interruption behaviour terminate',
    );
  }
  const maxPrice = query.get(`${options}.MaxPrice`);
  if (maxPrice !== null && !(Number(maxPrice) > MIN_SPOT_PRICE_USD)) {
    throw invalid(`MaxPrice must be above ${MIN_SPOT_PRICE_USD}`);
  }
  return { maxUsd: maxPrice === null ? null : Number(maxPrice) };
}

function tagsIn(query: Query, isSpot: boolean): Launch['tags'] {
  const taggable = new Set(['instance', 'volume', 'network-interface']);
  if (isSpot) taggable.add('spot-instances-request');
  const byType = query.indexed('TagSpecification').map((prefix) => {
    const type = query.get(`${prefix}.ResourceType`) ?? '';
    if (!taggable.has(type)) throw invalid(`'${type}' is not a valid taggable resource type here.`);
    return { type, tags: query.indexed(`${prefix}.Tag`).map((tag) => tagIn(query, tag)) };
  });
  const tags = byType.find(({ type }) => type === 'instance')?.tags ?? [];
  if (tags.length > MAX_TAGS) throw new WireError('TagLimitExceeded', 'Too many tags');
  return tags;
}

function tagIn(query: Query, prefix: string): Launch['tags'][number] {
  const key = query.get(`${prefix}.Key`) ?? '';
  const value = query.get(`${prefix}.Value`) ?? '';
  if (key === '' || key.startsWith('aws:') || key.length > MAX_TAG_KEY_LENGTH) {
    throw invalid(`'${key}' is not a valid tag key`);
  }
  if (value.length > MAX_TAG_VALUE_LENGTH) throw invalid('A tag value is too long');
  return { key, value };
}

function invalid(message: string): WireError {
  return new WireError('InvalidParameterValue', message);
}
