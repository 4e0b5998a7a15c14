import type { Benchmark } from './benchmark';
import { cellVariants } from './cells';
import { classifierStep } from './classifier-step';
import { dataSpeed } from './data';
import { elementwiseSpeed } from './elementwise';
import { eventLoop } from './event-loop';
import { gpuSpeed } from './gpu';
import { languageStep } from './lm-step';
import { memoryGrowth } from './memory';
import { opCall } from './op-call';
import { quantized } from './quantized';
import { recurrentSpeed } from './recurrent';
import { scaling } from './scaling';
import { seq2SeqStep } from './seq2seq-step';
import { serving } from './serve';
import { startup } from './startup';
import { streaming } from './streaming';
import { textSpeed } from './text';

/** What there is, by name. */
export const benchmarks: ReadonlyMap<string, Benchmark> = new Map([
  ['recurrent', recurrentSpeed],
  ['cells', cellVariants],
  ['lm-step', languageStep],
  ['classifier-step', classifierStep],
  ['seq2seq-step', seq2SeqStep],
  ['elementwise', elementwiseSpeed],
  ['gpu', gpuSpeed],
  ['data', dataSpeed],
  ['text', textSpeed],
  ['event-loop', eventLoop],
  ['memory', memoryGrowth],
  ['startup', startup],
  ['op-call', opCall],
  ['streaming', streaming],
  ['quantized', quantized],
  ['scaling', scaling],
  ['serve', serving],
]);

/** Those of `--all`, in their order: what needs a device that may not be there is asked for by its name alone. */
export const suiteNames: readonly string[] = [...benchmarks.keys()].filter((name) => name !== 'gpu');
