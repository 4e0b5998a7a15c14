/** So many units are segmented at once: `Intl.Segmenter` takes a time that grows with the square of them. */
const pieceUnits = 1024;
/** What stands before a cut may belong to what follows; so many segments are looked at again. */
const atCut = 4;

/**
 * Where the segments of a text end, in time that grows with its length alone: a long text is segmented piece by piece,
 * each of which begins where a segment does.
 *
 * @internal
 */
export function segmentEnds(segmenter: Intl.Segmenter, text: string): number[] {
  const ends: number[] = [];
  let [from, size] = [0, pieceUnits];
  while (from < text.length) {
    const segments = Array.from(segmenter.segment(text.slice(from, from + size)));
    const kept = from + size >= text.length ? segments : segments.slice(0, -atCut);
    for (const { index, segment } of kept) ends.push(from + index + segment.length);
    size = kept.length === 0 ? 2 * size : pieceUnits;
    from = ends.at(-1) ?? 0;
  }
  return ends;
}

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
    return segmentEnds(this.#segmenter, run);
  }
}
