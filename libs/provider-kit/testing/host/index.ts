export { createHostPark } from './host-park';
export type {
  BootRequest,
  HostHandle,
  HostKind,
  HostPark,
  HostParkOptions,
  HostRestart,
  HostState,
  RestartDelays,
} from './host-park';
