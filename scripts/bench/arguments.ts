import { parseArgs } from 'node:util';
import { nearMiss } from '../../src/tensor/option-names';
import type { Benchmark, BenchmarkOptions, BenchmarkValues } from './benchmark';

/** Benchmarks by name. */
export type Benchmarks = ReadonlyMap<string, Benchmark>;

/** What `npm run bench` is asked for. */
export type Asked =
  /** What there is; with names, the options of these. */
  | { readonly kind: 'usage'; readonly names: readonly string[] }
  /** What `--json` wrote as Markdown, or drawn, for a page; an empty one is the usual one. */
  | { readonly kind: 'tables' | 'plots'; readonly file: string; readonly page: string }
  /** To measure, with the options that were given. */
  | { readonly kind: 'run'; readonly names: readonly string[]; readonly values: BenchmarkValues };

/** What every benchmark takes beside its own options. */
export const always: BenchmarkOptions = {
  json: { type: 'string', default: '', description: 'a file for all figures, with machine, versions and options' },
  package: { type: 'string', default: '', description: 'the tarball of a package, in place of the tree' },
};

const modes = {
  help: { type: 'boolean', short: 'h' },
  all: { type: 'boolean' },
  tables: { type: 'string' },
  plots: { type: 'string' },
} as const;

/** An option as it was given; a flag has no value. */
interface Given {
  readonly name: string;
  readonly value: string | undefined;
}

/**
 * Reads `NAME… [options]`, `--all [options]`, `--tables FILE [PAGE]`, `--plots FILE [PAGE]` and `--help`. Of several
 * benchmarks each option must be one of some of them.
 *
 * @param all  the names of `--all`
 * @throws {Error} if there is no such option or benchmark, or something is missing
 */
export function readArguments(args: readonly string[], benchmarks: Benchmarks, all: readonly string[]): Asked {
  const { words, given } = split(args, benchmarks);
  const mode = (name: keyof typeof modes): Given | undefined => given.find((option) => option.name === name);
  if (args.length === 0) return { kind: 'usage', names: [] };
  if (mode('help') !== undefined) return { kind: 'usage', names: known(words, benchmarks) };
  for (const kind of ['tables', 'plots'] as const) {
    const option = mode(kind);
    if (option !== undefined) return ofReport(kind, option.value ?? '', words, given);
  }
  const isAll = mode('all') !== undefined;
  const options = given.filter(({ name }) => name !== 'all');
  // What follows an option that nobody knows is taken for a name: the option is said first.
  const everyName = [...benchmarks.keys()];
  const everyOption = optionsOf(everyName, benchmarks);
  const odd = options.find(({ name }) => !(name in everyOption));
  if (odd !== undefined) {
    const some = isAll ? all : words.filter((word) => benchmarks.has(word));
    checkOption(odd.name, some.length === 0 ? everyName : some, benchmarks);
  }
  if (isAll && words.length > 0)
    throw new Error(`got --all beside ${words.join(' ')}, expected one or the other.\n  Fix: leave one of them out`);
  const names = isAll ? all : known(words, benchmarks);
  if (names.length === 0)
    throw new Error(
      `got options without a benchmark, expected names or --all.\n  Fix: npm run bench -- --all ${args.join(' ')}`,
    );
  for (const { name } of options) checkOption(name, names, benchmarks);
  return { kind: 'run', names, values: Object.fromEntries(options.map(({ name, value = '' }) => [name, value])) };
}

const isFile = (option: string): boolean => option in always || option in modes;

/** Options, those that nobody knows too, and what stands beside them. @throws {Error} if a value is missing */
function split(args: readonly string[], benchmarks: Benchmarks): { words: string[]; given: Given[] } {
  const options = { ...modes, ...optionsOf([...benchmarks.keys()], benchmarks) };
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const given = tokens.flatMap((token): Given[] => {
    if (token.kind !== 'option') return [];
    const { name, value, inlineValue } = token;
    const type = Object.hasOwn(options, name) ? options[name as keyof typeof options]?.type : undefined;
    const isMissing = value === undefined || (inlineValue === false && value.startsWith('-'));
    if (type === 'string' && isMissing)
      throw new Error(
        `got --${name} without a value, expected one behind it.\n  Fix: --${name}=${isFile(name) ? 'FILE' : 'VALUE'}`,
      );
    if (type === 'boolean' && value !== undefined)
      throw new Error(`got --${name}=${value}, expected --${name} alone.\n  Fix: --${name}`);
    return [{ name, value }];
  });
  return { words, given };
}

function ofReport(kind: 'tables' | 'plots', file: string, words: readonly string[], given: readonly Given[]): Asked {
  const [page = '', ...more] = words;
  const others = [...more, ...given.flatMap(({ name }) => (name === kind ? [] : [`--${name}`]))];
  if (others.length > 0)
    throw new Error(
      `got ${others.join(' ')} beside --${kind}, expected a file that bench has written, and at most a page.\n` +
        `  Fix: npm run bench -- --${kind} ${file}`,
    );
  if (page !== '' && !page.endsWith('.md'))
    throw new Error(
      `got the page '${page}' of --${kind}, expected a file of Markdown.\n` +
        `  Fix: npm run bench -- --${kind} ${file} ${page}.md`,
    );
  return { kind, file, page };
}

/** Each name once. @throws {Error} if there is no benchmark of it; the near one is suggested */
function known(names: readonly string[], benchmarks: Benchmarks): readonly string[] {
  const all = [...benchmarks.keys()];
  const odd = names.find((name) => !benchmarks.has(name));
  if (odd === undefined) return [...new Set(names)];
  const near = nearMiss(odd, all);
  throw new Error(
    `got the benchmark '${odd}', expected one of: ${all.join(', ')}.\n` +
      `  Fix: npm run bench -- ${near === undefined ? '--help says what they measure' : `${near}, if that is meant`}`,
  );
}

/** @throws {Error} if none of the benchmarks has the option; the near one is suggested */
function checkOption(name: string, names: readonly string[], benchmarks: Benchmarks): void {
  const options = Object.keys(optionsOf(names, benchmarks));
  if (options.includes(name)) return;
  const near = nearMiss(name, [...options, ...Object.keys(modes)]);
  const [only = '', ...more] = names;
  const [of, help] = more.length === 0 ? [only, `${only} --help`] : ['these benchmarks', 'NAME --help'];
  const expected = options.map((option) => `--${option}`).join(', ');
  const fix = near === undefined ? `npm run bench -- ${help} says what there is` : `write --${near}, if that is meant`;
  throw new Error(`got --${name}, which is no option of ${of}, expected some of: ${expected}.\n  Fix: ${fix}`);
}

/** The options of all of these benchmarks. */
const optionsOf = (names: readonly string[], benchmarks: Benchmarks): BenchmarkOptions => {
  const own = names.map((name) => benchmarks.get(name)?.options ?? {});
  return Object.assign({}, ...own, always) as BenchmarkOptions;
};
