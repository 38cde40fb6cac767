export { attemptToken, isAttemptToken } from './attempt-token';
export {
  LOG_CHUNK_BYTES,
  supervisorDirectives,
  supervisorRoutes,
  supervisorVerdicts,
  workloadExitReasons,
  type SupervisorBeat,
  type SupervisorDirective,
  type SupervisorVerdict,
  type WorkloadExit,
  type WorkloadExitReason,
} from './protocol';
export {
  renderBootstrap,
  supervisorDefaults,
  type Bootstrap,
  type BootstrapOptions,
  type SupervisorCheckpoint,
  type SupervisorEnd,
  type SupervisorInput,
  type SupervisorOutput,
} from './render-bootstrap';
export { renderContainer, type ContainerBootstrap } from './render-container';
export {
  EC2_USER_DATA_LIMIT_BYTES,
  renderUserData,
  type DockerRun,
  type UserData,
  type UserDataOptions,
} from './render-user-data';
export { shellQuote } from './shell-quote';
