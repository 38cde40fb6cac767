import { usd } from '#libs/domain';
import { readCsvSheet, readPriceSheet } from './price-sheet';

const NOW_MS = Date.UTC(2026, 10, 21);
const csv = (...lines: readonly string[]): string => `${lines.join('\n')}\n`;
const read = (text: string, validity = {}) => readCsvSheet('q4', text, validity, NOW_MS);

function problemsIn(result: ReturnType<typeof read>): readonly string[] {
  return result.ok ? [] : result.problems.map(({ pointer, message }) => `${pointer} ${message}`);
}

describe('a price sheet in CSV', () => {
  const header = 'provider,region,instance_type,market,price_per_hour,currency,quantity';

  it('is read whatever spreadsheets make of it: headings, empty cells, comments, a byte order mark', () => {
    const text = csv(
      '\uFEFFProvider,Region,Instance type,Price per hour,Quantity',
      '# what we agreed on',
      'acme,north,"big-1", 38.4 ,4',
      '',
      'acme,south,big-1,40.123456,',
    );
    const result = read(text, { validUntil: '2027-01-01' });
    expect(result).toEqual({
      ok: true,
      sheet: {
        name: 'q4',
        validFromMs: NOW_MS,
        validUntilMs: Date.UTC(2027, 0, 1),
        rows: [
          {
            provider: 'acme',
            region: 'north',
            instanceType: 'big-1',
            market: 'on-demand',
            microPerHour: usd(38.4),
            currency: 'USD',
            quantity: 4,
            shape: null,
          },
          expect.objectContaining({ region: 'south', microPerHour: 40_123_456, quantity: null }),
        ],
      },
    });
  });

  it('adds machines where it describes them', () => {
    const result = read(
      csv(
        'provider,region,instanceType,pricePerHour,cpus,memoryGib,diskGb,gpuModel,gpuCount,gpuMemoryGib,interconnect,country',
        'acme,north,rack-7,31.5,192,2048,8000,H100,8,80,nvlink,FI',
      ),
    );
    expect(result.ok && result.sheet.rows[0]?.shape).toEqual({
      cpus: 192,
      memoryGib: 2_048,
      diskGb: 8_000,
      gpu: { model: 'H100', count: 8, memoryGib: 80, interconnect: 'nvlink' },
      country: 'FI',
    });
  });

  it('is told all of its mistakes at once, each by line and column', () => {
    const problems = problemsIn(
      read(
        csv(
          header,
          'acme,north,a,on-demand,free,USD,1',
          'acme,north,b,auction,2,usd,1',
          ',north,c,spot,-1,USD,0.5',
          'acme,north,d,spot,1,USD,',
          'acme,north,d,spot,2,USD,',
        ),
      ),
    );
    expect(problems).toEqual([
      expect.stringMatching(
        /^\/rows\/0\/pricePerHour line 2, column pricePerHour: must be a number/,
      ),
      expect.stringMatching(/^\/rows\/1\/market line 3, column market: /),
      expect.stringMatching(/^\/rows\/1\/currency line 3, column currency: /),
      expect.stringMatching(/^\/rows\/2\/provider line 4, column provider: this field is required/),
      expect.stringMatching(/^\/rows\/2\/pricePerHour line 4, column pricePerHour: /),
      expect.stringMatching(/^\/rows\/2\/quantity line 4, column quantity: /),
    ]);
  });

  it('may say each machine once', () => {
    const problems = problemsIn(
      read(csv(header, 'acme,north,d,spot,1,USD,', 'acme,north,d,spot,2,USD,')),
    );
    expect(problems).toEqual(['/rows/1 line 3: acme/north/d/spot is there twice']);
  });

  it.each<[reason: string, text: string, problem: RegExp]>([
    ['a column nobody knows', csv('provider,regoin', 'a,b'), /there is no column "regoin"/],
    ['a column twice', csv('provider,provider', 'a,b'), /is there twice/],
    ['lines of different length', csv('provider,region', 'a'), /not valid CSV/],
    ['an open quote', csv('provider,region', '"a,b'), /not valid CSV/],
    ['nothing at all', '', /at least 1/],
    [
      'half a machine',
      csv('provider,region,instanceType,pricePerHour,cpus', 'a,b,c,1,4'),
      /column memoryGib: is needed/,
    ],
  ])('is refused with %s', (_reason, text, problem) => {
    expect(problemsIn(read(text)).join('\n')).toMatch(problem);
  });
});

describe('a price sheet as a document', () => {
  const rows = [{ provider: 'acme', region: 'north', instanceType: 'a', pricePerHour: 1 }];

  it('is the same as in CSV', () => {
    const document = readPriceSheet('q4', { rows }, NOW_MS);
    const table = read(csv('provider,region,instance_type,price_per_hour', 'acme,north,a,1'));
    expect(document).toEqual(table);
  });

  it('must be called by a name, and may not end before it begins', () => {
    const result = readPriceSheet(
      'Q4!',
      { validFrom: '2027-01-02', validUntil: '2027-01-01', rows },
      NOW_MS,
    );
    expect(problemsIn(result)).toEqual([
      '/name "Q4!" is not a name',
      '/validUntil ends before it begins',
    ]);
  });
});
