import { once } from 'node:events';
import { createServer } from 'node:net';
import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, MessagePattern, Payload, type ClientProxy } from '@nestjs/microservices';
import {
  CodedError,
  CodedErrorFilter,
  InProcessBus,
  InProcessClient,
  InProcessServer,
  NestMessages,
  tcpClient,
  tcpServer,
} from '.';

const heard: unknown[] = [];

@Controller()
class Answers {
  @MessagePattern('double')
  double(@Payload() { n }: { readonly n: number }): { readonly n: number } {
    return { n: n * 2 };
  }

  @MessagePattern('keep')
  async keep(@Payload() request: object): Promise<object> {
    return request;
  }

  @MessagePattern('refuse')
  refuse(@Payload() _request: object): never {
    throw new CodedError('policy-not-found', 'there is no such policy');
  }

  @MessagePattern('break')
  async break(@Payload() _request: object): Promise<never> {
    throw new Error('a secret of the implementation');
  }

  @MessagePattern('dawdle')
  dawdle(@Payload() _request: object): Promise<never> {
    return new Promise<never>(() => undefined);
  }

  @EventPattern('happened')
  happened(@Payload() event: unknown): void {
    heard.push(event);
  }
}

@Module({ controllers: [Answers] })
class AnswersModule {}

class Unanswered extends Error {}

interface Joined {
  readonly service: INestMicroservice;
  readonly client: ClientProxy;
}

async function inOneProcess(): Promise<Joined> {
  const bus = new InProcessBus();
  const service = await NestFactory.createMicroservice(AnswersModule, {
    strategy: new InProcessServer(bus),
    logger: false,
  });
  return { service, client: new InProcessClient(bus) };
}

async function overTcp(): Promise<Joined> {
  const address = { host: '127.0.0.1', port: await freePort() };
  const service = await NestFactory.createMicroservice(AnswersModule, {
    ...tcpServer(address),
    logger: false,
  });
  return { service, client: tcpClient(address) };
}

describe.each([
  ['in one process', inOneProcess],
  ['between processes', overTcp],
] as const)('messages %s', (_where, join) => {
  let joined: Joined;
  let messages: NestMessages;

  beforeAll(async () => {
    joined = await join();
    joined.service.useGlobalFilters(new CodedErrorFilter());
    await joined.service.listen();
    messages = new NestMessages(routesTo(joined.client), 300);
  });
  afterAll(async () => {
    await joined.client.close();
    await joined.service.close();
  });

  it('brings the answer to who asked', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => messages.send<{ n: number }>('double', { n })),
    );
    expect(answers.map(({ n }) => n)).toEqual(Array.from({ length: 50 }, (_, n) => n * 2));
  });

  it('delivers copies, as a wire does', async () => {
    const request = { list: [1, { a: null }], left: undefined };
    const answer = await messages.send<object>('keep', request);
    expect(answer).toEqual({ list: [1, { a: null }] });
    expect(answer).not.toBe(request);
  });

  it('brings a refusal with its code', async () => {
    const error: unknown = await messages.send('refuse', {}).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CodedError);
    expect(error).toMatchObject({ code: 'policy-not-found', message: 'there is no such policy' });
  });

  it('tells of a failure that it happened, and no more', async () => {
    const error: unknown = await messages.send('break', {}).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'internal', message: 'the service has failed' });
  });

  it('knows that nobody answers a pattern', async () => {
    await expect(messages.send('nothing', {})).rejects.toThrow(Unanswered);
  });

  it('waits for an answer no longer than its time', async () => {
    await expect(messages.send('dawdle', {})).rejects.toThrow(Unanswered);
  });

  it('refuses an answer that is not what was promised', async () => {
    const strict = new NestMessages({
      ...routesTo(joined.client),
      read: () => {
        throw new TypeError('not a plan');
      },
    });
    await expect(strict.send('double', { n: 1 })).rejects.toThrow('not a plan');
  });

  it('passes events on', async () => {
    heard.length = 0;
    joined.client.emit('happened', { id: 'job-1' });
    for (let n = 0; heard.length === 0 && n < 200; n += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(heard).toEqual([{ id: 'job-1' }]);
  });
});

it('nobody answers in a process without services, nor where nothing listens', async () => {
  const alone = new NestMessages(routesTo(new InProcessClient(new InProcessBus())));
  await expect(alone.send('double', { n: 1 })).rejects.toThrow(Unanswered);
  const client = tcpClient({ host: '127.0.0.1', port: await freePort() });
  await expect(new NestMessages(routesTo(client)).send('double', { n: 1 })).rejects.toThrow(
    Unanswered,
  );
  await client.close();
});

function routesTo(client: ClientProxy) {
  return {
    clientFor: () => client,
    read: (_pattern: string, answer: unknown) => answer,
    unanswered: (pattern: string, cause: unknown) => new Unanswered(pattern, { cause }),
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
