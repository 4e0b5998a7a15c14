// What the contract of tasks asks of a class; compiled, never run.
import { expectTypeOf } from 'vitest';
import { ArrayDataset, History, readTable, splitDataset } from 'stmnet';
import {
  LanguageModel,
  TextClassifier,
  type EvaluationRecord,
  type Examples,
  type NextToken,
  type Task,
  type TaskClass,
  type TaskFitOptions,
} from 'stmnet/tasks';

interface Message {
  text: string;
  label: 'ham' | 'spam';
}

interface Answer {
  label: Message['label'];
  probability: number;
}

class Filter implements Task<Message, string, Answer, { loss: number; accuracy: number }> {
  readonly task = 'filter';
  readonly options = {};

  fit(examples: Examples<Message>, { epochs, output = 'run' }: TaskFitOptions<Message> = {}): Promise<History> {
    return Promise.resolve(Object.assign(new History(), { name: `${examples.length} ${epochs} ${output}` }));
  }

  evaluate(examples: Examples<Message>): Promise<{ loss: number; accuracy: number }> {
    return Promise.resolve({ loss: examples.length, accuracy: 1 });
  }

  async examine(examples: Examples<Message>, part: EvaluationRecord['part'] = 'test'): Promise<EvaluationRecord> {
    return { part, figures: await this.evaluate(examples) };
  }

  predict(input: string): Promise<Answer>;
  predict(inputs: readonly string[]): Promise<Answer[]>;
  predict(input: string | readonly string[]): Promise<Answer | Answer[]> {
    const answer: Answer = { label: 'ham', probability: 1 };
    return Promise.resolve(typeof input === 'string' ? answer : input.map(() => answer));
  }

  save(path: string): Promise<void> {
    return Promise.resolve(void path);
  }

  static load(path: string): Promise<Filter> {
    return Promise.resolve(path === '' ? new Filter() : new Filter());
  }
}

Filter satisfies TaskClass<Filter>;

export async function use(task: Filter): Promise<void> {
  const examples: Message[] = [{ text: 'win', label: 'spam' }];
  (await task.fit(examples, { epochs: 1, validation: new ArrayDataset(examples), progress: false })) satisfies History;
  expectTypeOf(await task.evaluate(examples)).toEqualTypeOf<{ loss: number; accuracy: number }>();
  expectTypeOf(await task.predict('win')).toEqualTypeOf<Answer>();
  expectTypeOf(await task.predict(['win', 'lose'])).toEqualTypeOf<Answer[]>();
  // @ts-expect-error batches are what a Trainer validates on
  await task.fit(examples, { epochs: 1, validation: [{ input: 1, target: 1 }] });
  await task.fit(examples);
  // @ts-expect-error epochs are a number
  await task.fit(examples, { epochs: 'many' });
}

class Unloadable {
  readonly name = 'nothing';
}
// @ts-expect-error a task is loaded by its class
Unloadable satisfies TaskClass<Unloadable>;
// @ts-expect-error it has no verbs
export const nothing: Task<Message, string, Answer> = new Unloadable();

LanguageModel satisfies TaskClass<LanguageModel>;

export async function ofTexts(model: LanguageModel): Promise<void> {
  await model.fit('a text', { validation: ['one', 'another'] });
  await model.fit(new ArrayDataset(['one', 'another']), { validation: 'a text' });
  expectTypeOf(await model.predict('a')).toEqualTypeOf<readonly NextToken[]>();
  expectTypeOf(await model.predict(['a', 'b'])).toEqualTypeOf<(readonly NextToken[])[]>();
  for await (const piece of model.generate({ stop: ['.', '!'] })) expectTypeOf(piece).toEqualTypeOf<string>();
  // @ts-expect-error it learns from texts
  await model.fit([{ text: 'one' }]);
}

export async function fromTables(): Promise<void> {
  const path = 'spam.tsv';
  const classifier = new TextClassifier();
  // What rows are is not inferred from where they go.
  await classifier.fit(await readTable(path, { header: false, columns: ['label', 'text'] }));
  await classifier.fit(
    splitDataset(await readTable(path, { columns: ['label', 'text'] }), { train: 0.9, test: 0.1 }).train,
  );
  // @ts-expect-error there is no text in these rows
  await classifier.fit(await readTable(path, { columns: ['label', 'words'] }));
}
