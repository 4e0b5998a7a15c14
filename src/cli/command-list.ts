import type { Command } from 'commander';

/** A command before its file is loaded, which may bring the whole package with it. */
export interface CommandEntry {
  /** Its word. */
  readonly name: string;
  /** What it does, in a line of the help. */
  readonly summary: string;
  /** Loads it. */
  readonly load: () => Promise<Command>;
}

/** All commands, in the order of the help. */
export const commandList: readonly CommandEntry[] = [
  {
    name: 'train',
    summary: 'train a task on a file: from examples to a run folder',
    load: async () => (await import('./commands/train.js')).trainCommand(),
  },
  {
    name: 'evaluate',
    summary: 'measure a trained task on examples it has not seen',
    load: async () => (await import('./commands/evaluate.js')).evaluateCommand(),
  },
  {
    name: 'predict',
    summary: 'ask a trained task: arguments, a file, or a pipe of any length',
    load: async () => (await import('./commands/predict.js')).predictCommand(),
  },
  {
    name: 'generate',
    summary: 'let a language model write',
    load: async () => (await import('./commands/generate.js')).generateCommand(),
  },
  {
    name: 'inspect',
    summary: 'say what a model is made of: layers, parameters, vocabulary, memory',
    load: async () => (await import('./commands/inspect.js')).inspectCommand(),
  },
  {
    name: 'compare',
    summary: 'train with several cells and sizes, and compare',
    load: async () => (await import('./commands/compare.js')).compareCommand(),
  },
  {
    name: 'tune',
    summary: 'look for better settings',
    load: async () => (await import('./commands/tune.js')).tuneCommand(),
  },
  {
    name: 'convert',
    summary: 'take weights to PyTorch, and from there',
    load: async () => (await import('./commands/convert.js')).convertCommand(),
  },
  {
    name: 'quantize',
    summary: 'write a model with weights of 8 bits, a quarter of the size',
    load: async () => (await import('./commands/quantize.js')).quantizeCommand(),
  },
  {
    name: 'serve',
    summary: 'serve a trained task over HTTP',
    load: async () => (await import('./commands/serve.js')).serveCommand(),
  },
  {
    name: 'doctor',
    summary: 'say what stmnet can compute on here, what is missing and how to mend it',
    load: async () => (await import('./commands/doctor.js')).doctorCommand,
  },
  {
    name: 'bench',
    summary: 'measure how fast an LSTM layer is here',
    load: async () => (await import('./commands/bench.js')).benchCommand(),
  },
  {
    name: 'completion',
    summary: 'complete the words of stmnet in bash, zsh or fish',
    load: async () =>
      (await import('./commands/completion.js')).completionCommand(async () =>
        (await import('./program.js')).makeProgram(() => true),
      ),
  },
];
