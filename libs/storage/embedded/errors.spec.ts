import { failure, faultIn } from './errors';

describe('what the server says', () => {
  it.each([
    ['FATAL:  could not extend file "base/1/2": No space left on device', 'disk-full'],
    ['FATAL:  could not write lock file "postmaster.pid": Permission denied', 'permission-denied'],
    ['EACCES: permission denied, mkdir', 'permission-denied'],
    ['FATAL:  data directory "/x" has wrong ownership', 'permission-denied'],
    ['could not bind IPv4 address "127.0.0.1": Address already in use', 'address-taken'],
    ['FATAL:  database files are incompatible with server', 'wrong-version'],
    ['FATAL:  could not map anonymous shared memory: Cannot allocate memory', 'out-of-memory'],
    ['PANIC:  could not locate a valid checkpoint record', 'failed'],
  ])('reads "%s" as %s', (said, fault) => {
    expect(faultIn(said)).toBe(fault);
  });

  it('is quoted, with the log it stands in and what to do', () => {
    const error = failure('It did not start', 'a\nFATAL: No space left on device', 'server.log');
    expect(error.message).toBe(
      'It did not start.\nThe end of server.log:\n  | a\n  | FATAL: No space left on device\n' +
        'Remedy: free some space and start again; nothing that was acknowledged is lost.',
    );
  });
});
