import { describePorts, describeWorkloadPorts } from './testing/ports.suite';
import { openTestStorage, type TestStorage } from './testing/fresh-database';

let test: TestStorage;
beforeAll(async () => {
  test = await openTestStorage();
}, 30_000);
afterAll(() => test.close());

const open = async () => {
  await test.empty();
  return { stores: test.storage, close: () => Promise.resolve() };
};

describePorts('Postgres', open);
describeWorkloadPorts('Postgres', open);
