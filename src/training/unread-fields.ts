import { isPlainObject } from '../tensor/options';

/** Names the fields of batches that nobody reads, once: what is left out by mistake must not go unnoticed. */
export class UnreadFields {
  readonly #given = new Set<string>();
  readonly #read = new Set<string | symbol>();
  #told = false;

  /** Warns of what a batch has that is not among the only `fields` that are read. */
  compare(batch: unknown, fields: readonly string[], readers: string): void {
    if (this.#told || typeof batch !== 'object' || batch === null) return;
    for (const name of Object.keys(batch)) this.#given.add(name);
    for (const name of fields) this.#read.add(name);
    if ([...this.#given].some((name) => !this.#read.has(name))) this.tell(readers);
  }

  /** The same record, of which it is noted what is read. What is no record comes back as it is. */
  watch<B extends object>(batch: B): B {
    if (this.#told || !isPlainObject(batch)) return batch;
    for (const name of Object.keys(batch)) this.#given.add(name);
    return new Proxy(batch, {
      get: (fields, name) => {
        this.#read.add(name);
        return Reflect.get(fields, name) as unknown;
      },
    });
  }

  /** Warns of what was not read in the batches so far; later calls do nothing. */
  tell(readers: string): void {
    if (this.#told) return;
    this.#told = true;
    const unread = [...this.#given].filter((name) => !this.#read.has(name));
    if (unread.length === 0) return;
    const one = unread.length === 1;
    process.emitWarning(
      `Trainer: got batches with ${one ? 'a field' : 'fields'} that nothing reads, ${unread.join(', ')}; ` +
        `expected ${readers}.\n` +
        `  Fix: leave ${one ? 'it' : 'them'} out of the items, or read ${one ? 'it' : 'them'} there.`,
      { type: 'StmnetWarning', code: 'STM_UNREAD_FIELDS' },
    );
  }
}
