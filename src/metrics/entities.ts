import { inspect } from 'node:util';
import { OptionError } from '../tensor/errors';
import { describe, finiteNumber, flag } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { optional, readOptions, withDefault } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { stack } from '../tensor/ops/shape';
import { answersOf } from './answers';
import { alignedTable, supportText, figuresOf, type ClassFigures } from './class-report';
import { labelNames } from './classes';
import { partsOf, spansOf } from './entity-tags';
import { HostMetric, type HostForm, type HostNumbers } from './host-metric';
import type { MetricHints, MetricInput } from './metric-input';
import { checkCounts, refuseWeight } from './tokens';

/** Options of EntityF1Score. */
export interface EntityF1ScoreOptions {
  /** Names of the tags, in the order of the classes, where tags come as numbers or scores. Default: none. */
  labels?: readonly string[] | undefined;
  /** A label that is not counted: its step is left out. Default that of the cross entropy in the Trainer, else -100. */
  ignoreIndex?: number | undefined;
  /** Whether a history has `entityF1.precision` and `entityF1.recall` too. Default false. */
  details?: boolean | undefined;
}

/** Entities by their type: found rightly, said, and there. */
export type EntityCounts = Readonly<Record<string, readonly [right: number, said: number, truth: number]>>;

type OfType = EntityCounts[string];

/** Precision, recall and F1 of entities, of all and of each type: an object of plain data, and as a text a table. */
export class EntityReport {
  /** Of all entities together. */
  readonly overall: ClassFigures;
  /** Of the entities of each type. */
  readonly types: Readonly<Record<string, ClassFigures>>;

  /** @internal */
  constructor(counts: EntityCounts) {
    const sorted = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
    this.overall = figuresOf(...summed(Object.values(counts)));
    this.types = Object.fromEntries(sorted.map(([type, each]) => [type, figuresOf(...each)]));
  }

  /** A table with one line a type. */
  toString(): string {
    const line = (name: string, { precision, recall, f1, support }: ClassFigures): string[] => [
      name,
      ...[precision, recall, f1].map((figure) => figure.toFixed(4)),
      supportText(support),
    ];
    return alignedTable([
      ['', 'precision', 'recall', 'f1', 'support'],
      ...Object.entries(this.types).map(([type, figures]) => line(type, figures)),
      line('overall', this.overall),
    ]);
  }
}

// Not in the class: a computed member would need node:util in the typings of whoever uses them.
Object.defineProperty(EntityReport.prototype, inspect.custom, {
  configurable: true,
  writable: true,
  value(this: EntityReport): string {
    return this.toString();
  },
});

/**
 * F1 of entities, in 0..1, by the rules of the script conlleval (CoNLL-2000), as seqeval has them by default: an entity
 * is right if its type, its first and its last step are. Tags are `O`, or `B-`, `I-`, `E-` or `S-` and a type, so that
 * IOB1, IOB2 and IOBES are read alike (BILOU too: `L-` is `E-`, and `U-` is `S-`). An entity begins at `B-` and `S-`,
 * behind `E-` and `S-`, behind `O`, and where the type changes, also with a tag that should not begin one.
 *
 * Shapes: tags [sentence][step] as texts; or with `labels` output scores [N, T, C] or answers [N, T], i32, and labels
 * [N, T]. What is not defined, as the precision where no entity was said, is 0.
 *
 * @throws {OptionError} if an option is unknown; from `compute` if a label has no name, or a tag is none
 */
export class EntityF1Score extends HostMetric<EntityCounts, MetricInput, MetricInput> {
  readonly name = 'entityF1';
  override readonly figureNames: readonly string[];
  protected override readonly takes = 'both';
  readonly #labels: readonly string[] | undefined;
  readonly #ignoreIndex: number | undefined;

  constructor(options: EntityF1ScoreOptions = {}) {
    super();
    const { labels, ignoreIndex, details } = readOptions<EntityF1ScoreOptions>('EntityF1Score', options, {
      labels: optional(labelNames),
      ignoreIndex: optional(finiteNumber),
      details: withDefault(flag, false),
    });
    labels?.forEach((tag) => partsOf('EntityF1Score', tag));
    this.#labels = labels;
    this.#ignoreIndex = ignoreIndex;
    this.figureNames = details === true ? ['precision', 'recall'] : [];
  }

  /** Answers and labels, and which of them count. @internal */
  protected override onDevice(output: Sequence, target: Sequence, hints: MetricHints): readonly [Tensor, Tensor] {
    if (this.#labels === undefined) {
      throw new OptionError('EntityF1Score', {
        given: 'numbers, and no labels',
        expected: 'the tags that they stand for',
        fix: "name them in the order of the classes: labels: ['O', 'B-PER', 'I-PER']",
      });
    }
    refuseWeight('EntityF1Score.update', hints.weight);
    const ignored = this.#ignoreIndex === undefined ? {} : { ignoreIndex: this.#ignoreIndex };
    const reading = { ...hints, ...ignored, scores: 'classes' } as const;
    const { said, truth, weights } = answersOf('EntityF1Score', output, target, reading);
    return [stack([said, truth], 0), weights];
  }

