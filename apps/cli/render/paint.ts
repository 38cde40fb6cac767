import { styleText } from 'node:util';

/** Marks text for the eye. Without colour each of them returns the text as it is. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
}

type Style = Parameters<typeof styleText>[0];

export function createPaint(coloured: boolean): Paint {
  const style = (format: Style) => (text: string) =>
    coloured ? styleText(format, text, { validateStream: false }) : text;
  return {
    good: style('green'),
    bad: style('red'),
    warn: style('yellow'),
    strong: style('bold'),
    faint: style('dim'),
  };
}
