import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';

/** A Python script beside this file that answers a line of JSON with a line of JSON, and waits, asleep, between them. */
export class PythonWorker {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  readonly #script: string;

  private constructor(child: ChildProcess, script: string) {
    this.#child = child;
    this.#script = script;
    this.#reader = createInterface({ input: child.stdout ?? process.stdin });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /**
   * Starts the script with STMNET_PYTHON, or `python3`.
   *
   * @returns the worker and the first line it printed, or why it did not start
   */
  static async start(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<{ worker: PythonWorker; greeting: unknown } | { missing: string }> {
    const python = process.env['STMNET_PYTHON'] ?? 'python3';
    const file = join(__dirname, '..', '..', '..', '..', 'scripts', 'bench', script);
    const child = spawn(python, [file, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    let failure = '';
    child.stderr.on('data', (text: Buffer) => (failure = (failure + text.toString()).slice(-10_000)));
    try {
      await once(child, 'spawn');
    } catch (error) {
      return { missing: `${python}: ${error instanceof Error ? error.message : String(error)}` };
    }
    const worker = new PythonWorker(child, script);
    const first = await worker.#lines.next();
    if (first.done === true) return { missing: `${python}: ${failure.trim().split('\n').at(-1) ?? 'ended at once'}` };
    return { worker, greeting: JSON.parse(first.value) as unknown };
  }

  /** @throws {Error} if the process has ended */
  async ask(request: object): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`the PyTorch worker ended early; run scripts/bench/${this.#script} by hand to see why.`);
    return JSON.parse(line.value) as unknown;
  }

  /** Ends the process. */
  stop(): void {
    this.#child.stdin?.end();
    this.#reader.close();
  }
}
