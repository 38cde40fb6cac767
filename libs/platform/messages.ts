import {
  answerLimitMs,
  MessageUnanswered,
  Messages,
  messages,
  type MessagePattern,
  type MessageService,
} from '#libs/contracts';
import type { ClientProxy } from '@nestjs/microservices';
import { NestMessages } from '#libs/runtime/transport';

const patterns = Object.keys(messages) as readonly MessagePattern[];

/** Questions between services, over whatever reaches the one that answers; answers are checked against the catalogue. */
export function messagesOver(clientFor: (service: MessageService) => ClientProxy): Messages {
  const nest = new NestMessages({
    clientFor: (pattern) => clientFor(messages[known(pattern)].answeredBy),
    limitMs: (pattern) => answerLimitMs(known(pattern)),
    read: (pattern, answer) => messages[known(pattern)].reply.parse(answer),
    unanswered: (pattern, cause) => new MessageUnanswered(known(pattern), { cause }),
  });
  return { send: (pattern, request) => nest.send(pattern, request) };
}

function known(pattern: string): MessagePattern {
  const found = patterns.find((each) => each === pattern);
  if (found === undefined) throw new RangeError(`no such message: ${pattern}`);
  return found;
}
