import {
  BaseRpcContext,
  ClientProxy,
  Server,
  type CustomTransportStrategy,
  type ReadPacket,
  type WritePacket,
} from '@nestjs/microservices';

const NO_HANDLER = 'There is no matching message handler defined in the remote service.';

/** Joins the services of one process. What goes through is copied as if it went through a wire. */
export class InProcessBus {
  private server: InProcessServer | null = null;

  open(server: InProcessServer): void {
    this.server = server;
  }

  close(server: InProcessServer): void {
    if (this.server === server) this.server = null;
  }

  ask(packet: ReadPacket, answer: (packet: WritePacket) => void): void {
    if (this.server === null) answer({ err: NO_HANDLER, isDisposed: true });
    else this.server.answer(copy(packet), (reply) => answer(copy(reply)));
  }

  async tell(packet: ReadPacket): Promise<void> {
    await this.server?.hear(copy(packet));
  }
}

/** Answers messages from the same process. */
export class InProcessServer extends Server implements CustomTransportStrategy {
  override readonly transportId = Symbol('in-process');

  constructor(private readonly bus: InProcessBus) {
    super();
  }

  override listen(callback: (error?: unknown) => void): void {
    this.bus.open(this);
    callback();
  }

  override close(): void {
    this.bus.close(this);
  }

  override on(): void {
    return undefined;
  }

  override unwrap<T>(): T {
    throw new Error('There is no server behind messages in one process.');
  }

  answer(packet: ReadPacket, respond: (packet: WritePacket) => void): void {
    const pattern = this.getPatternAsString(packet.pattern);
    const handler = this.getHandlerByPattern(pattern);
    if (handler === null) return respond({ err: NO_HANDLER, isDisposed: true });
    const context = new BaseRpcContext([pattern]);
    this.handleRequest(
      context,
      async () => this.transformToObservable(await handler(packet.data, context)),
      (reply) => respond(reply),
    );
  }

  async hear(packet: ReadPacket): Promise<void> {
    const pattern = this.getPatternAsString(packet.pattern);
    await this.handleEvent(pattern, packet, new BaseRpcContext([pattern]));
  }
}

/** Asks services in the same process. */
export class InProcessClient extends ClientProxy {
  constructor(private readonly bus: InProcessBus) {
    super();
  }

  override async connect(): Promise<void> {
    return undefined;
  }

  override close(): void {
    return undefined;
  }

  override unwrap<T>(): T {
    throw new Error('There is no connection behind messages in one process.');
  }

  protected override publish(
    packet: ReadPacket,
    callback: (packet: WritePacket) => void,
  ): () => void {
    let heard = true;
    this.bus.ask(this.normalised(packet), (reply) => {
      if (heard) callback(reply);
    });
    return () => {
      heard = false;
    };
  }

  protected override async dispatchEvent<T>(packet: ReadPacket): Promise<T> {
    await this.bus.tell(this.normalised(packet));
    return undefined as T;
  }

  private normalised(packet: ReadPacket): ReadPacket {
    return { ...packet, pattern: this.normalizePattern(packet.pattern) };
  }
}

/** As JSON would deliver it, so that one process shows the same faults as many. */
function copy<T extends object>(packet: T): T {
  return JSON.parse(JSON.stringify(packet)) as T;
}
