import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';

/** What the table needs to know of a Module. */
interface Summarised {
  readonly symbolicShape: string | undefined;
  namedModules(): Iterable<readonly [string, Summarised]>;
  children(): readonly Summarised[];
  parameters(): readonly { readonly size: number; readonly requiresGrad: boolean }[];
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
  /** Numbers in its own parameters, without those that occurred further up. */
  readonly parameters: number;
}

/** The modules of a model, in the order of the fields, itself first. */
export function summaryRows(model: Summarised): SummaryRow[] {
  const counted = new Set<object>();
  return Array.from(model.namedModules(), ([name, module]) => {
    const below = new Set(module.children().flatMap((child) => child.parameters()));
    const own = module.parameters().filter((parameter) => !below.has(parameter) && !counted.has(parameter));
    own.forEach((parameter) => counted.add(parameter));
    const parameters = own.reduce((sum, { size }) => sum + size, 0);
    return { name, type: module.constructor.name, outputShape: module.symbolicShape, parameters };
  });
}

/**
 * Table of a model: one row a module, in the order of the fields, then the totals. Parameters are those in the module's
 * own fields; one that occurred further up is not counted again. Of shapes, N is the batch and T is time.
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
  const total = model.parameters().reduce((sum, parameter) => sum + parameter.size, 0);
  const trainable = model
    .parameters()
    .reduce((sum, parameter) => sum + (parameter.requiresGrad ? parameter.size : 0), 0);
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 3 ? cell.padStart(widths[3] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ');
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width, 2 * (widths.length - 1)));
  return [
    line(heads),
    rule,
    ...rows.map(line),
    rule,
    `${total.toLocaleString('en')} parameters, ${trainable.toLocaleString('en')} trainable`,
  ].join('\n');
}
