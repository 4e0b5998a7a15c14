/** A text up to the first of some stops, which are left out. What may be the beginning of one is held back. */
export class StopText {
  readonly #stops: readonly string[];
  #held = '';
  /** Whether a stop was found. */
  stopped = false;

  /** @param stops  texts, none of which is empty */
  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** What is sure to come before a stop, once this piece is there. */
  push(piece: string): string {
    const text = this.#held + piece;
    const places = this.#stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
    this.stopped = places.length > 0;
    const end = this.stopped ? Math.min(...places) : text.length - this.#begun(text);
    this.#held = this.stopped ? '' : text.slice(end);
    return text.slice(0, end);
  }

  /** What was held back: nothing comes after it. */
  end(): string {
    return this.#held;
  }

  /** Units at the end of a text that a stop may begin with. */
  #begun(text: string): number {
    const most = Math.max(0, ...this.#stops.map((stop) => stop.length - 1));
    for (let units = Math.min(most, text.length); units > 0; units--)
      if (this.#stops.some((stop) => stop.startsWith(text.slice(-units)))) return units;
    return 0;
  }
}
