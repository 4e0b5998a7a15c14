import { toldDirection } from '../../training/figure-direction';
import { bestOf, figureNamesOf, isMain } from '../best';
import { partOf } from '../evaluation-file';
import { countText, durationText, figureText, titleText } from '../format';
import { html, type Html } from '../html';
import { statusLine } from '../page';
import type { RunData } from '../read-run';
import { statusOf } from '../status';
import { counted } from '../../tensor/counted';

/** A number that is told before all else. */
interface Tile {
  readonly name: string;
  readonly value: string;
  readonly note: string;
}

/** How the training stands, and the numbers that one looks for first. */
export function header(run: RunData, running: boolean): Html {
  const tiles = [...figureTiles(run), ...timeTiles(run)];
  return html`${statusLine(statusOf(run, running))}
  ${tiles.length === 0 ? undefined : html`<dl class="tiles">${tiles.map(tileOf)}</dl>`}`;
}

const tileOf = ({ name, value, note }: Tile): Html =>
  html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
    <dd class="note">${note}</dd>
  </div>`;

/** Of the test, or else of another evaluation, or the best validation, or the last epoch; the loss last. */
function figureTiles({ history, evaluations }: RunData): Tile[] {
  const measured = evaluations.filter(({ figures }) => figures !== undefined);
  const evaluated = measured.find((record) => partOf(record) === 'test') ?? measured[0];
  if (evaluated?.figures !== undefined) {
    const { figures } = evaluated;
    const part = partOf(evaluated);
    return inOrder(Object.keys(figures)).map((name) => ({
      name: `${titleText(name)}, ${part}`,
      value: figureText(figures[name] ?? Number.NaN),
      note: part === 'test' ? 'not trained on' : 'of the kept model',
    }));
  }
  const validated = inOrder(figureNamesOf(history, 'validation')).flatMap((name) => {
    const best = bestOf(history, `validation.${name}`);
    if (best === undefined) return [];
    return [
      { name: `${titleText(name)}, validation`, value: figureText(best.value), note: `best, in epoch ${best.epoch}` },
    ];
  });
  if (validated.length > 0) return validated;
  const { last } = history;
  return inOrder(Object.keys(last?.train ?? {})).map((name) => ({
    name: `${titleText(name)}, training`,
    value: figureText(last?.train[name] ?? Number.NaN),
    note: `in epoch ${last?.epoch ?? 0}`,
  }));
}

/** At most three, metrics before the loss; what has a better and a worse, and no counts, if there is such. */
const inOrder = (names: readonly string[]): string[] => {
  const main = names.filter(isMain);
  const judged = main.filter((name) => toldDirection(name) !== undefined);
  const chosen = judged.length > 0 ? judged : main;
  return [...chosen.filter((name) => name !== 'loss'), ...chosen.filter((name) => name === 'loss')].slice(0, 3);
};

function timeTiles({ history: { epochs, last } }: RunData): Tile[] {
  if (last === undefined) return [];
  const seconds = epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
  return [
    { name: 'Training time', value: durationText(seconds), note: `${durationText(seconds / epochs.length)} an epoch` },
    {
      name: 'Examples per second',
      value: countText(last.examplesPerSecond),
      note: `${counted(last.examples, 'example')} an epoch`,
    },
  ];
}
