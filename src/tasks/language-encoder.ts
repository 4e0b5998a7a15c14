import { statSync } from 'node:fs';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { LanguageModelNetwork } from './language-model-network';
import type { LanguageTextParts } from './language-text';
import { RunFolder } from './run-folder';
import { loadTask, type TaskExtras } from './task-file';
import type { TextClassifierNetwork } from './text-classifier-network';
import type { TextClassifierOptions, TextClassifierSettings } from './text-classifier-options';
import { TextEncoder } from './text-encoder';

/** Options that a language model decides. */
type LanguageSizes = Pick<TextClassifierSettings, 'cell' | 'embeddingDim' | 'hiddenSize' | 'numLayers'>;

/** What a classifier takes over from a language model. */
export interface LanguageEncoder {
  /** Options that are those of the language model. */
  readonly sizes: LanguageSizes;
  /** How it reads texts. */
  readonly text: TextEncoder;
  /** Puts its vectors and recurrent weights into a classifier; to be called once. */
  readonly fill: (model: TextClassifierNetwork) => void;
}

/**
 * Reads what a classifier takes over from a saved language model.
 *
 * @param place     file or run folder of the language model
 * @param settings  of the classifier
 * @param given     those of its options that were given, which may not say otherwise than the language model
 * @throws {OptionError} if an option does not go with it; {FormatError} if the file is damaged, or of another task;
 *   {FileError} if it cannot be read
 */
export async function languageEncoder(
  op: string,
  place: string,
  settings: Readonly<TextClassifierSettings>,
  given: TextClassifierOptions,
): Promise<LanguageEncoder> {
  const classes = { LanguageModelNetwork };
  const { model, extras } = await loadTask<TaskExtras & LanguageTextParts>(op, fileIn(place), 'lm', classes);
  const language = model as LanguageModelNetwork;
  const { cell, embeddingDim, hiddenSize, numLayers, tieWeights } = language.options;
  if (tieWeights && embeddingDim !== hiddenSize) throw narrows(op, place, { embeddingDim, hiddenSize });
  const sizes = { cell, embeddingDim, hiddenSize, numLayers };
  checkSizes(op, place, sizes, given);
  if (settings.bidirectional && numLayers > 1) throw readsBackwards(op, place, numLayers);
  const { tokenizer, vocabulary: words, begin } = extras;
  const text = new TextEncoder({ tokenizer, words, lowercase: false, maxLength: settings.maxLength, begin });
  const fill = ({ features, encoder }: TextClassifierNetwork): void => {
    features.words.loadStateDict(language.embedding.stateDict());
    // Dropout stands before a classifier's layers. What reads backwards has no counterpart, and stays as it is.
    encoder[1]?.loadStateDict(language.recurrentWeights(), { strict: !settings.bidirectional });
    for (const parameter of language.parameters()) parameter.dispose();
  };
  return { sizes, text, fill };
}

/** Of a run folder its model. */
function fileIn(place: string): string {
  const isFolder = statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? new RunFolder(place).model : place;
}

function checkSizes(op: string, place: string, sizes: LanguageSizes, given: TextClassifierOptions): void {
  for (const [name, value] of Object.entries(sizes)) {
    const asked: unknown = Reflect.get(given, name);
    if (asked === undefined || asked === value) continue;
    throw new OptionError(op, {
      given: `${name}: ${describe(asked)} beside languageModel`,
      expected: `${describe(value)}, which ${place} has`,
      fix: `leave ${name} out, or begin with another language model`,
    });
  }
}

const narrows = (op: string, place: string, widths: Pick<LanguageSizes, 'embeddingDim' | 'hiddenSize'>): OptionError =>
  new OptionError(op, {
    given:
      `languageModel: ${describe(place)} of tied weights, whose last layer has the width ${widths.embeddingDim} and ` +
      `the others ${widths.hiddenSize}`,
    expected: 'a language model whose layers have the same width',
    fix: 'train one without tieWeights, or with embeddingDim as hiddenSize',
  });

const readsBackwards = (op: string, place: string, numLayers: number): OptionError =>
  new OptionError(op, {
    given: `bidirectional: true beside languageModel: ${describe(place)} of ${numLayers} layers`,
    expected: 'a language model of one layer: the second one would read what the first one never gave',
    fix: 'pass bidirectional: false, or leave it out',
  });
