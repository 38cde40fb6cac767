// One database server for all test files of a run. Its address is in FAIRLEAD_TEST_PG; an address that is there
// already is used instead. When Jest is killed, the watchdog of the server stops it.
module.exports = async () => {
  if (process.env.FAIRLEAD_TEST_PG) return;
  const { startTestServer } = require('../libs/storage/embedded/test-server');
  const server = await startTestServer();
  process.env.FAIRLEAD_TEST_PG = server.url;
  globalThis.fairleadTestServer = server;
};
