import { isRegion } from '../regions';
import type { Region } from '../regions';
import { catalogue } from '../catalogue';
import type { EmulatedEc2 } from './emulated-ec2';
import { parseLaunch } from './launch';
import { changeAt, spotCodeAt, stateCodes, stateOf } from './machine';
import type { Machine, MachineState, StateChange } from './machine';
import { zonesOf } from './spot-market';
import { group, isoDate, page, set, text, WireError } from './wire';
import type { Query } from './wire';

/** Pages are kept short so that callers meet more than one. */
const INSTANCES_ON_A_PAGE = 10;
const OTHERS_ON_A_PAGE = 1_000;
const CONSOLE_BYTES = 65_536;
const PRODUCT = 'Linux/UNIX';

interface Request {
  readonly ec2: EmulatedEc2;
  readonly region: Region;
  readonly query: Query;
}

/** What EC2 does for an action; the answer is the inside of the response element. */
type Action = (request: Request) => string;

/** A machine as a read shows it. */
interface View {
  readonly machine: Machine;
  readonly change: StateChange;
}

const actions: Readonly<Record<string, Action>> = {
  RunInstances: ({ ec2, region, query }) => {
    const machine = ec2.launch(region, parseLaunch(query));
    const now = changeAt(machine, ec2.nowMs());
    if (now === null) throw new WireError('InternalError', 'The machine has vanished', 500);
    return reservation({ machine, change: now });
  },

  DescribeInstances: ({ ec2, region, query }) => {
    const ids = query.list('InstanceId');
    if (ids.length > 0 && query.get('MaxResults') !== null) {
      throw new WireError('InvalidParameterCombination', 'MaxResults cannot go with InstanceIds');
    }
    const visible = viewsIn(ec2, region);
    for (const id of ids) requireId(id, visible);
    const matching = visible
      .filter(({ machine }) => ids.length === 0 || ids.includes(machine.id))
      .filter((view) => query.filters().every((filter) => passes(view, filter)));
    const { items, nextToken } = page(query, matching, { pageSize: INSTANCES_ON_A_PAGE, least: 5 });
    return set('reservationSet', items.map(reservation)) + text('nextToken', nextToken);
  },

  TerminateInstances: ({ ec2, region, query }) => {
    const present = ec2
      .all()
      .filter((machine) => machine.region === region && changeAt(machine, ec2.nowMs()) !== null);
    const chosen = query.list('InstanceId').map((id) => requireMachine(id, present));
    const members = chosen.map((machine) => {
      const previous = stateOf(machine);
      ec2.terminate(machine);
      return (
        text('instanceId', machine.id) +
        stateElement('currentState', stateOf(machine)) +
        stateElement('previousState', previous)
      );
    });
    return set('instancesSet', members);
  },

  /** Without `Latest` only the snapshot that was posted when the machine ended. */
  GetConsoleOutput: ({ ec2, region, query }) => {
    const present = ec2.all().filter((machine) => machine.region === region);
    const machine = requireMachine(query.require('InstanceId'), present);
    const isPosted = query.get('Latest') === 'true' || stateOf(machine) === 'terminated';
    const bytes = Buffer.from(isPosted ? (machine.host?.consoleOutput() ?? '') : '');
    return (
      text('instanceId', machine.id) +
      text('timestamp', isoDate(ec2.nowMs())) +
      text('output', bytes.subarray(-CONSOLE_BYTES).toString('base64'))
    );
  },

  DescribeInstanceTypeOfferings: ({ ec2, region, query }) => {
    const wanted = query.filter('instance-type');
    const offered = catalogue.filter(
      (each) => ec2.sells(region, each) && (wanted === null || wanted.includes(each.type)),
    );
    const members = offered.map(
      ({ type }) =>
        text('instanceType', type) + text('locationType', 'region') + text('location', region),
    );
    const { items, nextToken } = page(query, members, { pageSize: OTHERS_ON_A_PAGE, least: 5 });
    return set('instanceTypeOfferingSet', items) + text('nextToken', nextToken);
  },

  /** For each type and zone the last price before `StartTime` and all since, up to `EndTime`. An empty token ends the listing. */
  DescribeSpotPriceHistory: ({ ec2, region, query }) => {
    const sinceMs = Date.parse(query.get('StartTime') ?? '') || 0;
    const untilMs = Date.parse(query.get('EndTime') ?? '') || Infinity;
    const products = query.list('ProductDescription');
    const asked = query.list('InstanceType');
    const types = catalogue.filter(({ type }) => asked.length === 0 || asked.includes(type));
    const members = types.flatMap(({ type }) =>
      zonesOf(region).flatMap((zone) => {
        const history = ec2.spotMarket.history(type, region, zone);
        const first = Math.max(
          0,
          history.findLastIndex(({ atMs }) => atMs <= sinceMs),
        );
        return history
          .slice(first)
          .filter(({ atMs }) => atMs <= untilMs)
          .map(
            ({ atMs, usdPerHour }) =>
              text('instanceType', type) +
              text('productDescription', PRODUCT) +
              text('spotPrice', usdPerHour.toFixed(6)) +
              text('timestamp', isoDate(atMs)) +
              text('availabilityZone', zone),
          );
      }),
    );
    const sold = products.length === 0 || products.includes(PRODUCT) ? members : [];
    const { items, nextToken } = page(query, sold, { pageSize: OTHERS_ON_A_PAGE, least: 1 });
    return set('spotPriceHistorySet', items) + text('nextToken', nextToken ?? '');
  },

  DescribeSpotInstanceRequests: ({ ec2, region, query }) => {
    const visible = viewsIn(ec2, region);
    const members = query.list('SpotInstanceRequestId').map((id) => {
      const view = visible.find(({ machine }) => machine.spot?.requestId === id);
      if (view !== undefined) return spotRequest(view, id, ec2.readAtMs());
      throw new WireError(
        'InvalidSpotInstanceRequestID.NotFound',
        `The spot instance request ID '${id}' does not exist`,
      );
    });
    return set('spotInstanceRequestSet', members);
  },
};

