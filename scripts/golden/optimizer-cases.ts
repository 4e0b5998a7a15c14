import {
  Adadelta,
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  clipGradNorm,
  clipGradValue,
  CosineAnnealingLR,
  ExponentialLR,
  LinearLR,
  MultiStepLR,
  NAdam,
  OneCycleLR,
  Parameter,
  RMSprop,
  SGD,
  StepLR,
  type Optimizer,
  type Schedule,
  type Tensor,
} from 'stmnet';
import type { Comparison } from './comparison';
import type { GoldenCase } from './golden-case';

const optimizers: Readonly<Record<string, (parameters: Parameter[], golden: GoldenCase) => Optimizer>> = {
  sgd: (parameters, golden) => new SGD(parameters, options(golden, 'momentum', 'dampening', 'nesterov')),
  adam: (parameters, golden) => new Adam(parameters, { ...options(golden, 'amsgrad'), ...betas(golden) }),
  adamw: (parameters, golden) => new AdamW(parameters, { ...options(golden), ...betas(golden) }),
  nadam: (parameters, golden) => new NAdam(parameters, { ...options(golden), ...betas(golden) }),
  adamax: (parameters, golden) => new Adamax(parameters, { ...options(golden), ...betas(golden) }),
  rmsprop: (parameters, golden) => new RMSprop(parameters, options(golden, 'alpha', 'centered', 'momentum')),
  adagrad: (parameters, golden) => new Adagrad(parameters, options(golden)),
  adadelta: (parameters, golden) => new Adadelta(parameters, options(golden, 'rho')),
};

const options = (golden: GoldenCase, ...own: string[]): { learningRate: number; [name: string]: unknown } => ({
  learningRate: golden.number('learningRate'),
  ...golden.options('weightDecay', ...own),
});

function betas(golden: GoldenCase): { betas?: [number, number] } {
  if (!golden.has('betas')) return {};
  const [first = Number.NaN, second = Number.NaN] = golden.list('betas');
  return { betas: [first, second] };
}

const schedules: Readonly<Record<string, (optimizer: Optimizer, golden: GoldenCase) => Schedule>> = {
  step: (optimizer, golden) =>
    new StepLR(optimizer, { stepSize: golden.number('stepSize'), gamma: golden.number('gamma') }),
  multiStep: (optimizer, golden) =>
    new MultiStepLR(optimizer, { milestones: golden.list('milestones'), gamma: golden.number('gamma') }),
  exponential: (optimizer, golden) => new ExponentialLR(optimizer, { gamma: golden.number('gamma') }),
  cosineAnnealing: (optimizer, golden) =>
    new CosineAnnealingLR(optimizer, { tMax: golden.number('tMax'), etaMin: golden.number('etaMin') }),
  linear: (optimizer, golden) =>
    new LinearLR(optimizer, {
      startFactor: golden.number('startFactor'),
      endFactor: golden.number('endFactor'),
      totalIters: golden.number('totalIters'),
    }),
  oneCycle: (optimizer, golden) =>
    new OneCycleLR(optimizer, {
      maxLearningRate: golden.number('maxLearningRate'),
      totalSteps: golden.number('totalSteps'),
    }),
};

/** Tensors NAME.0, NAME.1, … of the file. */
function numbered(golden: GoldenCase, name: string): Tensor[] {
  const tensors: Tensor[] = [];
  while (golden.hasArray(`${name}.${tensors.length}`)) tensors.push(golden.tensor(`${name}.${tensors.length}`));
  return tensors;
}

/** An optimizer, with or without a schedule: parameters and learning rate at each step. Or clipping of gradients. */
export async function runOptimizerCase(golden: GoldenCase, comparison: Comparison): Promise<void> {
  if (golden.has('clip')) return runClipCase(golden, comparison);
  const make = optimizers[golden.text('optimizer')];
  const schedule = golden.has('schedule') ? schedules[golden.text('schedule')] : undefined;
  if (make === undefined || (schedule === undefined && golden.has('schedule')))
    throw new Error(
      `${golden.path}: got an unknown optimizer or schedule, expected one of ${Object.keys(optimizers).join(', ')}`,
    );
  const parameters = numbered(golden, 'initial').map((values) => new Parameter(values));
  const optimizer = make(parameters, golden);
  const running = schedule?.(optimizer, golden);
  const rates: number[] = [];
  for (let step = 0; step < golden.number('steps'); step++) {
    numbered(golden, `gradient.${step}`).forEach((gradient, index) => {
      const parameter = parameters[index];
      if (parameter !== undefined) parameter.grad = gradient;
    });
    rates.push(optimizer.learningRate);
    optimizer.step();
    running?.step();
    for (const [index, parameter] of parameters.entries())
      await comparison.check(`parameter.${step}.${index}`, parameter);
  }
  comparison.checkNumbers('learningRates', rates, golden.list('learningRates'));
}

async function runClipCase(golden: GoldenCase, comparison: Comparison): Promise<void> {
  const parameters = numbered(golden, 'gradient').map((gradient) => {
    const parameter = new Parameter(gradient.mul(0));
    parameter.grad = gradient;
    return parameter;
  });
  if (golden.text('clip') === 'norm') {
    await comparison.check(
      'totalNorm',
      clipGradNorm(parameters, { maxNorm: golden.number('maxNorm'), ...golden.options('normType') }),
    );
  } else {
    clipGradValue(parameters, { clipValue: golden.number('clipValue') });
  }
  for (const [index, parameter] of parameters.entries()) await comparison.check(`clipped.${index}`, parameter.grad);
}
