import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Comparison } from './comparison';
import { runCurveCase } from './curve-cases';
import { GoldenCase } from './golden-case';
import { runLayerCase } from './layer-cases';
import { runLossCase } from './loss-cases';
import { runOptimizerCase } from './optimizer-cases';
import { runRecurrentCase } from './recurrent-cases';

/** The `*.safetensors` files below a folder, sorted. */
export function casesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.safetensors'))
    .sort()
    .map((name) => join(folder, name));
}

/**
 * Runs one case through the public API.
 *
 * @returns what was wrong, a sentence each: an error that was thrown counts; nothing if the case passed
 */
export async function runCase(path: string, device: string): Promise<readonly string[]> {
  try {
    const golden = new GoldenCase(path, device);
    const comparison = new Comparison(golden);
    await runnerOf(golden)(golden, comparison);
    return comparison.failures;
  } catch (error) {
    return [error instanceof Error ? error.message.replaceAll(/\n\s*/g, ' ') : String(error)];
  }
}

function runnerOf(golden: GoldenCase): (golden: GoldenCase, comparison: Comparison) => Promise<void> {
  if (golden.has('curve')) return runCurveCase;
  if (golden.has('loss')) return runLossCase;
  if (golden.has('layer')) return runLayerCase;
  if (golden.has('optimizer') || golden.has('clip')) return runOptimizerCase;
  if (golden.has('mode')) return runRecurrentCase;
  throw new Error(
    `${golden.path}: got a case without curve, loss, layer, optimizer, clip or mode, expected one of them`,
  );
}
