import type { EpochRecord, Figures, ValidationRecord } from '../training/epoch-record';
import type { Progress } from '../training/progress';
import { fourDigits, styled, type Style } from './output';
import { sparkline } from './sparkline';

/** The terminal that a training is shown on. */
export interface Terminal {
  /** Characters of a line; 80 where that is not known. */
  readonly columns?: number;
  /** Writes a text. */
  write(text: string): unknown;
  /** Calls `listener` at an error, until `off`. */
  on(event: 'error', listener: () => void): unknown;
  /** Calls `listener` no more. */
  off(event: 'error', listener: () => void): unknown;
}

/** Milliseconds between two pictures. */
const FRAME = 100;
const BAR_WIDTH = 28;
const ERASE_BELOW = '\u001b[J';
const up = (lines: number): string => (lines === 0 ? '\r' : `\r\u001b[${lines}A`);

/**
 * A training on a terminal: a row of figures for each epoch, a star where the validation was the best
 * so far, and below them, drawn anew as it goes on,
 * a bar with the time left, a line of the loss, and the best validation so far.
 */
export class TrainingDisplay implements Progress {
  readonly #epochs: number;
  readonly #terminal: Terminal;
  readonly #colours: boolean;
  readonly #begun = performance.now();
  readonly #losses: number[] = [];
  readonly #ignore = (): void => undefined;
  #epoch = 1;
  #steps: number | undefined;
  #step = 0;
  /** Steps of this process, those of earlier epochs included. */
  #done = 0;
  #loss: number | undefined;
  #best: { readonly epoch: number; readonly figures: Figures } | undefined;
  #heads: readonly string[] = [];
  #drawn = 0;
  #drawnAt = 0;
  #silent = false;

