import { isPlainObject } from '../tensor/options';

/** Names the fields of batches that nobody reads, once: what is left out by mistake must not go unnoticed. */
export class UnreadFields {
  readonly #given = new Set<string>();
  readonly #read = new Set<string>();
  #told = false;

  /** Notes what a batch has that its reader has left out. */
  given(batch: unknown, read: object): void {
    if (this.#told || typeof batch !== 'object' || batch === null || Array.isArray(batch)) return;
    for (const name of Object.keys(batch)) if (!(name in read)) this.#given.add(name);
  }

  /** The same record, of which it is noted what is read. What is no record comes back as it is. */
  watch<B>(batch: B): B;
  watch(batch: unknown): unknown {
    if (this.#told || !isPlainObject(batch)) return batch;
    const watched = {};
    for (const [name, value] of Object.entries(batch)) {
      this.#given.add(name);
      const get = (): unknown => {
        this.#read.add(name);
        return value;
      };
      Object.defineProperty(watched, name, { get, enumerable: true });
    }
    return watched;
  }

  /** Warns of what was not read so far, the first time that this is called after a batch. */
  tell(readers: string): void {
    if (this.#told || this.#given.size === 0) return;
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
