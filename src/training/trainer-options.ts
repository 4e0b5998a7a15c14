import type { Metric } from '../metrics/metric';
import type { MetricInput, NumericInput } from '../metrics/metric-input';
import type { Module } from '../module/module';
import type { Optimizer } from '../optimizers/optimizer';
import type { Schedule } from '../optimizers/schedules';
import type { MathMode } from '../tensor/math-mode';
import type { PaddedSequence, Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import type { Batch, BatchField } from './batch';
import type { Batches } from './batches';
import type { TrainerCallback } from './callback';
import type { CheckpointOptions } from './checkpoint-options';
import type { LossFunction, LossResult } from './loss-terms';
import type { ProgressMaker } from './progress';

/**
 * What a Trainer passes to the loss: what the model's `forward` returns; of it the field `output` where state is
 * carried.
 */
export type OutputOf<Returned, Carries extends boolean = false> = [Carries, Returned] extends [
  true,
  {
    /** Beside the state. */
    readonly output: infer Output;
  },
]
  ? Output
  : unknown extends Returned
    ? Sequence
    : Returned;

/** The batches of functions that do not say what theirs are: records whose fields are what they are used as. */
export type AnyBatch = Readonly<Record<string, Tensor & PaddedSequence>>;

/** What a metric compares: output, target, and perhaps weights of examples or steps. */
export type MetricComparison = readonly [output: MetricInput, target: MetricInput, weight?: NumericInput | undefined];

/** A metric of something else than output and target. */
export interface MetricFrom<Output = unknown, B = object, Name extends string = string> {
  /** What measures. */
  readonly metric: Metric;
  /**
   * What to compare: an output, a target, and perhaps weights of examples or steps, without which all count alike, also
   * where the batch has a weight. It may read values first, which it must ask for before its first `await`:
   *
   *     from: async (output, batch) => [(await output.argmax(-1).array()).map(decode), batch.texts]
   */
  readonly from?: (output: Output, batch: B) => MetricComparison | Promise<MetricComparison>;
  /** Under which its figure stands. Default: the metric's own. */
  readonly name: Name;
}

/** A metric whose name is known. */
export type NamedMetric<Name extends string> = Metric & {
  /** Under which its figure stands. */
  readonly name: Name;
};

/** A metric of a Trainer: by itself it compares output and target. */
export type MetricUse<Output, B, Name extends string> =
  | NamedMetric<Name>
  | (Omit<MetricFrom<Output, B>, 'name' | 'metric'> & {
      /** What measures. */
      readonly metric: NamedMetric<Name>;
      /** Left out: that of the metric. */
      name?: never;
    })
  | MetricFrom<Output, B, Name>;

/** What all Trainers are made of. */
export interface CommonTrainerOptions<M extends Module, Output, B, Name extends string, Carries extends boolean> {
  /** What is trained. */
  model: M;
  /**
   * Over parameters of the model, all or some. Others, such as those of the loss, may be among them. Left out, the
   * Trainer can evaluate and predict.
   */
  optimizer?: Optimizer;
  /** What to measure beside the loss. Default none. */
  metrics?: readonly MetricUse<Output, B, Name>[];
  /** Changes the learning rate. */
  schedule?: Schedule;
  /**
   * When the schedule moves on: after each training step, or after each epoch (ReduceLROnPlateau then gets the figure
   * that it watches). Default 'epoch'.
   */
  scheduleEvery?: 'step' | 'epoch';
  /** Largest joint norm of the gradients. Default: no limit. */
  clipGradNorm?: number;
  /**
   * Over how many batches to add up gradients before each step, which then is that of one batch of them all, also where
   * a mean is over more in some than in others, and where fewer are left at the end of an epoch. Learning rates,
   * `onStep` and `validateEvery` go by such steps. Not beside `compile`. Default 1.
   */
  accumulate?: number;
  /** Where to train: the model is moved there, and each batch. Default: where they are. */
  device?: string;
  /**
   * Whether the training step goes through `compile`: faster where its ops are small, and batches come in few kinds of
   * shapes and lengths. Default false.
   */
  compile?: boolean;
  /**
   * What the model's products are computed in, see `autocast`; with 'f16' the loss is scaled by a GradScaler. Default:
   * the math mode of the moment.
   */
  precision?: MathMode;
  /**
   * Whether the state that the model ends a batch with is what it begins the next one with, as where a long text comes
   * in consecutive pieces. `forward` gets it as its last argument, undefined at first, and returns { output, state }
   * or, as recurrent layers do, { output, h, c }. Gradients stop between batches. An epoch, an evaluation and a
   * prediction begin anew, and so does a batch of another number of rows. Default false.
   */
  carryState?: Carries;
}

/** What a Trainer is made of, for batches { input, target } with an optional weight. */
export interface TrainerOptions<
  M extends Module = Module,
  Target = Sequence,
  Name extends string = string,
  Carries extends boolean = boolean,
> extends CommonTrainerOptions<M, OutputOf<ReturnType<M['forward']>, Carries>, Batch<Sequence, Target>, Name, Carries> {
  /** Left out: the model's own `forward` gets the input of a batch. */
  forward?: undefined;
  /** Of the model's output and the target of a batch. Left out, the Trainer can predict. */
  loss?: LossFunction<OutputOf<ReturnType<M['forward']>, Carries>, Target>;
}

/** What a Trainer is made of, for batches of any fields. */
export interface CustomTrainerOptions<
  M extends Module,
  B extends object,
  Returned,
  Name extends string,
  Carries extends boolean,
> extends CommonTrainerOptions<M, OutputOf<Returned, Carries>, B, Name, Carries> {
  /**
   * What the model says of a batch.
   *
   * @param state  with `carryState`: of the batch before, undefined at first
   */
  forward: (model: M, batch: B, state: never) => Returned;
  /** Of what `forward` returns and the batch. Left out, the Trainer can predict. */
  loss?:
    | ((output: OutputOf<Returned, Carries>, batch: B) => LossResult)
    | {
        /** The loss of a batch. */
        forward(output: OutputOf<Returned, Carries>, batch: B): LossResult;
      };
}

/** Options of `fit`. */
export interface FitOptions<B extends object = Batch<BatchField, BatchField>> {
  /** How often to go through the batches. */
  epochs: number;
  /** Batches to evaluate on after each epoch. */
  validation?: Batches<B>;
  /**
   * After how many training steps to evaluate on them beside: after each step whose number, `trainer.steps`, is a
   * multiple. Default: at the ends of epochs alone.
   */
  validateEvery?: number;
  /** Called in their order. */
  callbacks?: readonly TrainerCallback[];
  /**
   * Whether to show a bar on a terminal, or a line an epoch elsewhere, on standard error; or what makes a display of
   * one's own. Default true.
   */
  progress?: boolean | ProgressMaker;
  /**
   * What a loss or a gradient of NaN or infinity does. `stop` and `skip` let such a step change no parameter. `stop`
   * ends the training within ten steps, none of which changes one either, with a TrainingError that names the step and
   * the first module output or parameter gradient that is not finite. `skip` goes on, leaves such batches out of the
   * loss and of running means and variances, and counts them in the record of the epoch. `ignore` looks at nothing.
   * With `precision: 'f16'` gradients that overflow are the GradScaler's affair, unless they do so where it has made
   * the scale smaller than 1. Default `stop`.
   */
  onNaN?: 'stop' | 'skip' | 'ignore';
  /**
   * Writes all of the training to a folder now and then, so that it can be taken up again. Ctrl-C then stops after the
   * running step with a checkpoint, and ends the process; a second one ends it at once. Default: none.
   */
  checkpoints?: CheckpointOptions;
  /**
   * Whether to go on from the newest checkpoint of the folder, if there is one: bit for bit where it stopped, on the
   * CPU (with as many threads, on a processor of the same kind) and with `setDeterministic(true)` on a GPU. `epochs`
   * counts those before. Data, model, options and callbacks must be those of the checkpoint, except `epochs`, `device`
   * and `compile`. Default false.
   */
  resume?: boolean;
}
