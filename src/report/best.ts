import { figureOf } from '../training/figure';
import { toldDirection } from '../training/figure-direction';
import type { BestRecord, History } from '../training/history';

/** The best value of a figure; undefined where there is none, or its name does not tell what is better. */
export function bestOf(history: History, figure: string): BestRecord | undefined {
  const known = history.epochs.some((record) => figureOf(record, figure) !== undefined);
  return known && toldDirection(figure) !== undefined ? history.best(figure) : undefined;
}

/** Names of the figures of one part of a history, in their order. */
export function figureNamesOf(history: History, part: 'train' | 'validation'): string[] {
  const records = part === 'train' ? history.epochs.map(({ train }) => train) : validationsOf(history);
  return [...new Set(records.flatMap((figures) => Object.keys(figures)))];
}

const validationsOf = (history: History): object[] => history.validations.map(({ validation }) => validation);

/** Whether a figure is the metric itself, and no further one of it such as `f1.spam`. */
export const isMain = (name: string): boolean => !name.includes('.');
