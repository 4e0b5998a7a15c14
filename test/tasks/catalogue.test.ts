import { describe, expect, it, test } from 'vitest';
import { parseValue } from '../../src/cli/descriptor-options';
import { catalogue, entryOf } from '../../src/tasks/catalogue';
import { flagOf, type OptionDescriptor } from '../../src/tasks/catalogue/descriptor';
import { eventTrainReaders } from '../../src/tasks/event-classifier-options';
import { languageTrainReaders } from '../../src/tasks/language-fit-options';
import { TASK_CLASSES } from '../../src/tasks/task-names';
import { trainReaders } from '../../src/tasks/train-options';
import { OptionError } from '../../src/tensor/errors';
import { describe as described } from '../../src/tensor/options';

/** What of `fit` no text can say, and what a command has in a form of its own. */
const NOT_BY_TEXT = ['callbacks', 'progress', 'output', 'resume', 'source', 'validation'];

const refusalOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return String(error);
  }
  return '';
};
const namesOf = (options: readonly OptionDescriptor[]): string[] => options.map(({ name }) => name);
const textOf = (value: unknown): string => {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(',');
  return typeof value === 'string' ? value : described(value);
};

/** What an option needs beside it. */
const TOGETHER: Readonly<Record<string, object>> = {
  hiddenDropout: { numLayers: 2 },
  targetColumn: { targetValue: 'x' },
  targetValue: { targetColumn: 'x' },
};

/** A value of each kind that differs from most defaults. */
const SAMPLES: Readonly<Record<string, string>> = {
  size: '3',
  count: '5',
  port: '80',
  number: '0.25',
  positive: '0.25',
  part: '0.25',
  probability: '0.25',
  text: 'x',
  encoding: 'latin1',
  file: 'x.txt',
  weights: 'balanced',
  factors: 'head=0.5',
  parts: 'encoder=2',
  names: 'a,b',
  numbers: '0.25,0.5',
};
const sampleOf = ({ kind }: OptionDescriptor): unknown =>
  parseValue(kind, typeof kind === 'string' ? (SAMPLES[kind] ?? 'true') : (kind.at(-1) ?? ''));

test('each task is in the catalogue, and is made by the class that reads its file', () => {
  const made = catalogue.map((entry) => [entry.name, entry.make({}).constructor.name]);
  expect(Object.fromEntries(made)).toEqual(TASK_CLASSES);
  for (const entry of catalogue) expect(entry.make({})).toMatchObject({ task: entry.name });
});

describe.each(catalogue.map((entry) => [entry.name, entry] as const))('%s in the catalogue', (_, entry) => {
  it('describes all options of its class, their values and their defaults', () => {
    const { options } = entry.make({});
    const [, known = ''] = /expected only ([^.]*)\./.exec(refusalOf(() => entry.make({ nothing: 1 }))) ?? [];
    expect(known.split(', ').sort()).toEqual(namesOf(entry.options).sort());
    for (const descriptor of entry.options) {
      const { name, kind, otherwise } = descriptor;
      const given = { [name]: sampleOf(descriptor) };
      expect(entry.make({ ...TOGETHER[name], ...given }).options).toMatchObject(given);
      const value: unknown = Reflect.get(options, name);
      if (value !== undefined) expect(otherwise.split(' ')[0], name).toBe(textOf(value));
      if (typeof kind === 'string') continue;
      for (const choice of kind) expect(entry.make({ [name]: choice }).options).toMatchObject({ [name]: choice });
      expect(() => entry.make({ [name]: `${kind[0]}x` })).toThrow(OptionError);
    }
  });

  it('describes the options of fit, their values and their defaults', () => {
    const batch = entry.training.find(({ name }) => name === 'batchSize')?.otherwise;
    const rate = entry.training.find(({ name }) => name === 'learningRate')?.otherwise;
    const own = entry.name === 'events' ? { cutOff: eventTrainReaders.cutOff } : {};
    const ofLanguage = entry.name === 'lm' ? languageTrainReaders : {};
    const readers = {
      ...ofLanguage,
      ...trainReaders({ batchSize: Number(batch), learningRate: Number.parseFloat(rate ?? '') }),
      ...own,
    };
    expect(entry.training.map(({ name }) => name).sort()).toEqual(
      Object.keys(readers)
        .filter((name) => !NOT_BY_TEXT.includes(name))
        .sort(),
    );
    for (const descriptor of entry.training) {
      const { name, kind, otherwise } = descriptor;
      const read = new Map(Object.entries(readers)).get(name);
      expect(read?.('fit', name, sampleOf(descriptor))).toEqual(sampleOf(descriptor));
      const value = name === 'seed' || name === 'precision' ? undefined : read?.('fit', name, undefined);
      if (value !== undefined) expect(otherwise.split(' ')[0], name).toBe(textOf(value));
      if (typeof kind !== 'string') expect(kind).toContain(otherwise);
    }
  });
});