  /** @param colours  whether the terminal shows them */
  constructor(epochs: number, terminal: Terminal, colours: boolean) {
    this.#epochs = epochs;
    this.#terminal = terminal;
    this.#colours = colours;
    terminal.on('error', this.#ignore); // who reads it may have gone; that ends no training
  }

  start(epoch: number, steps: number | undefined): void {
    [this.#epoch, this.#steps, this.#step] = [epoch, steps, 0];
    this.#draw();
  }

  step(done: number): boolean {
    this.#done += Math.max(done - this.#step, 0);
    this.#step = done;
    if (this.#silent || performance.now() - this.#drawnAt < FRAME) return false;
    this.#draw();
    return true;
  }

  figures(values: Record<string, number>): void {
    this.#loss = values['loss'];
    if (this.#loss !== undefined) this.#losses.push(this.#loss);
  }

  validation(record: ValidationRecord): void {
    this.#look(record.epoch, record.validation);
  }

  end(record: EpochRecord): void {
    const { epoch, train, validation, seconds } = record;
    this.#loss = train.loss;
    this.#losses.push(train.loss);
    const isBest = validation !== undefined && this.#look(epoch, validation);
    const cells = { loss: train.loss, ...prefixed('val ', validation), seconds };
    this.#row(epoch, cells, isBest);
  }

  note(text: string): void {
    this.#above(text);
  }

  stop(): void {
    this.hide();
    setImmediate(() => this.#terminal.off('error', this.#ignore));
  }

  /** Takes the picture away, and draws none any more: others write to the terminal. */
  hide(): void {
    this.#erase();
    this.#silent = true;
  }

  /** @returns whether it is the best so far */
  #look(epoch: number, figures: Figures): boolean {
    if (this.#best !== undefined && !(figures.loss < this.#best.figures.loss)) return false;
    this.#best = { epoch, figures };
    return true;
  }

  #row(epoch: number, cells: Readonly<Record<string, number>>, isBest: boolean): void {
    const shown = Object.entries(cells).filter(([name]) => !name.includes('.'));
    const heads = ['epoch', ...shown.map(([name]) => name)];
    const line = (texts: readonly string[]): string =>
      texts.map((text, at) => text.padStart(Math.max((heads[at] ?? '').length + 2, 9))).join('');
    if (String(heads) !== String(this.#heads)) {
      this.#heads = heads;
      this.#above(this.#paint('dim', line(heads)));
    }
    const numbers = shown.map(([name, value]) => (name === 'seconds' ? value.toFixed(1) : fourDigits(value)));
    const row = line([`${epoch}/${this.#epochs}`, ...numbers]);
    this.#above(isBest ? `${row}  ${this.#paint('green', '★')}` : row);
  }

  /** Writes a line that stays, above the picture. */
  #above(line: string): void {
    this.#erase();
    this.#terminal.write(`${line}\n`);
    this.#draw();
  }

  #erase(): void {
    if (this.#drawn > 0) this.#terminal.write(`${up(this.#drawn)}${ERASE_BELOW}`);
    this.#drawn = 0;
  }

  #draw(): void {
    if (this.#silent) return;
    const lines = this.#picture();
    const back = this.#drawn > 0 ? up(this.#drawn) : '';
    this.#terminal.write(`${back}${ERASE_BELOW}${lines.map((line) => `${line}\n`).join('')}`);
    this.#drawn = lines.length;
    this.#drawnAt = performance.now();
  }

  #picture(): string[] {
    const width = Math.max((this.#terminal.columns ?? 80) - 1, 20);
    const bar = this.#bar();
    const lines = [['', bar.text, bar.coloured]];
    if (this.#loss !== undefined) {
      const head = `  loss ${fourDigits(this.#loss)} `;
      const line = sparkline(this.#losses, Math.min(width - head.length, 60));
      lines.push(['', `${head}${line}`, `${head}${this.#paint('cyan', line)}`]);
    }
    if (this.#best !== undefined) {
      const { epoch, figures } = this.#best;
      const told = Object.entries(figures).filter(([name]) => !name.includes('.'));
      const text = told.map(([name, value]) => `${name} ${fourDigits(value)}`).join(', ');
      lines.push(['', `  best validation: ${text} in epoch ${epoch}`, '']);
    }
    return lines.map(([, plain = '', coloured = '']) =>
      plain.length > width ? plain.slice(0, width) : coloured || plain,
    );
  }

  #bar(): { text: string; coloured: string } {
    const part = (this.#epoch - 1 + (this.#steps === undefined ? 0 : this.#step / this.#steps)) / this.#epochs;
    const full = Math.min(Math.round(part * BAR_WIDTH), BAR_WIDTH);
    const [done, open] = ['━'.repeat(full), '─'.repeat(BAR_WIDTH - full)];
    const seconds = (performance.now() - this.#begun) / 1000;
    const rate = this.#done / Math.max(seconds, 1e-3);
    const left = this.#left(rate);
    const before = `  epoch ${this.#epoch}/${this.#epochs} `;
    const behind = ` ${Math.floor(100 * part)} %  ${rate.toFixed(0)} steps/s${left}`;
    return {
      text: `${before}${done}${open}${behind}`,
      coloured: `${before}${this.#paint('green', done)}${this.#paint('dim', open)}${behind}`,
    };
  }

  /** The time left, once there are steps to tell it by. */
  #left(rate: number): string {
    if (this.#steps === undefined || this.#done < 3) return '';
    const steps = (this.#epochs - this.#epoch + 1) * this.#steps - this.#step;
    return `  ${clock(steps / rate)} left`;
  }

  #paint(style: Style, text: string): string {
    return this.#colours ? styled(style, text) : text;
  }
}

const prefixed = (prefix: string, figures: Figures | undefined): Record<string, number> =>
  Object.fromEntries(Object.entries(figures ?? {}).map(([name, value]) => [`${prefix}${name}`, value]));

/** As in `0:07`, `12:34` and `1:02:03`. */
export function clock(seconds: number): string {
  const all = Math.max(Math.round(seconds), 0);
  const [hours, minutes, rest] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
