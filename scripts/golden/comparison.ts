import type { Tensor } from 'stmnet';
import type { GoldenCase } from './golden-case';

/** Largest absolute error where the reference is zero. */
const absoluteTolerance = 1e-6;

/** Collects the results of a case that are not those of the file. */
export class Comparison {
  readonly #failures: string[] = [];

  constructor(private readonly golden: GoldenCase) {}

  /** What was wrong, a sentence each; nothing for a case that passed. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  /** Compares a result with the tensor of that name in the file. */
  async check(name: string, result: Tensor | undefined): Promise<void> {
    const { data, shape } = this.golden.array(name);
    if (result === undefined) {
      this.#failures.push(`${name} is missing`);
    } else if (result.size !== data.length || (shape.length > 1 && result.shape.join() !== shape.join())) {
      this.#failures.push(`${name} has shape [${result.shape.join(', ')}], expected [${shape.join(', ')}]`);
    } else {
      this.checkNumbers(name, await result.data(), data);
    }
  }

  /** Compares numbers: ‖result − reference‖ / ‖reference‖, or the largest difference where the reference is zero. */
  checkNumbers(name: string, result: ArrayLike<number>, reference: ArrayLike<number>): void {
    let difference = 0;
    let norm = 0;
    let largest = 0;
    for (let i = 0; i < reference.length; i++) {
      const [got = Number.NaN, expected = Number.NaN] = [result[i], reference[i]];
      difference += (got - expected) ** 2;
      norm += expected ** 2;
      largest = Math.max(largest, Math.abs(got - expected));
    }
    const [kind, error, tolerance] =
      norm === 0
        ? ['absolute', largest, absoluteTolerance]
        : ['relative', Math.sqrt(difference / norm), this.golden.tolerance];
    if (!(Number(error) <= Number(tolerance)))
      this.#failures.push(
        `${name} has ${kind} error ${Number(error).toExponential(2)}, at most ${tolerance} is allowed`,
      );
  }

  /** Compares the gradients of leaves with the entries `grad.NAME`, and misses none that the file has. */
  async checkGradients(leaves: Readonly<Record<string, Tensor>>): Promise<void> {
    for (const name of this.golden.names.filter((entry) => entry.startsWith('grad.')))
      await this.check(name, leaves[name.slice('grad.'.length)]?.grad);
  }
}

/** Runs backward from Σ upstream · result. */
export function backwardFrom(golden: GoldenCase, results: Readonly<Record<string, Tensor>>): void {
  const parts = Object.entries(results).map(([name, result]) =>
    result.mul(golden.tensor(`upstream.${name}`).reshape(result.shape)).sum(),
  );
  const [first, ...others] = parts;
  others.reduce((total, part) => total.add(part), first ?? golden.tensor('upstream')).backward();
}
