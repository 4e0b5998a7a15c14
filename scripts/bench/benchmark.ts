/** Values of the options by name, as text. */
export type BenchmarkValues = Readonly<Record<string, string>>;

/** One benchmark, as `main.ts` lists and calls it. */
export interface Benchmark {
  /** What it measures, in one line. */
  readonly summary: string;
  /** For `parseArgs`: all take text and have a default. */
  readonly options: Readonly<Record<string, { type: 'string'; default: string; description: string }>>;
  /** Measures and prints. @returns false if a limit that must hold did not */
  run(values: BenchmarkValues): Promise<boolean>;
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
