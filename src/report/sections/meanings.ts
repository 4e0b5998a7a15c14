import { toldDirection } from '../../training/figure-direction';
import { titleText } from '../format';
import { html, type Html } from '../html';

/**
 * What figures of the tasks say, for who meets them for the first time. They stand here and not with the tasks, or in
 * what a run folder keeps, since a page is made of a folder alone, without the task, which may be of another version:
 * a folder of before then has them, too, in the words of now. A figure that is not among them is shown without.
 */
const MEANINGS: ReadonlyMap<string, string> = new Map([
  ['loss', 'What training makes small: how far the predicted probabilities are from what is true.'],
  ['accuracy', 'The part of the answers that are right.'],
  ['labelAccuracy', 'The part of the labels of whole sentences that are right.'],
  [
    'f1',
    'Precision and recall in one, from 0 to 1: high only if what is found is right, and what is there is found. ' +
      'Rare labels count in it more than in the accuracy.',
  ],
  ['entityF1', 'The same for whole entities: one of which a word is missing counts as not found.'],
  [
    'auroc',
    'Of two examples, one in which it happened and one in which it did not: how often the first is said to be more ' +
      'probable. 0.5 is as good as a guess.',
  ],
  ['logLoss', 'How surprising what happened was by its predicted probability: −ln of it, in the mean.'],
  ['brierScore', 'The squared distance of the predicted probability from what happened, 1 or 0, in the mean.'],
  ['perplexity', 'Between how many equally probable tokens the choice of the next one would be as hard.'],
  ['bitsPerCharacter', 'How many bits a character needs in a text that is packed by these predictions.'],
  ['exactMatch', 'The part of what was asked that was answered, or written, without a mistake.'],
  [
    'tokenErrorRate',
    'How many tokens have to be put in, left out or replaced to turn what was written into what is true, by how many ' +
      'tokens that has.',
  ],
  ['bleu', 'How many runs of one to four words of what was written the true target has, too, from 0 to 100.'],
  ['chrf', 'The same of runs of one to six characters, in both directions: it needs no words.'],
  ['sources', 'How many different sources were asked about.'],
  ['scaledMse', 'The squared error of targets that have mean 0 and deviation 1 in training, in the mean.'],
  ['scaledMae', 'The absolute error of the same, in the mean.'],
  ['rmse', 'The root of the mean squared error, in the units of the targets: far misses count most.'],
  ['mae', 'By how much forecasts are off in the mean, in the units of the targets.'],
  ['coverage', 'The part of what came that lies in the interval of its forecast.'],
  ['nominalCoverage', 'The part that should lie in it.'],
  ['tokens', 'How many words, characters or pieces of words were predicted.'],
  ['unknown', 'How many of them the vocabulary lacks.'],
]);

/** The meanings of these figures, folded; nothing where none is known. */
export function meanings(names: readonly string[]): Html | undefined {
  const known = names.flatMap((name) => {
    const meaning = MEANINGS.get(name);
    return meaning === undefined ? [] : [{ name, meaning }];
  });
  if (known.length === 0) return undefined;
  const rows = known.map(
    ({ name, meaning }) =>
      html`<div>
        <dt>${titleText(name)}</dt>
        <dd>${meaning}${directionText(name)}</dd>
      </div>`,
  );
  return html`<details>
    <summary>What these figures say</summary>
    <div class="card">
      <dl class="pairs">${rows}</dl>
    </div>
  </details>`;
}

function directionText(name: string): string {
  const mode = toldDirection(name);
  if (mode === undefined) return '';
  return mode === 'min' ? ' The smaller, the better.' : ' The larger, the better.';
}