/** The whole answer to a request, or a `WireError`. */
export function perform(action: string, ec2: EmulatedEc2, region: string, query: Query): string {
  const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (run === undefined) {
    throw new WireError('InvalidAction', `The action ${action} is not valid for this web service.`);
  }
  if (!isRegion(region)) {
    throw new WireError('AuthFailure', 'The region is not enabled for this account', 401);
  }
  return group(`${action}Response`, run({ ec2, region, query }));
}

function viewsIn(ec2: EmulatedEc2, region: Region): readonly View[] {
  return ec2.all().flatMap((machine) => {
    const change = changeAt(machine, ec2.readAtMs());
    return machine.region !== region || change === null ? [] : [{ machine, change }];
  });
}

function requireId(id: string, visible: readonly View[]): void {
  requireMachine(
    id,
    visible.map(({ machine }) => machine),
  );
}

function requireMachine(id: string, among: readonly Machine[]): Machine {
  if (!/^i-[0-9a-f]{8,17}$/.test(id)) {
    throw new WireError('InvalidInstanceID.Malformed', `Invalid id: "${id}"`);
  }
  const machine = among.find((each) => each.id === id);
  if (machine !== undefined) return machine;
  throw new WireError('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
}

const filters: Readonly<Record<string, (view: View) => readonly string[]>> = {
  'client-token': ({ machine }) => (machine.token === null ? [] : [machine.token]),
  'instance-id': ({ machine }) => [machine.id],
  'instance-lifecycle': ({ machine }) => (machine.spot === null ? [] : ['spot']),
  'instance-state-name': ({ change }) => [change.state],
  'instance-type': ({ machine }) => [machine.type.type],
  'spot-instance-request-id': ({ machine }) => (machine.spot ? [machine.spot.requestId] : []),
  'state-reason-code': ({ change }) => (change.reason === null ? [] : [change.reason.code]),
  'tag-key': ({ machine }) => machine.tags.map(({ key }) => key),
};

function passes(
  view: View,
  { name, values }: { name: string; values: readonly string[] },
): boolean {
  const held = name.startsWith('tag:') ? tagValues(view, name.slice(4)) : filters[name]?.(view);
  if (held === undefined) {
    throw new WireError('InvalidParameterValue', `The filter '${name}' is invalid`);
  }
  return held.some((value) => values.includes(value));
}

function tagValues({ machine }: View, key: string): readonly string[] {
  return machine.tags.filter((tag) => tag.key === key).map(({ value }) => value);
}

function reservation({ machine, change }: View): string {
  const { reason, endedAtMs } = change;
  const instance = [
    text('instanceId', machine.id),
    text('instanceType', machine.type.type),
    stateElement('instanceState', change.state),
    text('launchTime', isoDate(machine.launchedAtMs)),
    group('placement', text('availabilityZone', machine.zone)),
    text('clientToken', machine.token),
    text('reason', reason === null ? '' : reason.transition(endedAtMs ?? change.atMs)),
    reason === null
      ? ''
      : group('stateReason', text('code', reason.code), text('message', reason.code)),
    text('instanceLifecycle', machine.spot === null ? null : 'spot'),
    text('spotInstanceRequestId', machine.spot?.requestId ?? null),
    set(
      'tagSet',
      machine.tags.map(({ key, value }) => text('key', key) + text('value', value)),
    ),
  ];
  return (
    text('reservationId', machine.id.replace('i-', 'r-')) + set('instancesSet', [instance.join('')])
  );
}

function spotRequest({ machine, change }: View, id: string, atMs: number): string {
  const code = spotCodeAt(machine, atMs);
  const isOpen = change.state === 'pending' || change.state === 'running';
  return (
    text('spotInstanceRequestId', id) +
    text('state', isOpen ? 'active' : 'closed') +
    text('instanceId', machine.id) +
    group('status', text('code', code), text('message', code))
  );
}

function stateElement(name: string, state: MachineState): string {
  return group(name, text('code', stateCodes[state]), text('name', state));
}
