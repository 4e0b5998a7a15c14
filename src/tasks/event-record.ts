import type { EvaluationRecord, ExampleRecord } from '../report';
import type { EventEvaluation } from './event-evaluation';
import type { EventHistory } from './event-history';
import { lengthBins } from './length-bins';
import { counted } from '../tensor/counted';

/** Examples that a report shows of each kind. */
const SHOWN = 20;
const ANSWERS = ['no', 'yes'];
const answerOf = (yes: boolean): string => (yes ? 'yes' : 'no');

/**
 * What a report shows of an evaluation.
 *
 * @param evaluation     what it came to
 * @param histories      that were asked about
 * @param probabilities  that it happens, of each
 */
export function recordOf(
  part: EvaluationRecord['part'] = 'test',
  evaluation: EventEvaluation,
  histories: readonly EventHistory[],
  probabilities: Float64Array,
): EvaluationRecord {
  const { loss, auroc, logLoss, brierScore, accuracy, calibration, baselines } = evaluation;
  const asked = histories.map((history, place) => {
    const [happened, probability] = [history.happened === true, probabilities[place] ?? Number.NaN];
    return { history, happened, probability, predicted: probability > 0.5 };
  });
  const count = (happened: boolean, predicted: boolean): number =>
    asked.filter((one) => one.happened === happened && one.predicted === predicted).length;
  const shown = (chosen: typeof asked, sureness: -1 | 1): ExampleRecord[] =>
    chosen
      .sort((a, b) => sureness * (Math.abs(a.probability - 0.5) - Math.abs(b.probability - 0.5)))
      .slice(0, SHOWN)
      .map(({ history, happened, predicted, probability }) => ({
        text: summaryOf(history),
        label: answerOf(happened),
        predicted: answerOf(predicted),
        probability: predicted ? probability : 1 - probability,
      }));
  return {
    part,
    figures: { loss, auroc, logLoss, brierScore, accuracy },
    confusion: {
      labels: ANSWERS,
      counts: [false, true].map((happened) => [false, true].map((predicted) => count(happened, predicted))),
    },
    calibration,
    examples: {
      worst: shown(
        asked.filter(({ happened, predicted }) => happened !== predicted),
        -1,
      ),
      uncertain: shown([...asked], 1),
    },
    lengths: lengthBins(histories.map(({ events }) => events.length)),
    labels: [false, true].map((yes) => ({
      label: answerOf(yes),
      count: asked.filter(({ happened }) => happened === yes).length,
    })),
    baselines: baselines.map(({ name, figures }) => ({ name, figures: { ...figures } })),
  };
}

function summaryOf({ customer, events, cutOff }: EventHistory): string {
  const idle = Math.round(cutOff - (events.at(-1)?.days ?? cutOff));
  const { length } = events;
  return `${customer ?? 'somebody'}: ${counted(length, 'event')}, the last ${counted(idle, 'day')} before the cut-off`;
}
