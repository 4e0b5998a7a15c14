// What the contract of tasks asks of a class; compiled, never run.
import { expectTypeOf } from 'vitest';
import { ArrayDataset, History } from 'stmnet';
import type { Examples, Task, TaskClass, TaskFitOptions } from 'stmnet/tasks';

interface Message {
  text: string;
  label: 'ham' | 'spam';
}

interface Answer {
  label: Message['label'];
  probability: number;
}

class Filter implements Task<Message, string, Answer, { loss: number; accuracy: number }> {
  fit(examples: Examples<Message>, { epochs, output = 'run' }: TaskFitOptions<Message>): Promise<History> {
    return Promise.resolve(Object.assign(new History(), { name: `${examples.length} ${epochs} ${output}` }));
  }

  evaluate(examples: Examples<Message>): Promise<{ loss: number; accuracy: number }> {
    return Promise.resolve({ loss: examples.length, accuracy: 1 });
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
  // @ts-expect-error the number of epochs is required
  await task.fit(examples, {});
}

class Unloadable {
  readonly name = 'nothing';
}
// @ts-expect-error a task is loaded by its class
Unloadable satisfies TaskClass<Unloadable>;
// @ts-expect-error it has no verbs
export const nothing: Task<Message, string, Answer> = new Unloadable();
