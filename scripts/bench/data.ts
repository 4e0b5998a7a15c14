import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wholeNumber, type Benchmark, type BenchmarkValues, type Outcome } from './benchmark';
import { measureWaiting } from './data-waiting';
import { measureWorkers } from './data-workers';
import { python } from './peers';
import { median } from './statistics';
import { repository } from './tarball';

/** How fast files become records, and how long a training step waits for its batch. */
export const dataSpeed: Benchmark = {
  summary:
    "rows a second of readTable, of processor time, beside Python's csv.DictReader; share of a step for its batch, " +
    'also with workers',
  options: {
    rows: { type: 'string', default: '200000', description: 'rows of the tables that are made' },
    rounds: { type: 'string', default: '5', description: 'rounds, in turn for each side' },
  },
  run: measure,
};

/** A table, and how both sides read it. */
interface Table {
  name: string;
  path: string;
  delimiter: ',' | '\t';
  header: boolean;
}

/** What reading a table once gave. */
interface Reading {
  seconds: number;
  rows: number;
  characters: number;
}

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const [rows = 1, rounds = 1] = ['rows', 'rounds'].map((name) => wholeNumber(values, name));
  const folder = mkdtempSync(join(tmpdir(), 'stmnet-data-'));
  try {
    const results = [];
    for (const found of [...madeTables(folder, rows), ...realTables()]) results.push(await compare(found, rounds));
    const header = ['table', 'rows', 'MB', 'stmnet rows/s', 'MB/s', 'Python rows/s', 'stmnet / Python'];
    const reading = {
      title: 'rows a second of processor time',
      header,
      rows: results.map(({ name, count, bytes, own, byPython }) => [
        name,
        String(count),
        (bytes / 1e6).toFixed(1),
        (count / own).toFixed(0),
        (bytes / own / 1e6).toFixed(1),
        byPython === undefined ? '–' : (count / byPython).toFixed(0),
        byPython === undefined ? '–' : (byPython / own).toFixed(2),
      ]),
      note: '',
    };
    const [waiting, workers] = [await measureWaiting(rounds), await measureWorkers(rounds)];
    return {
      tables: [reading, ...waiting.tables, ...workers.tables],
      figures: { reading: results, waiting: waiting.figures, workers: workers.figures },
      goals: waiting.goals,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Tables of a label and a text of 3 to 22 words; in the CSV a good half of the texts are quoted. */
function madeTables(folder: string, rows: number): Table[] {
  const words = 'the quick brown fox, jumps over "the lazy" dog and goes on'.split(' ');
  let state = 1;
  const below = (limit: number): number => (state = (state * 16807) % 2147483647) % limit;
  const texts = Array.from({ length: rows }, () =>
    Array.from({ length: 3 + below(20) }, () => words[below(words.length)]).join(' '),
  );
  const quoted = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const [csv, tsv] = [join(folder, 'quoted.csv'), join(folder, 'plain.tsv')];
  writeFileSync(csv, `id,label,text\n${texts.map((text, i) => `${i},spam,${quoted(text)}\n`).join('')}`);
  writeFileSync(tsv, `id\tlabel\ttext\n${texts.map((text, i) => `${i}\tspam\t${text}\n`).join('')}`);
  return [
    { name: 'CSV, half of it quoted', path: csv, delimiter: ',', header: true },
    { name: 'TSV', path: tsv, delimiter: '\t', header: true },
  ];
}

/** Tables of `STMNET_DATA`, or of `shared/data` beside the checkout, where they are. */
function realTables(): Table[] {
  const data = process.env['STMNET_DATA'] ?? join(repository, '..', 'shared', 'data');
  const files = ['sms-spam/SMSSpamCollection.tsv', 'movie-reviews-pl04/reviews.tsv.gz'];
  return files
    .map((name) => ({ name, path: join(data, name), delimiter: '\t' as const, header: false }))
    .filter(({ path }) => existsSync(path));
}

async function compare(
  found: Table,
  rounds: number,
): Promise<{ name: string; count: number; bytes: number; own: number; byPython: number | undefined }> {
  const sides: [own: number[], python: number[]] = [[], []];
  let count = 0;
  for (let round = 0; round < rounds; round++) {
    const own = await readHere(found);
    const other = readByPython(found);
    if (other !== undefined && (other.rows !== own.rows || other.characters !== own.characters))
      throw new Error(`${found.name}: ${JSON.stringify(own)} here, ${JSON.stringify(other)} by Python`);
    sides[0].push(own.seconds);
    if (other !== undefined) sides[1].push(other.seconds);
    count = own.rows;
  }
  const [own, byPython] = sides.map(median);
  return {
    name: found.name,
    count,
    bytes: statSync(found.path).size,
    own: own ?? Number.NaN,
    byPython: sides[1].length === 0 ? undefined : byPython,
  };
}

async function readHere({ path, header }: Table): Promise<Reading> {
  const { readTable } = await import('stmnet');
  globalThis.gc?.();
  const start = process.cpuUsage();
  const rows = await readTable(path, { header });
  const { user, system } = process.cpuUsage(start);
  const characters = rows.reduce(
    (sum, row) => sum + Object.values(row).reduce((length, field) => length + field.length, 0),
    0,
  );
  return { seconds: (user + system) / 1e6, rows: rows.length, characters };
}

/** The same by Python; undefined where there is none. */
function readByPython({ path, delimiter, header }: Table): Reading | undefined {
  const script = join(repository, 'scripts', 'bench', 'read_table.py');
  const quoted = delimiter === ',' ? '1' : '0';
  const { status, stdout, stderr, error } = spawnSync(python(), [script, path, delimiter, quoted, header ? '1' : '0'], {
    encoding: 'utf8',
  });
  if (error !== undefined) return undefined;
  if (status !== 0) throw new Error(`read_table.py: ${stderr}`);
  return JSON.parse(stdout) as Reading;
}
