// Which entities the tags of a sentence say: IOB1, IOB2 and IOBES alike, and BILOU.
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';

/** An entity among the steps of a sentence. */
export interface EntitySpan {
  /** Its type, `PER` of `B-PER`; empty where tags have none. */
  readonly type: string;
  /** Its first step. */
  readonly start: number;
  /** The step behind its last one. */
  readonly end: number;
}

const FORM = /^([BIESLU])(?:-(.*))?$/su;
const OUTSIDE = { prefix: 'O', type: '' } as const;

/** Whether a tag is `O`, or `B-`, `I-`, `E-` or `S-` (BILOU: `L-`, `U-`) and a type, or such a letter alone. */
export const isEntityTag = (tag: string): boolean => tag === 'O' || (typeof tag === 'string' && FORM.test(tag));

/**
 * The entities of a sentence, by the rules of the script conlleval (CoNLL-2000): one begins at `B-` and `S-`, behind
 * `E-` and `S-`, behind `O`, and where the type changes, also with a tag that should not begin one.
 *
 *     entitySpans(['B-PER', 'I-PER', 'O', 'B-LOC'])     // PER from 0 to 2, LOC from 3 to 4
 *
 * @param tags  one for each step
 * @throws {OptionError} if they are no array, or a tag is none of `isEntityTag`
 */
export function entitySpans(tags: readonly string[]): EntitySpan[] {
  if (Array.isArray(tags)) return spansOf('entitySpans', tags);
  throw new OptionError('entitySpans', {
    given: describe(tags),
    expected: 'an array with a tag for each step',
    fix: "pass such as ['B-PER', 'I-PER', 'O']",
  });
}

/** As `entitySpans`. @param op  the callee, for a message @internal */
export function spansOf(op: string, tags: readonly string[]): EntitySpan[] {
  const spans: EntitySpan[] = [];
  let before: { readonly prefix: string; readonly type: string } = OUTSIDE;
  let start = 0;
  for (let at = 0; at <= tags.length; at++) {
    const tag = at === tags.length ? OUTSIDE : partsOf(op, tags[at]);
    const goesOn =
      before.prefix !== 'O' &&
      tag.type === before.type &&
      (tag.prefix === 'I' || tag.prefix === 'E') &&
      (before.prefix === 'B' || before.prefix === 'I');
    if (!goesOn && before.prefix !== 'O') spans.push({ type: before.type, start, end: at });
    if (!goesOn) start = at;
    before = tag;
  }
  return spans;
}

/** A tag as its prefix, in the letters of IOBES, and its type; O has none. @throws {OptionError} if it is no tag */
export function partsOf(op: string, tag: string | undefined): { readonly prefix: string; readonly type: string } {
  if (tag === 'O') return OUTSIDE;
  const [prefix = '', type = ''] = (typeof tag === 'string' && FORM.exec(tag)?.slice(1)) || [];
  if (prefix !== '') return { prefix: { L: 'E', U: 'S' }[prefix] ?? prefix, type };
  throw new OptionError(op, {
    given: `the tag ${describe(tag)}`,
    expected: 'O, or B-, I-, E- or S- and a type',
    fix: "write tags as 'B-PER'; of tags of another kind the Accuracy is the measure",
  });
}
