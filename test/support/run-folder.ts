import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EpochRecord } from 'stmnet';
import type { Chart } from '../../src/report/charts';

/** The record of an epoch with these figures, of ten steps of 32 rows. */
export function epochRecord(epoch: number, train: EpochRecord['train'], more: Partial<EpochRecord> = {}): EpochRecord {
  return {
    epoch,
    step: 10 * epoch,
    train,
    learningRate: 1e-3 / epoch,
    learningRates: [1e-3 / epoch],
    seconds: 2,
    examples: 320,
    examplesPerSecond: 200,
    memory: { tensors: 2e6, process: 8e7 },
    ...more,
  };
}

/** Writes a file of a run folder: what `data` is as JSON, or the text itself. */
export function putFile(folder: string, name: string, data: unknown): void {
  writeFileSync(join(folder, name), typeof data === 'string' ? data : JSON.stringify(data));
}

/** The ids of the sections of a page, in their order. */
export const sectionsIn = (text: string): string[] =>
  [...text.matchAll(/<section id="([^"]+)"/gu)].map(([, id = '']) => id);

/** The data of the charts of a page, by their titles. */
export function chartsIn(text: string): Map<string, Chart> {
  const figures = text.matchAll(/<h3>([^<]*)<\/h3>(?:(?!<h3>).)*?<script type="application\/json">(.*?)<\/script>/gu);
  return new Map(Array.from(figures, ([, title = '', data = '']) => [title, JSON.parse(data) as Chart]));
}

/** What a page says, as one line, without its program and styles, and without blanks between elements. */
export const pageText = (path: string): string =>
  readFileSync(path, 'utf8')
    .replace(/<script>[^]*<\/script>/u, '<script></script>')
    .replace(/<style>[^]*?<\/style>/u, '')
    .replace(/\s+/gu, ' ')
    .replaceAll('> <', '><')
    .replaceAll(' >', '>');
