import type { ProviderKind } from '#libs/domain';

/** Where a row of the guide sends its work. */
export interface GuideRow {
  readonly workload: string;
  readonly platform: string;
  readonly kinds: readonly ProviderKind[];
  /** Any of them will do; empty when the guide names none. */
  readonly networks: readonly string[];
  readonly reason: string;
}

const hyperscaler = { platform: 'hyperscaler', kinds: ['hyperscaler'] } as const;
const network = { platform: 'network', kinds: ['decentralised'] } as const;

/** Published advice on which kind of platform serves which work; what the built-in policies and the facts must amount to. */
export const workloadGuide = {
  'production-inference': {
    ...network,
    workload: 'production inference',
    networks: ['akash', 'fluence'],
    reason: 'high volume and sensitive to cost; spread over the world is an advantage',
  },
  'batch-inference': {
    ...network,
    workload: 'distributed batch inference',
    networks: [],
    reason: 'asynchronous and parallel; a lost node costs a retry',
  },
  'fine-tuning': {
    platform: 'network or specialised GPU cloud',
    kinds: ['decentralised', 'neocloud'],
    workload: 'fine-tuning under 72 hours',
    networks: [],
    reason: 'short work meets few interruptions',
  },
  prototyping: {
    ...network,
    workload: 'prototyping',
    networks: ['runpod', 'ionet'],
    reason: 'no commitment, fast start, cheap short jobs',
  },
  rendering: {
    ...network,
    workload: 'rendering of images and video',
    networks: ['render'],
    reason: 'a network made for it',
  },
  'frontier-training': {
    ...hyperscaler,
    workload: 'frontier training over a week',
    networks: ['aws', 'gcp'],
    reason: 'fast links between GPUs, and nodes that stay for weeks',
  },
  regulated: {
    ...hyperscaler,
    workload: 'regulated work (HIPAA, FedRAMP)',
    networks: [],
    reason: 'certifications',
  },
  'privacy-preserving': {
    ...network,
    workload: 'federated and privacy-preserving work',
    networks: ['iexec', 'fluence'],
    reason: 'confidential computing; data never leaves the node readable',
  },
  'real-time': {
    ...hyperscaler,
    workload: 'real-time interactive work',
    networks: [],
    reason: 'places with low latency and contractual guarantees',
  },
  'strict-sla-core': {
    ...hyperscaler,
    workload: 'enterprise AI under a strict SLA: the bound core',
    networks: ['aws', 'gcp', 'azure'],
    reason: 'availability is promised by contract',
  },
  'strict-sla-overflow': {
    ...network,
    workload: 'enterprise AI under a strict SLA: the overflow',
    networks: ['aethir', 'fluence'],
    reason: 'certified capacity without the promise, at a fraction of the price',
  },
} as const satisfies Readonly<Record<string, GuideRow>>;

export type GuideRowName = keyof typeof workloadGuide;