describe.each(catalogue.map((entry) => [entry.name, entry] as const))('%s', (_, entry) => {
  const { name: className } = entry.make({}).constructor;

  it('says of an option of fit that it is none of the class', () => {
    const epochs = refusalOf(() => entry.make({ epochs: 3 }));
    expect(epochs).toContain(`OptionError: ${className}: got an option epochs,`);
    expect(epochs).toContain('\n  Fix: pass it to fit: fit(examples, { epochs: 3 }).');
    expect(refusalOf(() => entry.make({ batch_size: 3 }))).toContain('fit(examples, { batchSize: 3 })');
    for (const name of [...NOT_BY_TEXT, ...namesOf(entry.training)])
      expect(refusalOf(() => entry.make({ [name]: [] }))).toContain(`Fix: pass it to fit: fit(examples, { ${name} })`);
  });

  it('says of an option of the class that it is none of fit', async () => {
    // No example is looked at before the options.
    const refused = (options: object): Promise<string> => entry.make({}).fit([], options).then(String, String);
    const message = await refused({ hiddenSize: 64 });
    expect(message).toContain(`OptionError: ${className}.fit: got an option hiddenSize, expected only validation, `);
    expect(message).toContain(`\n  Fix: pass it to the constructor: new ${className}({ hiddenSize: 64 }).`);
    expect(await refused({ cell: 'gru' })).toContain(`new ${className}({ cell: 'gru' })`);
    for (const name of namesOf(entry.options))
      expect(await refused({ [name]: [] })).toContain(`to the constructor: new ${className}({ ${name} })`);
    expect(await refused({ validation_data: [] })).toContain('Fix: write validation, if that is what you mean by');
    expect(await refused(7 as never)).toContain(`${className}.fit: got 7, expected an object of options`);
  });
});

test('a flag that is on says what happens without it', () => {
  const all = catalogue.flatMap(({ options, training, data }) => [...options, ...training, ...data]);
  const on = all.filter(({ kind, otherwise }) => kind === 'flag' && otherwise === 'true');
  expect(new Set(namesOf(on))).toEqual(
    new Set(['bidirectional', 'lowercase', 'header', 'characters', 'augment', 'attention', 'calendar']),
  );
  expect(on.filter(({ negated = '' }) => !/^[a-z].*[^.]$/.test(negated))).toEqual([]);
});

test('an option is called by its name with hyphens', () => {
  expect(['hiddenSize', 'onNaN', 'l2', 'data'].map(flagOf)).toEqual(['--hidden-size', '--on-nan', '--l2', '--data']);
});

test('a task that is not there is refused, and the near one named', () => {
  expect(() => entryOf('stmnet', 'clasify')).toThrow(
    'stmnet: got the task "clasify", expected one of classify, tag, lm, events, seq2seq, speech, forecast, qa, ' +
      'span.\n' +
      '  Fix: write classify, if that is meant.',
  );
});
