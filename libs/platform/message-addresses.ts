import { z } from 'zod';
import type { MessageService } from '#libs/contracts';
import type { TcpAddress } from '#libs/runtime/transport';

/** Where each service takes questions unless told otherwise, so that all fit on one machine. */
const ports: { readonly [S in MessageService]: number } = {
  'policy-engine': 4001,
  'cost-oracle': 4002,
  dispatcher: 4003,
  'health-monitor': 4004,
};

/** Settings of a service that answers questions from other processes. Nothing on that port asks who is there: keep it inside. */
export function answering(service: MessageService) {
  return z.object({
    messageHost: z.string().min(1).default('127.0.0.1').meta({ env: 'FAIRLEAD_MESSAGE_HOST' }),
    messagePort: z.coerce
      .number()
      .int()
      .min(1)
      .max(65_535)
      .default(ports[service])
      .meta({ env: 'FAIRLEAD_MESSAGE_PORT' }),
  });
}

function at(service: MessageService) {
  return z
    .string()
    .regex(/^[^\s:]+:\d{1,5}$/, 'must be a host and a port such as policy-engine:4001')
    .default(`127.0.0.1:${ports[service]}`)
    .transform((text): TcpAddress => {
      const [host = '', port = ''] = text.split(':');
      return { host, port: Number(port) };
    });
}

/** Settings of a process that asks the services questions. */
export const askingSchema = z.object({
  policyEngine: at('policy-engine').meta({ env: 'FAIRLEAD_POLICY_ENGINE' }),
  costOracle: at('cost-oracle').meta({ env: 'FAIRLEAD_COST_ORACLE' }),
  dispatcher: at('dispatcher').meta({ env: 'FAIRLEAD_DISPATCHER' }),
  healthMonitor: at('health-monitor').meta({ env: 'FAIRLEAD_HEALTH_MONITOR' }),
});

/** Where the one that answers is. */
export function addressOf(
  service: MessageService,
  { policyEngine, costOracle, dispatcher, healthMonitor }: z.output<typeof askingSchema>,
): TcpAddress {
  const addresses: { readonly [S in MessageService]: TcpAddress } = {
    'policy-engine': policyEngine,
    'cost-oracle': costOracle,
    dispatcher,
    'health-monitor': healthMonitor,
  };
  return addresses[service];
}
