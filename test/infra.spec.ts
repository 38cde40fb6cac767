import type { z } from 'zod';
import { baseConfigSchema, loadConfig, Metrics } from '#libs/runtime';
import { providerErrorKinds, reactions } from '#libs/domain';
import { platformSchema } from '#libs/platform';
import { isForTests, sourcesIn } from './architecture/sources';
import { copiesIn, instructionsIn, stagesIn } from './infra/dockerfile';
import {
  alertsSchema,
  collectorSchema,
  composeSchema,
  dashboardSchema,
  datasourcesSchema,
  exists,
  prometheusSchema,
  read,
  readAs,
} from './infra/files';
import { mentionsIn, metricsIn } from './infra/promql';

const compose = readAs('docker-compose.yml', composeSchema);
const services = Object.entries(compose.services);
const ours = services.filter(([, { build }]) => build !== undefined);
const dockerfile = instructionsIn(read('infra/Dockerfile'));

describe('docker-compose.yml', () => {
  it.each(ours)('%s runs an app that there is', (_name, { environment }) => {
    expect(exists(`apps/${environment['APP']}/main.ts`)).toBe(true);
  });

  it.each(ours)('%s is told only what its settings know', async (_name, { environment }) => {
    const known = new Set(['APP', ...variablesOf(await settingsOf(environment['APP'] ?? ''))]);
    expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(ours)(
    '%s emulates nothing and is built from our image',
    (_name, { environment, build }) => {
      expect(environment['FAIRLEAD_EMULATE']).toBe('no');
      expect(exists(build?.dockerfile ?? '')).toBe(true);
    },
  );

  it.each(ours)(
    '%s gets longer to end than it takes',
    (_name, { stop_grace_period: grace = '' }) => {
      const { closeLimitSeconds } = loadConfig(baseConfigSchema, {});
      expect(Number.parseInt(grace, 10)).toBeGreaterThan(closeLimitSeconds);
    },
  );

  it.each(services)('%s holds no secret', (_name, { environment }) => {
    const secrets = Object.entries(environment).filter(([name]) => /PASSWORD|SECRET/.test(name));
    expect(secrets.filter(([, value]) => !/^\$\{\w+:\?[^}]+\}$/.test(value))).toEqual([]);
    const withPassword = Object.values(environment).filter((value) =>
      /:\/\/[^/]*:[^/]*@/.test(value),
    );
    expect(withPassword.filter((value) => !/:\/\/\w+:\$\{\w+:\?[^}]+\}@/.test(value))).toEqual([]);
  });

  it.each(services)('%s waits only for what can be waited for', (_name, { depends_on: needs }) => {
    for (const [name, { condition }] of Object.entries(needs)) {
      const other = compose.services[name];
      const hasCheck = other?.healthcheck !== undefined || other?.build !== undefined;
      expect([name, condition, hasCheck]).toEqual([name, 'service_healthy', true]);
    }
  });

  it.each(services)('%s mounts what there is', (_name, { volumes }) => {
    const sources = volumes.map((volume) => volume.split(':')[0] ?? '');
    const missing = sources.filter((source) =>
      source.startsWith('./') ? !exists(source) : !(source in compose.volumes),
    );
    expect(missing).toEqual([]);
  });

  it.each(services)('%s is reached from this machine alone', (_name, { ports }) => {
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('gives the credentials of providers to those who call them', () => {
    const trusted = ours.flatMap(([name, { env_file: files }]) => (files ? [name] : []));
    expect(trusted.sort()).toEqual(['cost-oracle', 'dispatcher', 'health-monitor']);
  });

  it('asks each service where it answers', async () => {
    const asked = Object.values(compose.services['gateway']?.environment ?? {}).filter((value) =>
      /^[a-z-]+:\d+$/.test(value),
    );
    const answering = ours.filter(([name]) => name !== 'gateway');
    const answered = answering.map(async ([name, { environment }]) => {
      const schema = await settingsOf(environment['APP'] ?? '');
      const config: Readonly<Record<string, unknown>> = loadConfig(schema, environment);
      expect(config['messageHost']).toBe('0.0.0.0');
      return `${name}:${String(config['messagePort'])}`;
    });
    expect(asked.sort()).toEqual((await Promise.all(answered)).sort());
  });

  it('keeps the messages in a Redis that survives a restart and drops nothing', () => {
    const command = compose.services['redis']?.command?.join(' ');
    expect(command).toContain('--appendonly yes');
    expect(command).toContain('--maxmemory-policy noeviction');
  });
});

describe('infra/Dockerfile', () => {
  it('copies what there is and what the build is given', () => {
    const given = read('.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    const sources = copiesIn(dockerfile).flatMap((copy) =>
      copy.from === null ? copy.sources : [],
    );
    expect(sources.filter((source) => !exists(source))).toEqual([]);
    expect(sources.filter((source) => !given.includes(source.replace('./', '')))).toEqual([]);
  });

  it('copies from stages that come before', () => {
    const stages = stagesIn(dockerfile);
    const from = copiesIn(dockerfile).flatMap((copy) => copy.from ?? []);
    expect(from.length).toBeGreaterThan(0);
    expect(from.filter((stage) => !stages.slice(0, -1).includes(stage))).toEqual([]);
  });

  it('runs as nobody special, on the Node that the product wants, and says whether it lives', () => {
    const last = dockerfile.slice(dockerfile.findLastIndex(({ word }) => word === 'FROM'));
    expect(last.findLast(({ word }) => word === 'USER')?.rest).toBe('node');
    expect(dockerfile.find(({ word }) => word === 'FROM')?.rest).toBe('node:24-slim AS base');
    expect(last.find(({ word }) => word === 'HEALTHCHECK')?.rest).toContain('/livez');
  });

  it('sets only what the settings know', () => {
    const names = dockerfile.flatMap(({ word, rest }) =>
      word === 'ENV' ? [...rest.matchAll(/(\w+)=/g)].map(([, name]) => name) : [],
    );
    const known = new Set(['APP', 'NODE_ENV', ...variablesOf()]);
    expect(names.filter((name) => name === undefined || !known.has(name))).toEqual([]);
    expect(names).toContain('HOST');
  });
});

describe('Prometheus', () => {
  const { groups } = readAs('infra/prometheus/alerts.yaml', alertsSchema);
  const rules = groups.flatMap((group) => group.rules);
  const alerts = rules.map((rule) => [rule.alert, rule] as const);

  it('asks each of our processes, where it listens', () => {
    const { rule_files: files, scrape_configs: scrapes } = readAs(
      'infra/prometheus/prometheus.yaml',
      prometheusSchema,
    );
    const targets = scrapes.flatMap((scrape) => scrape.dns_sd_configs);
    expect(targets.flatMap(({ names }) => names).sort()).toEqual(ours.map(([name]) => name).sort());
    expect(dockerfile.find(({ word }) => word === 'EXPOSE')?.rest).toBe(String(targets[0]?.port));
    expect(files.filter((file) => !exists(`infra/prometheus/${file}`))).toEqual([]);
  });

  it.each(alerts)('%s speaks of figures that there are', async (_name, { expr }) => {
    expect(await unknownIn(expr)).toEqual([]);
  });

  it.each(alerts)('%s points to a runbook that there is', (_name, { annotations }) => {
    expect(annotations.runbook === undefined || exists(annotations.runbook)).toBe(true);
  });

  it('is let in by each process that it asks', () => {
    for (const [, { environment }] of ours)
      expect(environment['FAIRLEAD_METRICS_OPEN']).toBe('yes');
    expect(loadConfig(baseConfigSchema, { FAIRLEAD_METRICS_OPEN: 'yes' }).metricsOpen).toBe(true);
    expect(loadConfig(baseConfigSchema, {}).metricsOpen).toBe(false);
  });

  it('calls a person for exactly the kinds of the failover table', () => {
    const kinds = providerErrorKinds.filter((kind) => reactions[kind].page).join('|');
    const rule = rules.find(({ alert }) => alert === 'FairleadProviderNeedsAPerson');
    const named = [...(rule?.expr ?? '').matchAll(/error_type=~"([^"]*)"/g)].map(
      ([, list]) => list,
    );
    expect(new Set(named)).toEqual(new Set([kinds]));
  });

  it('has figures that somebody feeds', () => {
    const product = [...sourcesIn('libs'), ...sourcesIn('apps')]
      .filter((source) => !isForTests(source) && source.path !== 'libs/runtime/metrics.ts')
      .map(({ text }) => text);
    const feeds = Object.getOwnPropertyNames(Metrics.prototype).filter((name) =>
      /^(count|observe)/.test(name),
    );
    expect(feeds.length).toBeGreaterThan(0);
    expect(feeds.filter((name) => !product.some((text) => text.includes(`.${name}(`)))).toEqual([]);
  });

  it('expects as many services as there are', () => {
    const rule = rules.find(({ alert }) => alert === 'FairleadServiceMissing');
    expect(rule?.expr).toContain(`< ${ours.length} `);
  });
});

describe('Grafana', () => {
  const { panels } = readAs('infra/grafana/dashboards/fairlead.json', dashboardSchema);

  it.each(panels.map((panel) => [panel.title, panel] as const))(
    'shows "%s" from figures that there are',
    async (_title, { targets, datasource }) => {
      const { datasources } = readAs('infra/grafana/datasources.yaml', datasourcesSchema);
      expect(datasources.map(({ uid }) => uid)).toContain(datasource.uid);
      for (const { expr } of targets) expect(await unknownIn(expr)).toEqual([]);
    },
  );
});

describe('the collector', () => {
  it('builds its pipelines from parts that it has', () => {
    const collector = readAs('infra/otel/collector.yaml', collectorSchema);
    for (const pipeline of Object.values(collector.service.pipelines)) {
      for (const kind of ['receivers', 'processors', 'exporters'] as const)
        expect(Object.keys(collector[kind])).toEqual(pipeline[kind]);
    }
  });
});

describe('the reader of expressions', () => {
  it('finds metrics and labels and nothing else', () => {
    const text =
      'sum by (le) (rate(a_bucket{x="y z",v!=""}[5m])) / b offset 10m or sum(c) unless d > 0.5';
    expect(mentionsIn(text)).toEqual({
      metrics: ['a_bucket', 'b', 'c', 'd'],
      labels: ['x', 'v', 'le'],
    });
  });

  it('notices a metric and a label that nobody declares', async () => {
    expect(await unknownIn('rate(fairlead_no_such_total[5m])')).toEqual(['fairlead_no_such_total']);
    expect(await unknownIn('fairlead_attempts_total{flavour="x"}')).toEqual(['flavour']);
  });
});

/** The settings of an app, besides those of every process. */
async function settingsOf(app: string): Promise<z.ZodObject> {
  if (!exists(`apps/${app}/config.ts`)) return platformSchema;
  const { configSchema } = (await import(`../apps/${app}/config`)) as { configSchema: z.ZodObject };
  return configSchema;
}

/** Every variable that the settings are read from, as the runtime reads them. */
function variablesOf(schema: z.ZodObject = platformSchema): readonly string[] {
  const asked: string[] = [];
  const env = new Proxy<Record<string, string | undefined>>(
    {},
    { get: (_env, name) => void asked.push(String(name)) },
  );
  loadConfig(baseConfigSchema.extend(schema.shape), env);
  return asked;
}

/** Names in an expression that no process of ours reports; labels count for the metrics of that expression. */
async function unknownIn(expression: string): Promise<readonly string[]> {
  const reported = metricsIn(await everyFigure());
  const { metrics, labels } = mentionsIn(expression);
  const scraped = new Set([
    'job',
    'instance',
    ...metrics.flatMap((name) => [...(reported.get(name) ?? [])]),
  ]);
  return [
    ...metrics.filter((name) => name !== 'up' && !reported.has(name)),
    ...labels.filter((name) => !scraped.has(name)),
  ];
}

/** The figures of a process in which everything has happened once. */
async function everyFigure(): Promise<string> {
  const metrics = new Metrics('infra-spec');
  metrics.observeCall({ providerId: 'p', verb: 'acquire', errorKind: 'unmapped', durationMs: 1 });
  metrics.countAttempt({ providerId: 'p', outcome: 'succeeded' });
  metrics.countRings('place', 'enqueued', 1);
  metrics.observeWork('place', 'done', 1);
  metrics.observeDecision(1);
  metrics.observeRequest({ method: 'GET', route: '/', status: 200, durationMs: 1 });
  return metrics.text();
}
