import { Circuit } from './circuit';

const settings = { failuresToOpen: 2, openForMs: 1_000 };

describe('a circuit', () => {
  it('tells when it opens and when it closes, once each', () => {
    const circuit = new Circuit(settings);
    expect(circuit.hear('answered', false, 0)).toBeNull();
    expect(circuit.hear('no-answer', false, 10)).toBeNull();
    expect(circuit.hear('no-answer', false, 20)).toEqual({ is: 'open', untilMs: 1_020 });
    expect(circuit.hear('no-answer', false, 30)).toBeNull();
    expect(circuit.setOut(1_020)).toBe(true);
    expect(circuit.hear('no-answer', true, 1_030)).toEqual({ is: 'open', untilMs: 2_030 });
    expect(circuit.setOut(2_030)).toBe(true);
    expect(circuit.hear('answered', true, 2_040)).toEqual({ is: 'closed' });
    expect(circuit.hear('answered', false, 2_050)).toBeNull();
  });

  it('goes on where it was left: open, then half open', () => {
    const circuit = new Circuit(settings, 500);
    expect(circuit.refusalMs(400)).toBe(100);
    expect(circuit.refusalMs(500)).toBeNull();
    expect(circuit.setOut(500)).toBe(true);
    expect(circuit.refusalMs(501)).toBe(settings.openForMs);
    expect(circuit.hear('answered', true, 510)).toEqual({ is: 'closed' });
    expect(circuit.setOut(520)).toBe(false);
  });
});
