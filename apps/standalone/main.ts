import { run } from '#libs/runtime';
import { platformSchema } from '#libs/platform';
import { standalone } from './standalone.module';

void run(standalone, { name: 'standalone', schema: platformSchema });
