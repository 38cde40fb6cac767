import type { Durability } from './cluster';

/** Sized for a laptop: a few tens of megabytes at rest, and durable unless told otherwise. */
const base: Readonly<Record<string, string>> = {
  shared_buffers: '32MB',
  work_mem: '4MB',
  maintenance_work_mem: '32MB',
  huge_pages: 'off',
  jit: 'off',
  // Without replicas, what they would need is left out: it costs processes and log volume.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  max_worker_processes: '2',
  max_parallel_workers_per_gather: '0',
  io_method: 'sync',
  max_wal_size: '256MB',
  min_wal_size: '32MB',
  // Queue tables change all the time; they stay fast when they are tidied often.
  autovacuum_max_workers: '2',
  autovacuum_naptime: '15s',
  autovacuum_vacuum_scale_factor: '0.05',
  log_checkpoints: 'off',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

const withoutDurability: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
};

/** Where the server listens: one of a socket folder or a port of the loopback. */
export type Address = { readonly socketDir: string } | { readonly port: number };

/** Names the socket file; nothing listens on that port of the network. */
export const SOCKET_PORT = 5432;

/** The command line of the server. Settings stand there, not in a file, so that an upgrade changes them. */
export function serverArgs(
  cluster: string,
  address: Address,
  maxConnections: number,
  durability: Durability,
): readonly string[] {
  const settings = {
    ...base,
    ...(durability === 'none' ? withoutDurability : {}),
    ...listening(address),
    max_connections: String(maxConnections),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', cluster, ...options];
}

function listening(address: Address): Readonly<Record<string, string>> {
  if ('port' in address) {
    return {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      port: String(address.port),
    };
  }
  return {
    listen_addresses: '',
    unix_socket_directories: address.socketDir,
    unix_socket_permissions: '0700',
    port: String(SOCKET_PORT),
  };
}
