import type { Module } from '../module/module';
import { Activation } from './activations';
import { BatchNorm1d } from './batch-norm-1d';
import { Bidirectional } from './bidirectional';
import { Dropout } from './dropout';
import { GaussianNoise } from './gaussian-noise';
import { LayerNorm } from './layer-norm';
import { LastStep } from './pooling';
import { RecurrentStack } from './recurrent-stack';
import { VariationalDropout } from './variational-dropout';

/** Layers that leave each feature where it is, so that halves stay halves. */
const keepers = [Activation, BatchNorm1d, Dropout, GaussianNoise, LayerNorm, VariationalDropout];

/** Where the output comes from that a LastStep gets, and whether its second half is that of the backward direction. */
interface Source {
  readonly name: string;
  readonly bidirectional: boolean;
}

/**
 * Warns of a LastStep that takes the halves of a recurrent layer otherwise than they are. It computes without an error
 * either way: of a bidirectional layer the second half of the last step has seen that step alone.
 *
 * @param layers  in the order in which they run
 * @internal
 */
export function checkLastSteps(layers: readonly Module[]): void {
  let source: Source | undefined;
  for (const layer of layers) {
    if (layer instanceof LastStep && source !== undefined) compare(source, layer.options.bidirectional);
    if (!keepers.some((kind) => layer instanceof kind)) source = sourceIn(layer);
  }
}

function sourceIn(layer: Module): Source | undefined {
  const { name } = layer.constructor;
  if (layer instanceof RecurrentStack) return { name, bidirectional: layer.options.bidirectional };
  return layer instanceof Bidirectional && layer.options.merge === 'concat' ? { name, bidirectional: true } : undefined;
}

function compare({ name, bidirectional }: Source, asBidirectional: boolean): void {
  if (bidirectional === asBidirectional) return;
  const [given, reason, meant] = bidirectional
    ? [
        `LastStep() after a bidirectional ${name}`,
        'the backward half of the last step has seen no other step, that of the first step all of them',
        'new LastStep({ bidirectional: true })',
      ]
    : [
        `LastStep({ bidirectional: true }) after ${name} of one direction`,
        'half of the features would be those of the first step, which has seen no other',
        'new LastStep()',
      ];
  process.emitWarning(`Sequential: got ${given}, expected ${meant}: ${reason}.\n  Fix: write ${meant}.`, {
    type: 'StmnetWarning',
    code: 'STM_LAST_STEP',
  });
}
