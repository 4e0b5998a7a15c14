import { readFileSync } from 'node:fs';
import { tensor, type HostArray, type Tensor } from 'stmnet';

/** One entry of a safetensors header. */
interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/**
 * The inputs and expected results of one case, read from a safetensors file without the package's own reader, which is
 * under test too.
 *
 * The metadata entry `config` is a JSON object that says what the case is; scripts/make-golden.py, which wrote it, says
 * how. `pytorch` and `snippet` tell what computed it, and by which lines.
 */
export class GoldenCase {
  readonly #config: Readonly<Record<string, unknown>>;
  /** Entries of the file's header beside the tensors. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #arrays: ReadonlyMap<string, HostArray>;

  /**
   * @param path    the file
   * @param device  where its tensors go
   * @throws {Error} if the file is not one that the golden script wrote
   */
  constructor(
    readonly path: string,
    readonly device: string,
  ) {
    const file = readFileSync(path);
    const start = 8 + Number(file.readBigUInt64LE(0));
    const header = JSON.parse(file.toString('utf8', 8, start)) as Record<string, Entry> & {
      __metadata__?: Record<string, string>;
    };
    const { __metadata__: metadata = {}, ...entries } = header;
    this.metadata = metadata;
    this.#config = JSON.parse(metadata['config'] ?? 'null') as Record<string, unknown>;
    if (typeof this.#config !== 'object' || this.#config === null)
      throw new Error(`${path}: got no metadata entry config, expected a JSON object`);
    this.#arrays = new Map(
      Object.entries(entries).map(([name, entry]) => [name, hostArray(path, name, entry, file.subarray(start))]),
    );
  }

  /** Largest relative error that a result may have. */
  get tolerance(): number {
    return this.has('tolerance') ? this.number('tolerance') : 1e-5;
  }

  /** Whether the configuration has an entry that is not null. */
  has(key: string): boolean {
    return this.#config[key] !== undefined && this.#config[key] !== null;
  }

  number(key: string): number {
    const value = this.#config[key];
    if (typeof value === 'number') return value;
    throw this.#unexpected(key, 'a number');
  }

  text(key: string): string {
    const value = this.#config[key];
    if (typeof value === 'string') return value;
    throw this.#unexpected(key, 'a string');
  }

  /** False where there is no entry. */
  flag(key: string): boolean {
    const value = this.#config[key] ?? false;
    if (typeof value === 'boolean') return value;
    throw this.#unexpected(key, 'true or false');
  }

  /** An array of numbers. */
  list(key: string): number[] {
    const value = this.#config[key];
    if (Array.isArray(value) && value.every((element) => typeof element === 'number')) return value;
    throw this.#unexpected(key, 'an array of numbers');
  }

  /** The entries of the configuration that have one of these names. */
  options(...names: string[]): Record<string, unknown> {
    return Object.fromEntries(names.filter((name) => this.has(name)).map((name) => [name, this.#config[name]]));
  }

  /** The entries of the configuration that have none of these names: options of a layer, loss or optimizer. */
  optionsBut(...names: string[]): Record<string, unknown> {
    return Object.fromEntries(Object.entries(this.#config).filter(([key]) => this.has(key) && !names.includes(key)));
  }

  #unexpected(key: string, expected: string): Error {
    return new Error(`${this.path}: got ${key}: ${JSON.stringify(this.#config[key])}, expected ${expected}`);
  }

  /** Names of the tensors in the file. */
  get names(): string[] {
    return [...this.#arrays.keys()];
  }

  hasArray(name: string): boolean {
    return this.#arrays.has(name);
  }

  /** A tensor of the file as it lies there. */
  array(name: string): HostArray {
    const array = this.#arrays.get(name);
    if (array === undefined)
      throw new Error(`${this.path}: got no tensor ${name}, expected one of ${this.names.join(', ')}`);
    return array;
  }

  /** A new tensor on the device. */
  tensor(name: string): Tensor {
    return tensor(this.array(name), { device: this.device });
  }

  /** A new tensor that collects a gradient. */
  leaf(name: string): Tensor {
    return tensor(this.array(name), { device: this.device, requiresGrad: true });
  }

  /** Whole numbers, as lengths are. */
  numbers(name: string): number[] {
    return Array.from(this.array(name).data);
  }
}

function hostArray(
  path: string,
  name: string,
  { dtype, shape, data_offsets: [from, to] }: Entry,
  data: Buffer,
): HostArray {
  const bytes = new Uint8Array(data.subarray(from, to)).buffer;
  if (dtype === 'F32') return { data: new Float32Array(bytes), shape };
  if (dtype === 'BOOL') return { data: new Uint8Array(bytes), shape };
  if (dtype === 'I64') return { data: Int32Array.from(new BigInt64Array(bytes), Number), shape };
  throw new Error(`${path}: got ${name} of ${dtype}, expected F32, I64 or BOOL`);
}
