// What counts of right answers come to: precision, recall and F1, of each class and of all.
import { inspect } from 'node:util';

/** How often each class was answered rightly, was the answer, and was right; or sums of weights. */
export interface ClassCounts {
  readonly right: readonly number[];
  readonly said: readonly number[];
  readonly truth: readonly number[];
}

/** How figures of classes become one. */
export type ClassAverage = 'binary' | 'macro' | 'micro' | 'weighted';

/** Precision, recall and F1 of something. */
export interface ClassFigures {
  /** Part of the answers that are right. */
  readonly precision: number;
  /** Part of the labels that were found. */
  readonly recall: number;
  /** The harmonic mean of the two. */
  readonly f1: number;
  /** How many labels there were, or the sum of their weights. */
  readonly support: number;
}

/** A figure, and what it is where nothing could be divided by. */
type FigureName = 'precision' | 'recall' | 'f1';

/** One figure of counts that were added up, or of one class. */
function figureOf(name: FigureName, right: number, said: number, truth: number, zeroDivision: number): number {
  const over = { precision: [right, said], recall: [right, truth], f1: [2 * right, said + truth] } as const;
  const [part, whole] = over[name];
  return whole === 0 ? zeroDivision : part / whole;
}

/** Precision, recall and F1 of counts; 0 where there is nothing to divide by. */
export const figuresOf = (right: number, said: number, truth: number): ClassFigures => ({
  precision: figureOf('precision', right, said, truth, 0),
  recall: figureOf('recall', right, said, truth, 0),
  f1: figureOf('f1', right, said, truth, 0),
  support: truth,
});

const total = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);

/** One figure of each class. */
export const figureOfEach = (name: FigureName, { right, said, truth }: ClassCounts, zeroDivision: number): number[] =>
  right.map((count, index) => figureOf(name, count, said[index] ?? 0, truth[index] ?? 0, zeroDivision));

/**
 * One figure of all classes, or with `binary` of one of them. NaN if nothing was counted.
 *
 * @param positive  for `binary`: the class
 */
export function averageOf(
  name: FigureName,
  counts: ClassCounts,
  { average, positive, zeroDivision }: { average: ClassAverage; positive: number; zeroDivision: number },
): number {
  const { right, said, truth } = counts;
  if (total(said) + total(truth) === 0) return Number.NaN;
  if (average === 'micro') return figureOf(name, total(right), total(said), total(truth), zeroDivision);
  const figures = figureOfEach(name, counts, zeroDivision);
  if (average === 'binary') return figures[positive] ?? Number.NaN;
  // A class that neither occurs nor is answered says nothing, as in scikit-learn and torchmetrics.
  // One whose figure is 0 / 0 is left out where zeroDivision is NaN, as in scikit-learn.
  const weights = truth.map((count, index) => {
    if (Number.isNaN(figures[index])) return 0;
    return average === 'weighted' ? count : Number(count + (said[index] ?? 0) > 0);
  });
  const known = figures.map((figure, index) => ((weights[index] ?? 0) === 0 ? 0 : figure * (weights[index] ?? 0)));
  return total(weights) === 0 ? zeroDivision : total(known) / total(weights);
}

/** Precision, recall and F1 of each class and of all: an object of plain data, and as a text a table. */
export class ClassReport {
  /** Of each class by its label, or by its number. */
  readonly classes: Readonly<Record<string, ClassFigures>>;
  /** Part of the right answers among all. */
  readonly accuracy: number;
  /** Mean over the classes that occur or were answered. */
  readonly macro: ClassFigures;
  /** Mean over the labels: classes count by how often they occur. */
  readonly weighted: ClassFigures;

  /** @internal */
  constructor(counts: ClassCounts, labels: readonly string[] | undefined, zeroDivision: number) {
    const support = total(counts.truth);
    const of = (figure: (name: FigureName) => number, count: number): ClassFigures => ({
      precision: figure('precision'),
      recall: figure('recall'),
      f1: figure('f1'),
      support: count,
    });
    const all = (average: ClassAverage): ClassFigures =>
      of((name) => averageOf(name, counts, { average, positive: 0, zeroDivision }), support);
    const each = {
      precision: figureOfEach('precision', counts, zeroDivision),
      recall: figureOfEach('recall', counts, zeroDivision),
      f1: figureOfEach('f1', counts, zeroDivision),
    };
    this.classes = Object.fromEntries(
      counts.truth.map((count, index) => [
        labels?.[index] ?? String(index),
        of((name) => each[name][index] ?? Number.NaN, count),
      ]),
    );
    this.accuracy = support === 0 ? Number.NaN : total(counts.right) / support;
    this.macro = all('macro');
    this.weighted = all('weighted');
  }

  /** A table with one line a class. */
  toString(): string {
    const { support } = this.macro;
    const line = (name: string, { precision, recall, f1, support: count }: ClassFigures): string[] => [
      name,
      ...[precision, recall, f1].map((figure) => figure.toFixed(4)),
      supportText(count),
    ];
    return alignedTable([
      ['', 'precision', 'recall', 'f1', 'support'],
      ...Object.entries(this.classes).map(([label, figures]) => line(label, figures)),
      [],
      ['accuracy', '', '', this.accuracy.toFixed(4), supportText(support)],
      line('macro', this.macro),
      line('weighted', this.weighted),
    ]);
  }
}

// Not in the class: a computed member would need node:util in the typings of whoever uses them.
Object.defineProperty(ClassReport.prototype, inspect.custom, {
  configurable: true,
  writable: true,
  value(this: ClassReport): string {
    return this.toString();
  },
});

/** Counts as they are, sums of weights with four digits after the point. */
export const supportText = (count: number): string => (Number.isInteger(count) ? String(count) : count.toFixed(4));

/** Rows of cells below each other, the first column to the left and the others to the right. */
export function alignedTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const aligned = (cell: string, at: number): string =>
    at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0);
  return rows.map((row) => row.map(aligned).join('  ').trimEnd()).join('\n');
}
