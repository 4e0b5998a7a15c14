/** Values of the options by name, as text. */
export type BenchmarkValues = Readonly<Record<string, string>>;

/** For `parseArgs`: all take text and have a default. */
export type BenchmarkOptions = Readonly<Record<string, { type: 'string'; default: string; description: string }>>;

/** What is shown of figures. */
export interface ShownTable {
  readonly title: string;
  readonly header: readonly string[];
  /** Texts, as many in each as in the header. */
  readonly rows: readonly (readonly string[])[];
  /** What has to be known to read it; empty if nothing has. */
  readonly note: string;
}

/** A limit that must hold. */
export interface Goal {
  readonly text: string;
  /** What was measured of it. */
  readonly got: string;
  readonly held: boolean;
}

/** What a benchmark came to. */
export interface Outcome {
  readonly tables: readonly ShownTable[];
  /** All that was measured, for JSON; undefined if nothing was, or if it stands in a file of its own. */
  readonly figures: unknown;
  readonly goals: readonly Goal[];
  /** Of the programs that took part, by the names of their packages. */
  readonly versions?: Readonly<Record<string, string>>;
}

/** One benchmark, as `main.ts` lists and calls it. */
export interface Benchmark {
  /** What it measures, in one line. */
  readonly summary: string;
  readonly options: BenchmarkOptions;
  /** Whether it times a package beside the tree itself; others run inside the package. */
  readonly besidePackage?: boolean;
  /** Measures; what takes long is printed as it goes on. */
  run(values: BenchmarkValues): Promise<Outcome>;
}

/**
 * An option as a whole number.
 *
 * @throws {Error} if it is not one, or below `least`
 */
export function wholeNumber(values: BenchmarkValues, name: string, least = 1): number {
  const number = Number(values[name]);
  if (!Number.isInteger(number) || number < least)
    throw new Error(
      `--${name}: got '${values[name] ?? ''}', expected a whole number of at least ${least}.\n` +
        `  Fix: --${name} ${Math.max(least, 10)}`,
    );
  return number;
}

/**
 * An option as a list, separated by commas, of some of `known`.
 *
 * @throws {Error} if one of them is not known
 */
export function listOf<Name extends string>(values: BenchmarkValues, name: string, known: readonly Name[]): Name[] {
  return (values[name] ?? '').split(',').map((text) => {
    const found = known.find((candidate) => candidate === text.trim());
    if (found === undefined)
      throw new Error(
        `--${name}: got '${text}', expected some of: ${known.join(',')}.\n` +
          `  Fix: --${name} ${known.slice(0, 2).join(',')}`,
      );
    return found;
  });
}
