import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { numbersIn, weightsOf, type Weighed } from './weights';

/** What the table needs to know of a weight. */
interface Weight {
  readonly size: number;
  readonly dtype: string;
  readonly requiresGrad: boolean;
}

/** What the table needs to know of a Module. */
interface Summarised extends Weighed<Weight> {
  readonly symbolicShape: string | undefined;
  namedModules(): Iterable<readonly [string, Summarised]>;
  children(): readonly Summarised[];
}

const heads = ['name', 'class', 'output shape', 'parameters'] as const;

/** A module of a model. */
export interface SummaryRow {
  /** Its path among the fields, `encoder.1`; `''` of the model itself. */
  readonly name: string;
  /** Its class. */
  readonly type: string;
  /** What its last `forward` gave, `[N, T, 64]` with N for the batch and T for time; undefined before the first. */
  readonly outputShape: string | undefined;
  /** Numbers in its own parameters, or weights of 8 bits, without those that occurred further up. */
  readonly parameters: number;
}

/** The modules of a model, in the order of the fields, itself first. */
export function summaryRows(model: Summarised): SummaryRow[] {
  const counted = new Set<object>();
  return Array.from(model.namedModules(), ([name, module]) => {
    const below = new Set(module.children().flatMap((child) => weightsOf(child)));
    const own = weightsOf(module).filter((weight) => !below.has(weight) && !counted.has(weight));
    own.forEach((weight) => counted.add(weight));
    return { name, type: module.constructor.name, outputShape: module.symbolicShape, parameters: numbersIn(own) };
  });
}

/**
 * Table of a model: one row a module, in the order of the fields, then the totals. Parameters are those in the module's
 * own fields, and what stands for them in layers of 8 bits; one that occurred further up is not counted again. Of
 * shapes, N is the batch and T is time.
 *
 * @param given  what `summary` was called with, which takes nothing
 * @throws {OptionError} if that is something
 */
export function summaryTable(model: Summarised, given: readonly unknown[] = []): string {
  if (given.length > 0)
    throw new OptionError(`${model.constructor.name}.summary`, {
      given: describe(given[0]),
      expected: 'nothing: the shapes are those of the last forward',
      fix: 'let the model run first: noGrad(() => model.forward(input)), then model.summary()',
    });
  const rows = summaryRows(model).map(({ name, type, outputShape = 'not run yet', parameters }) => [
    name === '' ? '(model)' : name,
    type,
    outputShape,
    parameters.toLocaleString('en'),
  ]);
  const weights = weightsOf(model);
  const count = (some: readonly Weight[]): string => numbersIn(some).toLocaleString('en');
  const totals = [
    `${count(weights)} parameters`,
    `${count(weights.filter(({ requiresGrad }) => requiresGrad))} trainable`,
    ...(weights.some(isQuantized) ? [`${count(weights.filter(isQuantized))} of 8 bits`] : []),
  ];
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 3 ? cell.padStart(widths[3] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ');
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width, 2 * (widths.length - 1)));
  return [line(heads), rule, ...rows.map(line), rule, totals.join(', ')].join('\n');
}

const isQuantized = ({ dtype }: Weight): boolean => dtype === 'i8';
