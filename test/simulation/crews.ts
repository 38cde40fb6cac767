import { isReady, type Attempt, type Job } from '#libs/domain';
import type { MemoryTables } from './memory-stores';
import type { SimulatedSupervisor } from './supervisors';

/** Looks in a row at which a service may lack ready replicas: a loss is made good within a start, and starts fail. */
const SHORT_LOOKS = 4;

/** What runs where, for the invariants of jobs that have several attempts at a time. */
export class Crews {
  private readonly supervisors = new Map<string, SimulatedSupervisor>();
  private readonly shortLooks = new Map<string, number>();

  constructor(private readonly tables: MemoryTables) {}

  add(attempt: Attempt, supervisor: SimulatedSupervisor): void {
    this.supervisors.set(attempt.id, supervisor);
  }

  /** I14, as a workload begins: who else of its job runs, that should not. */
  intruders(attempt: Attempt): readonly string[] {
    if (attempt.role === 'replica') return [];
    return this.tables
      .attemptsOfJob(attempt.jobId)
      .filter(({ id, role, round }) => {
        const isMate = role === 'node' && round === attempt.round;
        return id !== attempt.id && !isMate && this.supervisors.get(id)?.isRunning === true;
      })
      .map(({ id }) => id);
  }

  /** I15, as a node begins: who of its gang has not come up. */
  absentees({ role, jobId, round }: Attempt): readonly string[] {
    if (role !== 'node') return [];
    return this.tables
      .attemptsOfJob(jobId)
      .filter((mate) => mate.round === round && mate.report.bootId === null)
      .map(({ id }) => id);
  }

  /** I16, at each look: services that have lacked ready replicas for too long since they had them first. */
  shortServices(): readonly string[] {
    return [...this.tables.jobs.values()].filter((job) => this.isShort(job)).map(({ id }) => id);
  }

  private isShort({ id, spec, outcome, cancelRequestedAtMs }: Job): boolean {
    const { replicas, budget } = spec;
    if (
      replicas === null ||
      budget.maxCost !== null ||
      outcome !== null ||
      cancelRequestedAtMs !== null
    )
      return false;
    const attempts = this.tables.attemptsOfJob(id);
    const begun = attempts.some(({ report }) => report.startedAtMs !== null);
    const isWhole = attempts.filter(isReady).length >= replicas.target;
    const looks = !begun || isWhole ? 0 : (this.shortLooks.get(id) ?? 0) + 1;
    this.shortLooks.set(id, looks);
    return looks > SHORT_LOOKS;
  }
}

/** I1: leases of one job that live at the same time and should not: two in one slot and role. */
export function doubled(live: readonly Attempt[]): readonly string[] {
  const places = live.map(({ role, slot }) => `${role} ${slot}`);
  return places.filter((place, index) => places.indexOf(place) !== index);
}
