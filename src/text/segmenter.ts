/**
 * Finds words where no spaces divide them: Chinese, Japanese, Thai, Lao, Khmer and Burmese, by the dictionaries of
 * `Intl.Segmenter`, which come with Node.js; another version of it may divide a rare word otherwise.
 *
 * @internal
 */
export class WordSegmenter {
  readonly #locale: string | undefined;
  #segmenter: Intl.Segmenter | undefined;

  constructor(locale: string | undefined) {
    this.#locale = locale;
  }

  /** Where the words of a run of such letters end, in it. */
  ends(run: string): number[] {
    this.#segmenter ??= new Intl.Segmenter(this.#locale, { granularity: 'word' });
    return Array.from(this.#segmenter.segment(run), ({ index, segment }) => index + segment.length);
  }
}
