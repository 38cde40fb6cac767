import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { mayCall, routerPath, routes, type Access, type Route } from '#libs/contracts';
import { asAttemptId, type Attempt } from '#libs/domain';
import { ApiKeys, Attempts } from '#libs/storage';
import { digestOfSecret, isSecretOf, readApiKey } from './api-key';
import { isAttemptToken } from '#libs/supervisor';
import type { Principal } from './principal';
import { RateLimits } from './rate-limits';
import { Refusal } from './refusal';
import { GatewaySettings } from './settings';

const BEARER = /^Bearer ([\x21-\x7e]{1,512})$/i;
/** Compared with when there is no such key, so that an unknown key takes as long as a wrong one. */
const NO_DIGEST = digestOfSecret('no such key');

const routeAt: ReadonlyMap<string, Route> = new Map(
  routes.map((route) => [`${route.method} ${routerPath(route.path)}`, route]),
);

/** Who was let in, for as long as the request lives. */
const principals = new WeakMap<FastifyRequest, Principal>();
const attempts = new WeakMap<FastifyRequest, Attempt>();
const admitted = new WeakSet<FastifyRequest>();

/** The key behind a request of a route with roles. */
export function principalOf(request: FastifyRequest): Principal {
  const principal = principals.get(request);
  if (principal === undefined) throw new Error('the route does not ask for a key');
  return principal;
}

/** The attempt behind a request of its supervisor. */
export function attemptOf(request: FastifyRequest): Attempt {
  const attempt = attempts.get(request);
  if (attempt === undefined) throw new Error('the route does not ask for an attempt token');
  return attempt;
}

/** What a request came with, and the address that has paid for it so far. */
interface Shown {
  readonly token: string;
  readonly chargedAddress: string | null;
}

/** Lets in what the route table allows and refuses everything else: a route that is not in the table is closed to all. */
@Injectable()
export class Admission {
  constructor(
    private readonly keys: ApiKeys,
    private readonly attempts: Attempts,
    private readonly settings: GatewaySettings,
    private readonly limits: RateLimits,
  ) {}

  /** Called before the body is read, so that strangers cannot make us read one. Addresses that do not exist pass: nothing answers there. */
  async admit(request: FastifyRequest): Promise<void> {
    const token = tokenOf(request);
    const isCharged = this.limits.enter(request.ip, token);
    if (request.is404) return;
    const route = routeAt.get(`${request.method.toLowerCase()} ${request.routeOptions.url}`);
    if (route === undefined) throw new Refusal('forbidden');
    if (route.access.kind !== 'public') {
      if (token === null) throw new Refusal('unauthenticated');
      const shown = { token, chargedAddress: isCharged ? request.ip : null };
      if (route.access.kind === 'attempt-token') await this.admitAttempt(request, shown);
      else await this.admitKey(request, shown, route.access);
    }
    admitted.add(request);
  }

  private async admitKey(request: FastifyRequest, shown: Shown, access: Access): Promise<void> {
    const principal = await this.authenticate(shown.token);
    if (principal === null) {
      this.limits.forget(shown.token);
      throw new Refusal('unauthenticated');
    }
    this.limits.admit(`key ${principal.id}`, shown.token, shown.chargedAddress);
    if (!mayCall(access, principal.roles)) throw new Refusal('forbidden');
    principals.set(request, principal);
  }

  private async authenticate(token: string): Promise<Principal | null> {
    const presented = readApiKey(token);
    if (presented === null) return null;
    const key = await this.keys.get(presented.id);
    const matches = isSecretOf(presented.secret, key?.secretDigest ?? NO_DIGEST);
    return key !== null && matches && key.revokedAtMs === null ? key : null;
  }

  /** The token is checked before anything is read, so that it tells nothing about attempts to strangers. */
  private async admitAttempt(request: FastifyRequest, shown: Shown): Promise<void> {
    const { attemptId = '' } = request.params as { readonly attemptId?: string };
    const id = asAttemptId(attemptId);
    if (!isAttemptToken(this.settings.attemptTokenSecret, id, shown.token))
      throw new Refusal('unauthenticated');
    this.limits.admit(`attempt ${id}`, shown.token, shown.chargedAddress);
    const attempt = await this.attempts.get(id);
    if (attempt === null || attempt.phase === 'released') throw new Refusal('attempt-over');
    attempts.set(request, attempt);
  }
}

/** Closes every controller to requests that did not pass the admission. */
@Injectable()
export class AdmittedGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    return admitted.has(context.switchToHttp().getRequest<FastifyRequest>());
  }
}

function tokenOf(request: FastifyRequest): string | null {
  return BEARER.exec(request.headers.authorization ?? '')?.[1] ?? null;
}
