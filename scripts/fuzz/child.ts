// One process of `npm run fuzz`: makes calls from a seed and tells its parent what became of them. A file holds the
// latest calls, for the case that the process does not live to tell.
import { ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  StmnetError,
  isGradEnabled,
  memory,
  ones,
  setDefaultDevice,
  setMathMode,
  setMaxMemory,
  synchronize,
  type Tensor,
} from 'stmnet';
import { shown, type Call } from './calls/call';
import { OwnError, lifeCalls } from './calls/life';
import { layerCalls } from './calls/layers';
import { modelCalls } from './calls/models';
import { Pool } from './calls/pool';
import { tensorCalls } from './calls/tensors';
import { check, drawChecked } from './checked/check';
import { Draw } from './random';
import { RawCalls, readOpTable } from './raw-calls';
import { count, emptyReport, type Finding, type Report } from './report';
import { noteBytes, noteSlots, type ChildTask } from './task';

const publicCalls = [tensorCalls, tensorCalls, modelCalls, layerCalls, lifeCalls];
/** Errors that a fault of stmnet's own would have. */
const faultCodes = new Set(['ERR_STM_NATIVE', 'ERR_STM_INTERNAL']);

class Fuzzer {
  readonly #report: Report = emptyReport();
  readonly #draw: Draw;
  readonly #pool: Pool;
  readonly #pending = new Set<Promise<void>>();
  readonly #file: number;
  #call = 0;

