import { marketGpus, marketProviders, socketWord, type MarketProvider } from './market';
import { ALLOWED_AUDITOR } from './manifest';
import { chainDecimal, type Bid, type Chain, type ChainLease, type Deployment } from './chain';

export const OWNER = `akash1${'fairlead'.padEnd(38, '0')}`;
export type Generation = 'august' | 'new';

const NEVER = '0';
const BOND_UACT = '500000';
const PORT = 8080;
const coin = (uact: number) => ({ denom: 'uact', amount: `${uact}.000000000000000000` });

/** A deployment as the Console shows it; with a list, without the status that must be asked of providers. */
export function deploymentBody(
  chain: Chain,
  deployment: Deployment,
  generation: Generation,
  as: 'detail' | 'item',
) {
  const closed = isShownClosed(chain, deployment);
  return {
    deployment: {
      id: { owner: OWNER, dseq: deployment.dseq },
      state: closed ? 'closed' : 'active',
      hash: deployment.order.hash,
      created_at: String(chain.heightAt(deployment.createdAtMs)),
    },
    leases: deployment.leases.map((lease) => leaseBody(chain, deployment, lease, as)),
    escrow_account: escrowBody(chain, deployment),
    ...(generation === 'new' ? { name: deployment.name, ...recordOf(deployment, as) } : {}),
  };
}

export function isShownClosed({ nowMs }: Chain, deployment: Deployment): boolean {
  return deployment.closedShownAtMs !== null && nowMs >= deployment.closedShownAtMs;
}

/** What the Console itself recorded of a deployment. */
function recordOf({ sdl, order, runtimeLimitHours, state }: Deployment, as: 'detail' | 'item') {
  return as === 'detail'
    ? { consoleSettings: { sdl, manifestVersion: order.hash } }
    : { settings: { runtimeLimitHours, runtimeEndsAt: null, closed: state === 'closed' } };
}

function leaseBody(chain: Chain, deployment: Deployment, lease: ChainLease, as: 'detail' | 'item') {
  // News of an end lags behind with the deployment's own.
  const shown =
    deployment.closedAtMs !== null && !isShownClosed(chain, deployment) ? 'active' : lease.state;
  return {
    id: {
      owner: OWNER,
      dseq: deployment.dseq,
      gseq: 1,
      oseq: 1,
      provider: lease.provider.owner,
      bseq: 1,
    },
    state: shown,
    price: { denom: 'uact', amount: chainDecimal(lease.price) },
    created_at: String(chain.heightAt(lease.createdAtMs)),
    closed_on: lease.closedAtMs === null ? NEVER : String(chain.heightAt(lease.closedAtMs)),
    ...(lease.reason === null || shown === 'active' ? {} : { reason: lease.reason }),
    ...(as === 'detail'
      ? { status: chain.hidesStatus ? null : statusBody(deployment, lease) }
      : {}),
  };
}

function statusBody({ order }: Deployment, { available, provider, state }: ChainLease) {
  if (available === null || state !== 'active') return null;
  const service = {
    name: order.service,
    available,
    total: 1,
    uris: null,
    observed_generation: 1,
    replicas: 1,
    updated_replicas: 1,
    ready_replicas: available,
    available_replicas: available,
  };
  const port = {
    host: `provider.${provider.name}.example`,
    port: PORT,
    externalPort: 30_000 + PORT,
    proto: 'TCP',
    name: order.service,
  };
  return {
    services: { [order.service]: service },
    forwarded_ports: { [order.service]: [port] },
    ips: null,
  };
}

function escrowBody(chain: Chain, deployment: Deployment) {
  const settled = chain.settledUact(deployment);
  const closed = deployment.state === 'closed';
  const state = deployment.overdrawn ? 'overdrawn' : closed ? 'closed' : 'open';
  const height = String(chain.heightAt(deployment.createdAtMs));
  return {
    id: { scope: 'deployment', xid: `${OWNER}/${deployment.dseq}` },
    state: {
      owner: OWNER,
      state,
      transferred: [coin(settled)],
      settled_at: String(chain.heightAt(chain.nowMs)),
      funds: [coin(closed ? 0 : deployment.escrowUact - settled)],
      deposits: [{ owner: OWNER, height, source: 'grant', balance: coin(deployment.escrowUact) }],
    },
  };
}

