import { describePorts } from '../../libs/storage/testing/ports.suite';
import { MemoryTables, memoryStores } from './memory-stores';

describePorts('the simulator’s memory', async () => ({
  stores: memoryStores(new MemoryTables()),
  close: async () => undefined,
}));
