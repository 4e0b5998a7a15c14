import { noGrad } from '../tensor/grad-mode';

/** What has modes: a Module. */
interface Switched {
  readonly training: boolean;
  train(): unknown;
  eval(): unknown;
  switchAlone(training: boolean): boolean;
  modulesInside(): readonly Switched[];
  parameters(): readonly { readonly requiresGrad: boolean }[];
}

/** A module and whether it was in training. */
type Mode = readonly [module: Switched, training: boolean];

const modes = (model: Switched): Mode[] => model.modulesInside().map((module) => [module, module.training]);

/** Brings modes back. */
function restore(before: readonly Mode[]): void {
  // train() and eval() also set the modules below, so that setting a parent may undo a child: the outermost modules
  // are right after the first round, those below them after the second, and so on. The number of rounds is limited
  // because a class of the user's may override train() and never take the mode that it is given.
  for (let [changed, round] = [true, 0]; changed && round <= before.length; round++) {
    changed = false;
    for (const [module, training] of before) {
      if (module.training === training || module.switchAlone(training)) continue;
      module[training ? 'train' : 'eval']();
      changed = true;
    }
  }
}

/** Remembers which modules are in training. @returns what brings that back */
export function modesOf(model: Switched): () => void {
  const before = modes(model);
  return () => restore(before);
}

/**
 * Puts a model into training mode at the beginning of each epoch. In a model in training mode nothing is touched, so
 * that parts that the user has put into evaluation mode stay so. One in evaluation mode as a whole goes to training as
 * it was in the epoch before; at first all of it but parts that cannot learn, since none of their parameters requires a
 * gradient.
 */
export function trainingModes(model: Switched): () => void {
  const frozen = model.modulesInside().filter((module) => {
    const parameters = module.parameters();
    return !module.training && parameters.length > 0 && parameters.every((parameter) => !parameter.requiresGrad);
  });
  let resume = (): void => {
    model.train();
    for (const module of frozen) module.eval();
  };
  return () => {
    if (model.training) resume = modesOf(model);
    else resume();
  };
}

/**
 * Runs `work` in evaluation mode and under `noGrad`, and puts every module back into the mode that it was in.
 * Between batches the modes are as before, so that predictions and a training may take turns.
 */
export function inEvaluation<R>(model: Switched, work: () => R): R {
  const before = modes(model); // walked over once: a step of a stream takes a few times as long as a walk
  if (!before.every(([module]) => module.switchAlone(false))) model.eval();
  try {
    return noGrad(work);
  } finally {
    restore(before);
  }
}
