import {
  ClientProxyFactory,
  Transport,
  type ClientProxy,
  type MicroserviceOptions,
} from '@nestjs/microservices';

/** Where a service takes messages from other processes. */
export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** For `Assembly.transport`: answer messages from other processes. */
export function tcpServer({ host, port }: TcpAddress): MicroserviceOptions {
  return { transport: Transport.TCP, options: { host, port } };
}

/** Ask a service in another process. Connects with the first question, and again after the connection was lost. */
export function tcpClient({ host, port }: TcpAddress): ClientProxy {
  return ClientProxyFactory.create({ transport: Transport.TCP, options: { host, port } });
}
