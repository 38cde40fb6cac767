import type { Bootstrap } from './render-bootstrap';

/** What to give a container platform so that a bootstrap becomes the container's first process. */
export interface ContainerBootstrap {
  readonly command: readonly string[];
  /** To be set besides whatever the platform sets; as secret as the token. */
  readonly env: Readonly<Record<string, string>>;
}

const VARIABLE = 'FAIRLEAD_BOOTSTRAP';

/** Passes the bootstrap in a variable that it removes at once: neither arguments nor the workload's environment show the token. */
export function renderContainer({ script }: Bootstrap): ContainerBootstrap {
  const take = `s=$${VARIABLE}; unset ${VARIABLE}; eval "$s"`;
  return { command: ['sh', '-c', take], env: { [VARIABLE]: script } };
}