  protected override count(
    output: HostForm<MetricInput>,
    target: HostForm<MetricInput>,
    weight?: HostNumbers,
  ): EntityCounts {
    if ('data' in output || 'data' in target) return this.#countNumbers(output as HostNumbers, target as HostNumbers);
    refuseWeight('EntityF1Score.update', weight);
    checkCounts('EntityF1Score.update', output, target);
    const counts = new Map<string, OfType>();
    output.forEach((tags: string | readonly string[], row: number) => {
      const right = target[row] ?? [];
      if (typeof tags === 'string' || typeof right === 'string') throw noRows(tags, right);
      checkCounts('EntityF1Score.update', tags, right);
      addSentence(counts, tags, right);
    });
    return Object.fromEntries(counts);
  }

  #countNumbers({ data, shape }: HostNumbers, weights: HostNumbers): EntityCounts {
    const [, rows = 0] = shape;
    const [size, steps] = [data.length / 2, rows === 0 ? 0 : data.length / 2 / rows];
    const counts = new Map<string, OfType>();
    for (let row = 0; row < rows; row++) {
      const places = Array.from({ length: steps }, (_, step) => row * steps + step);
      const counted = places.filter((place) => weights.data[place] !== 0);
      const tagAt = (at: number): string => this.#tagOf(data[at] ?? -1, at < size);
      addSentence(
        counts,
        counted.map(tagAt),
        counted.map((place) => tagAt(size + place)),
      );
    }
    return Object.fromEntries(counts);
  }

  /** @param said  NaN is no answer, -1, which is no entity */
  #tagOf(place: number, said: boolean): string {
    const tag = this.#labels?.[place];
    if (tag !== undefined) return tag;
    if (said && place === -1) return 'O';
    throw new OptionError('EntityF1Score', {
      given: `${said ? 'the answer' : 'the label'} ${place}`,
      expected: `numbers in 0..${(this.#labels?.length ?? 0) - 1}, or the ignoreIndex`,
      fix: 'name all tags, in the order of the classes: labels: […]',
    });
  }

  /** Precision, recall and F1 of all entities and of each type; as a text a table. */
  async report(): Promise<EntityReport> {
    return new EntityReport(joined((await this.gathered()) ?? []));
  }

  protected override result(parts: readonly EntityCounts[]): number {
    return figuresOfAll(parts).f1;
  }

  /** @internal */
  protected override details(parts: readonly EntityCounts[]): Record<string, number> {
    const { precision, recall } = figuresOfAll(parts);
    return { precision, recall };
  }
}

/** The entities of a sentence by all that makes them equal, with their types. */
const entitiesOf = (tags: readonly string[]): Map<string, string> =>
  new Map(spansOf('EntityF1Score', tags).map(({ type, start, end }) => [`${type} ${start} ${end}`, type]));

/** Counts the entities of a sentence that are said, there, and both. */
function addSentence(counts: Map<string, OfType>, tags: readonly string[], right: readonly string[]): void {
  const [said, truth] = [entitiesOf(tags), entitiesOf(right)];
  const add = (type: string, ...[found, claimed, there]: OfType): void => {
    const [a, b, c] = counts.get(type) ?? [0, 0, 0];
    counts.set(type, [a + found, b + claimed, c + there]);
  };
  for (const [entity, type] of said) add(type, truth.has(entity) ? 1 : 0, 1, 0);
  for (const type of truth.values()) add(type, 0, 0, 1);
}

/** Counts of several batches, by type. */
function joined(parts: readonly EntityCounts[]): EntityCounts {
  const all = new Map<string, OfType>();
  for (const part of parts)
    for (const [type, counts] of Object.entries(part)) all.set(type, summed([counts, all.get(type) ?? [0, 0, 0]]));
  return Object.fromEntries(all);
}

const summed = (counts: readonly OfType[]): OfType =>
  counts.reduce<OfType>(([a, b, c], [x, y, z]) => [a + x, b + y, c + z], [0, 0, 0]);

const figuresOfAll = (parts: readonly EntityCounts[]): ClassFigures =>
  figuresOf(...summed(Object.values(joined(parts))));

const noRows = (tags: unknown, right: unknown): OptionError =>
  new OptionError('EntityF1Score.update', {
    given: `${describe(tags)} and ${describe(right)}`,
    expected: 'an array of tags for each sentence',
    fix: "put the tags of a sentence into an array: [['O', 'B-PER']]",
  });