  constructor(readonly task: ChildTask) {
    this.#draw = new Draw(Math.imul(task.seed, 0x9e3779b1) ^ task.mode.length);
    this.#pool = new Pool(this.#draw);
    this.#file = openSync(task.notes, 'w');
    ftruncateSync(this.#file, noteSlots * noteBytes);
  }

  async run(): Promise<Report> {
    setDefaultDevice(this.task.device);
    setMathMode('fma'); // comparisons are exact
    setMaxMemory(512 * 2 ** 20);
    const raw =
      this.task.mode === 'raw'
        ? new RawCalls(this.#draw, this.task.device, readOpTable(join(__dirname, '..', '..', '..', '..')))
        : undefined;
    for (this.#call = 1; this.#call <= this.task.calls; this.#call++) {
      if (this.task.mode === 'checked') await this.#checked();
      else if (raw === undefined) await this.#public();
      else this.#raw(raw);
      if (this.#call % 100 === 0) process.send?.({ progress: this.#call });
      if (this.#call % 200 === 0) await new Promise((done) => setImmediate(done));
    }
    raw?.clear();
    await this.#leaks();
    this.#report.calls = this.task.calls;
    return this.#report;
  }

  #note(name: string, args: readonly unknown[]): string {
    const text = `${name}(${args.map((arg) => shown(arg)).join(', ')})`;
    const bytes = Buffer.alloc(noteBytes, ' ');
    bytes.write(`${this.#call} ${text}`.slice(0, noteBytes - 1).replaceAll('\n', ' '));
    bytes[noteBytes - 1] = 10;
    writeSync(this.#file, bytes, 0, noteBytes, (this.#call % noteSlots) * noteBytes);
    return text;
  }

  #find(kind: Finding['kind'], text: string): void {
    if (this.#report.findings.length < 50)
      this.#report.findings.push({ kind, text: text.slice(0, 1500), call: this.#call });
  }

  async #checked(): Promise<void> {
    let label = 'drawing a case';
    try {
      const checked = drawChecked(this.#draw);
      ({ label } = checked);
      this.#note(label, []);
      const wrong = await check(this.#draw, checked);
      this.#report.compared++;
      count(this.#report.ends, 'fine');
      if (wrong !== undefined) this.#find('wrong result', wrong);
    } catch (error) {
      count(this.#report.ends, nameOf(error));
      this.#find('wrong error', `${label}: ${textOf(error)}`);
    }
  }

  async #public(): Promise<void> {
    const call = this.#drawPublic();
    if (call === undefined) return;
    const text = this.#note(call.name, call.args);
    try {
      const result = (call.run as (...args: readonly unknown[]) => unknown)(...call.args);
      if (result instanceof Promise) this.#watch(result, text);
      else this.#pool.keep(result);
      count(this.#report.ends, 'fine');
    } catch (error) {
      count(this.#report.ends, nameOf(error));
      if (!(error instanceof StmnetError) && !(error instanceof OwnError))
        this.#find('wrong error', `${text}: ${textOf(error)}`);
      else if (error instanceof StmnetError && error.code === 'ERR_STM_INTERNAL')
        this.#find('wrong error', `${text}: ${textOf(error)}`);
    }
    if (!isGradEnabled()) this.#find('wrong result', `${text}: left gradients switched off`);
    const kept = this.#draw.chance(0.15) ? this.#pool.kept() : undefined;
    if (kept !== undefined) this.#read(kept, text);
    if (this.#pending.size > 40) await Promise.all(this.#pending);
  }

  /** The fuzzer's own inputs can be refused too: a view of a disposed tensor, say. Then there is no call. */
  #drawPublic(): Call | undefined {
    try {
      return this.#draw.pick(this.#draw.pick(publicCalls))(this.#draw, this.#pool);
    } catch (error) {
      count(this.#report.ends, 'not drawn');
      if (!(error instanceof StmnetError)) this.#find('fuzzer', textOf(error));
      return undefined;
    }
  }

  #read(tensor: Tensor, text: string): void {
    const size = Pool.sizeOf(tensor);
    if (size > 200_000) return;
    const read = async (): Promise<void> => {
      const data = await tensor.data();
      if (data.length !== size) this.#find('wrong result', `${text}: read ${data.length} elements of ${size}`);
    };
    this.#watch(read(), `a read after ${text}`);
  }

  #watch(promise: Promise<unknown>, text: string): void {
    const settled = promise.then(
      () => count(this.#report.reads, 'fine'),
      (error: unknown) => {
        count(this.#report.reads, error instanceof StmnetError ? error.code : nameOf(error));
        if (!(error instanceof StmnetError) || faultCodes.has(error.code))
          this.#find('wrong error', `${text}: ${textOf(error)}`);
      },
    );
    const entry = settled.finally(() => this.#pending.delete(entry));
    this.#pending.add(entry);
  }

  /** Any error will do at this level, which users never see: the process has to stay whole. */
  #raw(raw: RawCalls): void {
    const call = raw.next();
    this.#note(call.name, call.args);
    try {
      call.run();
      count(this.#report.ends, 'fine');
    } catch (error) {
      count(this.#report.ends, nameOf(error));
    }
  }

  /** After everything is given up nothing may be left. */
  async #leaks(): Promise<void> {
    await Promise.all(this.#pending);
    this.#pool.clear();
    for (let round = 0; round < 4; round++) {
      globalThis.gc?.();
      await new Promise((done) => setTimeout(done, 5));
      for (let i = 0; i < 50; i++) ones([1]).dispose(); // op calls sweep what has been collected
      await synchronize().catch(() => undefined);
    }
    const { handles, queuedCommands } = memory();
    if (handles > 0 || queuedCommands > 0)
      this.#find('leak', `${handles} handles and ${queuedCommands} commands are left`);
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.constructor.name : typeof error);
const textOf = (error: unknown): string =>
  error instanceof Error
    ? `${error.constructor.name} ${error.message} ${(error.stack ?? '').split('\n').slice(1, 5).join(' ')}`
    : String(error);

if (require.main === module) {
  void new Fuzzer(JSON.parse(process.argv[2] ?? '{}') as ChildTask).run().then(
    (report) => process.send?.({ report }, () => process.exit(0)),
    (error: unknown) =>
      process.send?.(
        { report: { ...emptyReport(), findings: [{ kind: 'fuzzer', text: textOf(error), call: 0 }] } },
        () => process.exit(0),
      ),
  );
}
