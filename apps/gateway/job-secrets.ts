/** Which secrets of the router jobs may refer to. The gateway knows no values. */
export abstract class JobSecrets {
  /** Whether jobs of the project may name the secret; false as well for one that does not exist. */
  abstract allows(project: string, name: string): boolean;
}
