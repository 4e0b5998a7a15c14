import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { python } from './peers';
import { repository } from './tarball';

/** What to start. */
export interface Program {
  /** For messages. */
  name: string;
  command: string;
  args: readonly string[];
  /** Its variables; those of this process if left out. */
  env?: NodeJS.ProcessEnv;
  /** Seconds that it may take until it is ready; any if left out. */
  patience?: number;
}

/**
 * A program that prints a line of JSON when it is ready, answers each line of JSON with one, and waits, asleep, between
 * them.
 */
export class LineWorker {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  readonly #name: string;

  private constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.#name = name;
    this.#reader = createInterface({ input: child.stdout ?? process.stdin });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** @returns the worker and the first line it printed, or why it did not start */
  static async start({
    name,
    command,
    args,
    env = process.env,
    patience,
  }: Program): Promise<{ worker: LineWorker; greeting: unknown } | { missing: string }> {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
    let failure = '';
    child.stderr.on('data', (text: Buffer) => (failure = (failure + text.toString()).slice(-10_000)));
    try {
      await once(child, 'spawn');
    } catch (error) {
      return { missing: `${command}: ${error instanceof Error ? error.message : String(error)}` };
    }
    const worker = new LineWorker(child, name);
    let late = false;
    const giveUp = (): void => {
      late = true;
      worker.kill();
    };
    const clock = patience === undefined ? undefined : setTimeout(giveUp, patience * 1000);
    const first = await worker.#lines.next();
    clearTimeout(clock);
    if (late) return { missing: `${command}: it was not ready within ${patience} s` };
    if (first.done === true) return { missing: `${command}: ${reasonIn(failure)}` };
    return { worker, greeting: JSON.parse(first.value) as unknown };
  }

  /** Of its process. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws {Error} if the process has ended */
  async ask(request: object): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`${this.#name} ended early; run it by hand to see why.`);
    return JSON.parse(line.value) as unknown;
  }

  /** Ends the process. */
  stop(): void {
    this.#child.stdin?.end();
    this.#reader.close();
  }

  /** Waits until the process has ended. */
  async ended(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }

  /** Ends one that does not answer. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** The line of an error's text that says what is wrong: Node.js ends with its version, Python with the error. */
function reasonIn(text: string): string {
  const lines = text.trim().split('\n');
  return lines.find((line) => /^\w*Error: /.test(line)) ?? (lines.at(-1) || 'it ended at once');
}

/** Starts a Python script of scripts/bench, by `python()`. */
export function startPython(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  patience?: number,
): ReturnType<typeof LineWorker.start> {
  const file = join(repository, 'scripts', 'bench', script);
  return LineWorker.start({
    name: `scripts/bench/${script}`,
    command: python(),
    args: [file, ...args],
    env: { ...process.env, ...env },
    ...(patience === undefined ? {} : { patience }),
  });
}
