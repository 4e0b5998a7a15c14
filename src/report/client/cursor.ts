import type { Drawing } from './drawing';
import type { Drawn } from './echarts';
import { spoken } from './tip';

/** By how many stops a key moves the cursor. */
const steps = (perRow: number, count: number): Readonly<Record<string, number>> => ({
  ArrowRight: 1,
  ArrowLeft: -1,
  ArrowDown: perRow,
  ArrowUp: -perRow,
  Home: -count,
  End: count,
});

/** Moves the cursor of a chart by keys, and says what it tells. */
export class Cursor {
  readonly #told: HTMLElement;
  readonly #corner: HTMLElement;
  #drawn: Drawn | undefined;
  #drawing: Drawing | undefined;
  #at: number | undefined;

  /** @param element  of the chart, which takes the keys */
  constructor(element: HTMLElement) {
    this.#told = document.createElement('output');
    this.#told.className = 'spoken';
    this.#corner = document.createElement('div');
    this.#corner.className = 'corner';
    this.#corner.setAttribute('aria-hidden', 'true'); // it is spoken already
    element.append(this.#told, this.#corner);
    element.addEventListener('keydown', (event) => this.#onKey(event));
    element.addEventListener('blur', () => this.#hide());
  }

  /** Goes on with another drawing of the chart. */
  follow(drawn: Drawn, drawing: Drawing): void {
    [this.#drawn, this.#drawing, this.#at] = [drawn, drawing, undefined];
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === 'Escape') return this.#hide();
    const { stops = [], perRow = 1 } = this.#drawing ?? {};
    const by = steps(perRow, stops.length)[event.key];
    if (by === undefined || stops.length === 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const begin = by > 0 ? 0 : stops.length - 1;
    this.#show(this.#at === undefined ? begin : Math.min(Math.max(this.#at + by, 0), stops.length - 1));
  }

  #show(at: number): void {
    const stop = this.#drawing?.stops[at];
    if (stop === undefined || this.#drawing === undefined) return;
    const told = this.#drawing.tipAt(stop);
    this.#drawn?.dispatchAction({ type: 'downplay' });
    this.#drawn?.dispatchAction({ type: 'highlight', ...stop });
    if (this.#drawing.pinned === true) this.#corner.replaceChildren(told);
    else this.#drawn?.dispatchAction({ type: 'showTip', ...stop });
    this.#at = at;
    this.#told.textContent = spoken(told);
  }

  #hide(): void {
    this.#drawn?.dispatchAction({ type: 'downplay' });
    this.#drawn?.dispatchAction({ type: 'hideTip' });
    this.#at = undefined;
    this.#told.textContent = '';
    this.#corner.replaceChildren();
  }
}
