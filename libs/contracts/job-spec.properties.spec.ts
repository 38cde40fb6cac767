import fc from 'fast-check';
import { jobSpecSchema, type JobSpecInput } from './job-spec';
import { formatJobSpec } from './format-job-spec';
import { parseJobSpec } from './parse-job-spec';

const smallest = { name: 'hello', image: 'alpine:3.22', command: ['echo', 'hello'] };

describe('properties', () => {
  const arbitrarySpec: fc.Arbitrary<JobSpecInput> = fc.record(
    {
      name: fc.stringMatching(/^[a-z][a-z0-9-]{0,20}[a-z0-9]$/),
      image: fc.constantFrom('alpine', 'docker.io/library/python:3.13'),
      command: fc.oneof(
        fc
          .array(fc.string({ maxLength: 20 }), { minLength: 1, maxLength: 4 })
          .map((words) => ['run', ...words.map((text) => text.replaceAll('\0', ''))]),
        fc.constant('a | b'),
      ),
      env: fc.dictionary(
        fc.stringMatching(/^[A-EG-Z][A-Z0-9_]{0,8}$/),
        fc.string({ maxLength: 9 }).map((text) => text.replaceAll('\0', '')),
      ),
      labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[a-z ]{0,8}$/)),
      resources: fc.record(
        {
          gpus: fc.array(
            fc
              .tuple(
                fc.constantFrom('H100', 'A100-80GB', 'RTX 4090', '24GB..', '16..80GB', 'L4:24GB'),
                fc.integer({ min: 1, max: 16 }),
              )
              .map(([kind, count]) => `${kind}:${count}`),
            { maxLength: 3, minLength: 1 },
          ),
          cpus: fc.oneof(
            fc.integer({ min: 1, max: 64 }),
            fc.integer({ min: 1, max: 64 }).map((n) => `${n}+`),
          ),
          memory: fc
            .tuple(fc.integer({ min: 1, max: 4_000 }), fc.constantFrom('MB+', 'GB', 'TB+'))
            .map(([n, unit]) => `${n}${unit}`),
          disk: fc
            .tuple(fc.integer({ min: 1, max: 999 }), fc.constantFrom('MB', 'GB', 'TB'))
            .map(([n, unit]) => `${n}${unit}`),
        },
        { requiredKeys: [] },
      ),
      workload: fc.constantFrom('training', 'rendering', 'confidential', 'general'),
      residency: fc.uniqueArray(fc.constantFrom('EU', 'US', 'DACH', 'JP', 'ASEAN')),
      checkpoint: fc.record({
        path: fc.constant('ck'),
        interval: fc.oneof(
          fc.constant('auto'),
          fc.integer({ min: 1, max: 86_399_999 }).map((ms) => `${ms}ms`),
        ),
      }),
      durationEstimate: fc.integer({ min: 1, max: 10_000_000 }).map((seconds) => `${seconds}s`),
      budget: fc.record({
        maxCost: fc
          .integer({ min: 0, max: 2 ** 50 })
          .map((micros) => `$${Math.floor(micros / 1e8)}.${String(micros % 1e6).padStart(6, '0')}`),
      }),
      sla: fc.record({
        availability: fc
          .integer({ min: 1, max: 9_999 })
          .map((bps) => `${Math.floor(bps / 100)}.${String(bps % 100).padStart(2, '0')}%`),
      }),
      inputs: fc.constantFrom(
        [],
        [
          { path: 'in/a', uri: 'data:,a%20b' },
          { path: 'b', uri: 'https://example.com/b', size: '3MB', location: 'acme/north-1' },
        ],
      ),
    },
    { requiredKeys: ['name', 'image', 'command'] },
  );

  it('formats every spec so that it reads as the same spec', () => {
    fc.assert(
      fc.property(arbitrarySpec, (input) => {
        const first = parseJobSpec(input);
        expect(first).toMatchObject({ ok: true });
        if (first.ok) expect(parseJobSpec(formatJobSpec(first.spec))).toEqual(first);
      }),
      { numRuns: 200 },
    );
  });

  it('answers junk with problems and never throws', () => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true, withSparseArray: true, withDate: true }),
        (junk) => {
          const result = parseJobSpec(junk);
          expect(result.ok).toBe(false);
          if (!result.ok) expect(result.problems.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('answers junk in any field with problems that point at it', () => {
    const names = Object.keys(jobSpecSchema.shape);
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.anything(), (name, junk) => {
        const result = parseJobSpec({ ...smallest, [name]: junk });
        if (result.ok) return;
        expect(result.problems.every(({ pointer }) => pointer.startsWith('/'))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
