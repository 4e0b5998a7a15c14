import { streamJsonLines } from '../../data/readers/jsonl';
import { streamParallel } from '../../data/readers/parallel';
import { streamTextLines } from '../../data/readers/text-lines';
import { FormatError, OptionError } from '../../tensor/errors';
import { isPlainObject } from '../../tensor/options';
import { placed } from '../example-place';
import type { PairExample } from '../pair-examples';
import { describes, type OptionDescriptor } from './descriptor';
import { isJsonLines } from './json-lines';
import { checkForm } from './seeming';
import { checkTable, columnsOf, encodingOf, isNamedTable, nameOf, tableDescriptors } from './table-columns';
import type { DataSource } from './task-entry';
import { wrongField } from './wrong-field';

/** Sources alone have no targets to learn from. */
const FORMAT = 'what a file is; auto goes by its name, text is for predictions alone';

/** How pairs are read. */
export const pairDescriptors: readonly OptionDescriptor[] = [
  describes('format', ['auto', 'table', 'jsonl', 'text'], 'auto', FORMAT),
  describes('sourceColumn', 'text', 'source, or 0', 'column or field of the source: its name, or its number from 0'),
  describes('targetColumn', 'text', 'target, or 1', 'column or field of the target: its name, or its number from 0'),
  describes('targetExtension', 'text', 'none', 'where targets are in a file of their own, fr of train.en and train.fr'),
  ...tableDescriptors,
];

const op = 'seq2seq';

/** The pairs of a table, of JSON Lines, or of two files. @throws as `examples` of a TaskEntry */
export async function readPairs(source: DataSource): Promise<readonly PairExample[]> {
  const { from, settings } = source;
  const all: PairExample[] = [];
  const add = (pair: PairExample, line: number): unknown => all.push(placed(pair, { file: nameOf(from), line }));
  const extension = settings['targetExtension'];
  if (typeof extension === 'string') {
    const files = { source: pathOf(source), target: targetsOf(pathOf(source), extension) };
    for await (const { record, line } of streamParallel(files, encodingOf(source)).withPlaces())
      add({ source: record.source, target: record.target }, line);
    return all;
  }
  const [sourceColumn, targetColumn] = [columnOf(source, 'source'), columnOf(source, 'target')];
  const format = formatOf(source, 'table');
  if (format === 'text') throw noTargets();
  if (format === 'table') {
    const columns = `${sourceColumn} and ${targetColumn}`;
    const expected = `a table (.csv, .tsv) with the columns ${columns}, or JSON Lines (.jsonl)`;
    await checkTable(op, source, expected, 'write source and target in each row, with a tab between');
    const wanted = [
      { option: 'sourceColumn', column: sourceColumn },
      { option: 'targetColumn', column: targetColumn },
    ];
    for await (const { fields, line } of columnsOf(op, source, wanted))
      add({ source: fields[0] ?? '', target: fields[1] ?? '' }, line);
    return all;
  }
  for await (const { record, line } of streamJsonLines<unknown>(from, encodingOf(source)).withPlaces()) {
    const fields = isPlainObject(record) ? record : {};
    const [given, target] = [fields[sourceColumn], fields[targetColumn]];
    if (typeof given !== 'string' || typeof target !== 'string')
      throw wrongLine(
        source,
        line,
        wrongField(record, [sourceColumn, targetColumn]),
        `an object with the texts ${sourceColumn} and ${targetColumn}`,
      );
    add({ source: given, target }, line);
  }
  return all;
}

/** The sources of a file, one after another. @throws as `inputs` of a TaskEntry */
export async function* readSources(source: DataSource): AsyncGenerator<string> {
  const sourceColumn = columnOf(source, 'source');
  const format = formatOf(source, 'text');
  if (format === 'table') {
    const expected = `a table (.csv, .tsv) with the column ${sourceColumn}, or JSON Lines (.jsonl)`;
    await checkTable(op, source, expected, 'pass --format text if each line is a source');
    const wanted = [{ option: 'sourceColumn', column: sourceColumn }];
    for await (const { fields } of columnsOf(op, source, wanted)) yield fields[0] ?? '';
    return;
  }
  if (format === 'text') {
    await checkForm(op, source, { expected: 'a source a line', refused: () => false, fix: () => '' });
    return yield* streamTextLines(source.from, encodingOf(source));
  }
  for await (const { record, line } of streamJsonLines<unknown>(source.from, encodingOf(source)).withPlaces()) {
    const given = isPlainObject(record) ? record[sourceColumn] : record;
    if (typeof given !== 'string')
      throw wrongLine(source, line, wrongField(record, [sourceColumn]), `a text, or ${sourceColumn} of an object`);
    yield given;
  }
}

type Format = 'table' | 'jsonl' | 'text';

function formatOf(source: DataSource, otherwise: Format): Format {
  const { from, settings } = source;
  const { format, targetExtension } = settings;
  if (format === 'table' || format === 'jsonl' || format === 'text') return format;
  if (typeof from !== 'string' || typeof targetExtension === 'string') return 'text';
  if (isJsonLines({ from })) return 'jsonl';
  return isNamedTable(from) ? 'table' : otherwise;
}

/** The column of one side; a table without a header has them in their order. */
function columnOf({ settings }: DataSource, side: 'source' | 'target'): string {
  const given = settings[`${side}Column`];
  if (typeof given === 'string') return given;
  return settings['header'] === false ? String(Number(side === 'target')) : side;
}

function pathOf({ from }: DataSource): string {
  if (typeof from === 'string') return from;
  throw new OptionError(op, {
    given: '--target-extension with standard input',
    expected: 'the path of a file, beside which the targets are',
    fix: 'name the file, or pipe a table with --format table',
  });
}

/** The file of the targets: `train.fr` of `train.en`. */
function targetsOf(path: string, extension: string): string {
  const [, stem = '', packed = ''] = /^(.*?)(?:\.[^./]*?)?(\.gz)?$/.exec(path) ?? [];
  const targets = `${stem}.${extension.replace(/^\./, '')}${packed}`;
  if (targets !== path) return targets;
  throw new OptionError(op, {
    given: `--target-extension ${extension} for the file of sources ${path}`,
    expected: 'another extension than that of the sources',
    fix: 'name the file of the sources as --data, and the extension of the targets',
  });
}

const noTargets = (): OptionError =>
  new OptionError(op, {
    given: 'a text a line for examples to learn from or to measure on',
    expected: 'table or jsonl, which have targets beside the sources, or --target-extension',
    fix: 'pass --format table for a table, or --target-extension fr for files such as train.en and train.fr',
  });

const wrongLine = ({ from }: DataSource, line: number, given: string, expected: string): FormatError =>
  new FormatError(op, {
    given: `${given} in ${nameOf(from)}, line ${line}`,
    expected,
    fix: 'mend the line, or leave it out',
  });
