import { within } from './within';

export interface ReadinessReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, 'ok' | 'failed' | 'late'>>;
}

const CHECK_LIMIT_MS = 2_000;

/** Whether a process can do its work: it is up, not on its way out, and everything it needs answers. */
export class Readiness {
  private readonly checks = new Map<string, () => Promise<unknown>>();
  private state: 'starting' | 'up' | 'closing' = 'starting';

  /** `check` throws when what it looks at does not work. */
  add(name: string, check: () => Promise<unknown>): void {
    this.checks.set(name, check);
  }

  isUp(): void {
    this.state = 'up';
  }

  isClosing(): void {
    this.state = 'closing';
  }

  async report(): Promise<ReadinessReport> {
    const looked = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await answer(check)] as const),
    );
    const ready = this.state === 'up' && looked.every(([, result]) => result === 'ok');
    return { ready, checks: Object.fromEntries(looked) };
  }
}

async function answer(check: () => Promise<unknown>): Promise<'ok' | 'failed' | 'late'> {
  const result = await within(
    CHECK_LIMIT_MS,
    Promise.resolve()
      .then(check)
      .then(
        () => 'ok' as const,
        () => 'failed' as const,
      ),
  );
  return result ?? 'late';
}
