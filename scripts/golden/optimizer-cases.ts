import { Optimizer, Parameter, Schedule, clipGradNorm, clipGradValue, type Tensor } from 'stmnet';
import type { Comparison } from './comparison';
import { construct } from './exported';
import type { GoldenCase } from './golden-case';

/** Tensors NAME.0, NAME.1, … of the file. */
function numbered(golden: GoldenCase, name: string): Tensor[] {
  const tensors: Tensor[] = [];
  while (golden.hasArray(`${name}.${tensors.length}`)) tensors.push(golden.tensor(`${name}.${tensors.length}`));
  return tensors;
}

/**
 * The optimizer that a case names and, if it names one, the schedule: `step` is StepLR. All that the case has more are
 * options, of the schedule where there is one, but for `learningRate`.
 */
function build(golden: GoldenCase, parameters: Parameter[]): [Optimizer, Schedule?] {
  const options = golden.optionsBut('optimizer', 'schedule', 'learningRate', 'steps', 'learningRates', 'tolerance');
  const learningRate = golden.number('learningRate');
  const make = (own: object): Optimizer =>
    construct(golden, Optimizer, golden.text('optimizer'), parameters, { learningRate, ...own }) as Optimizer;
  if (!golden.has('schedule')) return [make(options)];
  const optimizer = make({});
  return [optimizer, construct(golden, Schedule, `${golden.text('schedule')}LR`, optimizer, options)];
}

/** An optimizer, with or without a schedule: parameters and learning rate at each step. Or clipping of gradients. */
export async function runOptimizerCase(golden: GoldenCase, comparison: Comparison): Promise<void> {
  if (golden.has('clip')) return runClipCase(golden, comparison);
  const parameters = numbered(golden, 'initial').map((values) => new Parameter(values));
  const [optimizer, schedule] = build(golden, parameters);
  const rates: number[] = [];
  for (let step = 0; step < golden.number('steps'); step++) {
    numbered(golden, `gradient.${step}`).forEach((gradient, index) => {
      const parameter = parameters[index];
      if (parameter !== undefined) parameter.grad = gradient;
    });
    rates.push(optimizer.learningRate);
    optimizer.step();
    schedule?.step();
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