export function bidBody(chain: Chain, { dseq, order }: Deployment, bid: Bid) {
  const [wanted] = order.gpuModels;
  const parts = ['vendor/nvidia', `model/${wanted?.model ?? ''}`];
  if (wanted?.ram !== undefined) parts.push(`ram/${wanted.ram}`);
  if (wanted?.interface !== undefined) parts.push(`interface/${wanted.interface}`);
  const attributes = wanted === undefined ? [] : [{ key: parts.join('/'), value: 'true' }];
  const bytes = (gib: number) => ({ val: String(gib * 1_073_741_824) });
  return {
    bid: {
      id: { owner: OWNER, dseq, gseq: 1, oseq: 1, provider: bid.provider.owner, bseq: bid.bseq },
      state: bid.state,
      price: { denom: 'uact', amount: chainDecimal(bid.price) },
      created_at: String(chain.heightAt(bid.createdAtMs)),
      resources_offer: [
        {
          count: 1,
          resources: {
            cpu: { units: { val: String(order.cpuUnits * 1_000) } },
            gpu: { units: { val: String(order.gpuUnits) }, attributes },
            memory: { quantity: bytes(order.memoryGib) },
            storage: [{ name: 'default', quantity: bytes(order.diskGib), attributes: [] }],
            endpoints: [{ kind: 'RANDOM_PORT', sequence_number: 0 }],
          },
        },
      ],
    },
    escrow_account: {
      id: { scope: 'bid', xid: `${OWNER}/${dseq}/1/1/${bid.provider.owner}` },
      state: {
        owner: bid.provider.owner,
        state: 'open',
        transferred: [],
        settled_at: String(chain.heightAt(bid.createdAtMs)),
        funds: [{ denom: 'uact', amount: BOND_UACT }],
        deposits: [],
      },
    },
  };
}

export function providerBody(provider: MarketProvider, soldOut: boolean) {
  const free = soldOut || !provider.online ? 0 : provider.gpuTotal;
  const gpu = { active: provider.gpuTotal - free, available: free, pending: 0 };
  const cpuFree = soldOut || !provider.online ? 0 : provider.cpuTotal * 1_000;
  const signers = provider.audited ? [ALLOWED_AUDITOR] : [];
  const models = marketGpus.filter(({ model, ram }) => provider.gpus.includes(`${model}/${ram}`));
  return {
    owner: provider.owner,
    name: provider.online ? provider.name : null,
    hostUri: `https://provider.${provider.name}.example:8443`,
    isOnline: provider.online,
    isAudited: provider.audited,
    isValidVersion: true,
    ipCountryCode: provider.country,
    uptime1d: provider.online ? 0.999 : null,
    uptime7d: 0.995,
    uptime30d: 0.98,
    gpuModels: models.map(({ model, ram, interface: socket }) => ({
      vendor: 'nvidia',
      model,
      ram,
      interface: socketWord(socket),
    })),
    attributes: [{ key: 'location-region', value: provider.region, auditedBy: signers }],
    locationRegion: provider.region,
    country: provider.country,
    stats: {
      gpu,
      cpu: { active: provider.cpuTotal * 1_000 - cpuFree, available: cpuFree, pending: 0 },
    },
  };
}

export function gpuPricesBody(soldOut: boolean) {
  const models = marketGpus.map(({ model, ram, interface: socket, usdPerHour }) => {
    const owners = marketProviders.filter(
      ({ gpus, online }) => online && gpus.includes(`${model}/${ram}`),
    );
    const total = owners.reduce((sum, { gpuTotal }) => sum + gpuTotal, 0);
    const { min, med, max } = usdPerHour;
    return {
      vendor: 'nvidia',
      model,
      ram,
      interface: socket,
      availability: { total, available: soldOut ? 0 : total },
      providerAvailability: { total: owners.length, available: soldOut ? 0 : owners.length },
      price: { currency: 'USD', min, max, avg: med, weightedAverage: med, med },
    };
  });
  const sum = (pick: (each: (typeof models)[number]) => number) =>
    models.reduce((total, each) => total + pick(each), 0);
  return {
    availability: {
      total: sum((each) => each.availability.total),
      available: sum((each) => each.availability.available),
    },
    models,
  };
}
