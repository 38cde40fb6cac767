import { stringify } from 'yaml';
import type { LeaseRequest } from '#libs/provider-kit';
import type { Shape } from './shapes';

/** The service, its compute profile and its placement each need a name; nobody reads them. */
const NAME = 'workload';

/**
 * A provider refuses a manifest in which no service is reachable, so one TCP port is exposed that nothing need listen on.
 * Not 80, for which the provider would publish a web address.
 */
const EXPOSED_PORT = 8080;

const CPU_UNITS = 1_000;
const GIB = 1_073_741_824;

export interface Order {
  readonly shape: Shape;
  readonly maxUactPerBlock: number;
  readonly auditors: readonly string[];
}

/** The job as an Akash manifest. The environment holds the lease key, which makes the manifest's hash unique per attempt. */
export function sdlFor(order: Order, request: Pick<LeaseRequest, 'leaseKey' | 'workload'>): string {
  const { image, script, env } = request.workload;
  const variables = { ...env, FAIRLEAD_LEASE: request.leaseKey };
  const service = {
    image,
    command: ['sh', '-c'],
    args: [script],
    env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
    expose: [{ port: EXPOSED_PORT, as: EXPOSED_PORT, proto: 'tcp', to: [{ global: true }] }],
  };
  const placement = {
    ...(order.auditors.length === 0 ? {} : { signedBy: { allOf: [...order.auditors] } }),
    pricing: { [NAME]: { denom: 'uact', amount: order.maxUactPerBlock } },
  };
  return stringify({
    version: '2.0',
    services: { [NAME]: service },
    profiles: {
      compute: { [NAME]: { resources: resourcesOf(order.shape) } },
      placement: { [NAME]: placement },
    },
    deployment: { [NAME]: { [NAME]: { profile: NAME, count: 1 } } },
  });
}

function resourcesOf({ cpus, memoryGib, diskGb, gpu }: Shape) {
  return {
    cpu: { units: cpus },
    memory: { size: `${memoryGib}Gi` },
    storage: { size: `${diskGb}Gi` },
    ...(gpu === null
      ? {}
      : { gpu: { units: gpu.count, attributes: { vendor: { nvidia: [modelOf(gpu)] } } } }),
  };
}

function modelOf(gpu: NonNullable<Shape['gpu']>) {
  const { model, memoryGib, socket } = gpu;
  return { model, ram: `${memoryGib}Gi`, ...(socket === null ? {} : { interface: socket }) };
}

/** The same order as the public dry run wants it. */
export function screeningFor({ shape, maxUactPerBlock, auditors }: Order): unknown {
  const { cpus, memoryGib, diskGb, gpu } = shape;
  const amount = (value: number) => ({ val: String(value) });
  const attributes = gpu === null ? [] : [{ key: attributeKeyOf(gpu), value: 'true' }];
  return {
    requirements: { signedBy: { allOf: auditors, anyOf: [] }, attributes: [] },
    resources: [
      {
        resource: {
          id: 1,
          cpu: { units: amount(cpus * CPU_UNITS) },
          memory: { quantity: amount(memoryGib * GIB) },
          gpu: { units: amount(gpu?.count ?? 0), attributes },
          storage: [{ name: 'default', quantity: amount(diskGb * GIB), attributes: [] }],
        },
        count: 1,
        price: { denom: 'uact', amount: String(maxUactPerBlock) },
      },
    ],
    timezone: 'UTC',
  };
}

function attributeKeyOf({ model, memoryGib, socket }: NonNullable<Shape['gpu']>): string {
  const end = socket === null ? '' : `/interface/${socket}`;
  return `vendor/nvidia/model/${model}/ram/${memoryGib}Gi${end}`;
}
