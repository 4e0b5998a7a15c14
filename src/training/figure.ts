import { OptionError } from '../tensor/errors';
import { nearMiss } from '../tensor/option-names';
import { describe } from '../tensor/options';
import type { Figures } from './epoch-record';

/** What has figures: the record of an epoch, or of a validation within one. */
export interface WithFigures {
  readonly train?: Figures;
  readonly validation?: Figures;
}

/** What gives figures: a metric by the name that it has in the training. */
interface NamedMetric {
  readonly name: string;
  readonly metric: { readonly figureNames: readonly string[] };
}

/** The figures of each epoch by the names that callbacks know them by. */
export function figureNames(metrics: readonly NamedMetric[], validated: boolean): string[] {
  const further = ({ name, metric }: NamedMetric): string[] => metric.figureNames.map((part) => `${name}.${part}`);
  const names = ['loss', ...metrics.flatMap((use) => [use.name, ...further(use)])];
  return (validated ? ['train', 'validation'] : ['train']).flatMap((part) => names.map((name) => `${part}.${name}`));
}

/**
 * Checks the name of a figure that a training has to have.
 *
 * @param op      who watches it
 * @param option  in which it was given
 * @param figure  `train.NAME` or `validation.NAME`
 * @param known   those of the training, `run.figures`
 * @throws {OptionError} if there is no such figure
 */
export function checkFigure(op: string, option: string, figure: unknown, known: readonly string[]): void {
  if (typeof figure === 'string' && known.includes(figure)) return;
  const [part, name] = typeof figure === 'string' ? figure.replace(/^val_/u, 'validation.').split(/\.(.*)/su, 2) : [];
  const validated = known.some((other) => other.startsWith('validation.'));
  let fix = 'give the Trainer a metric of this name, or watch one of those';
  if (part === 'validation' && !validated && known.includes(`train.${name ?? ''}`))
    fix = 'pass fit a validation: trainer.fit(loader, { epochs, validation })';
  else {
    const meant = typeof figure === 'string' ? meantBy(figure, known) : undefined;
    if (meant !== undefined) fix = `write '${meant}', if that is what you mean`;
  }
  throw new OptionError(op, { given: `${option}: ${describe(figure)}`, expected: `one of ${known.join(', ')}`, fix });
}

/** The figure that is meant by one that is not there: its bare name, its beginning, or what differs by little. */
function meantBy(figure: string, known: readonly string[]): string | undefined {
  const bare = known.find(endsLike(figure));
  if (bare !== undefined) return bare;
  const validated = known.some((other) => other.startsWith('validation.'));
  const full = figure.replace(/^val_/u, 'validation.');
  const [, part = validated ? 'validation.' : 'train.', name = ''] = /^(train\.|validation\.)?(.*)$/su.exec(full) ?? [];
  const names = known.filter((other) => other.startsWith(part)).map((other) => other.slice(part.length));
  const meant = names.find((other) => name !== '' && other.startsWith(name)) ?? nearMiss(name, names);
  return meant === undefined ? nearPart(figure, known) : `${part}${meant}`;
}

/** The same figure of a part that is written otherwise, as in `validaton.loss`. */
function nearPart(figure: string, known: readonly string[]): string | undefined {
  const [part = '', name] = figure.split(/\.(.*)/su, 2);
  const meant = `${nearMiss(part, ['train', 'validation']) ?? ''}.${name ?? ''}`;
  return known.includes(meant) ? meant : undefined;
}

/** Whether a figure is meant by its bare name, `loss`, or as Keras writes it, `val_loss`: of the validation, if any. */
function endsLike(figure: string): (known: string, index: number, all: readonly string[]) => boolean {
  const bare = figure.replace(/^val_/u, '');
  return (known, _, all) =>
    known === `validation.${bare}` || (known === `train.${bare}` && !all.includes(`validation.${bare}`));
}

/** The value of a figure; undefined where the record has none. */
export function figureOf(record: WithFigures, figure: string): number | undefined {
  const [part, name = ''] = figure.split(/\.(.*)/su, 2);
  if (part !== 'train' && part !== 'validation') return undefined;
  return record[part]?.[name];
}
