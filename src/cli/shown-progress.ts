import type { TaskEntry } from '../tasks/catalogue/task-entry';
import type { Figures } from '../training/epoch-record';
import { silent, type Progress, type ProgressMaker } from '../training/progress';

/** Shows nothing of a training; of Ctrl-C `interruptible` tells. */
export const noProgress: ProgressMaker = () => ({ ...silent, tellsInterrupts: true });

/** A display of a training that shows the figures of its task as people know them; of Ctrl-C `interruptible` tells. */
export function shownProgress({ shownFigures = asTheyAre }: TaskEntry, make: ProgressMaker): ProgressMaker {
  return (epochs): Progress => {
    const display = make(epochs);
    return {
      start: (epoch, steps) => display.start(epoch, steps),
      step: (done) => display.step(done),
      figures: (values) =>
        display.figures(
          values['loss'] === undefined ? values : { ...shownFigures({ ...values, loss: values['loss'] }) },
        ),
      validation: (record) => display.validation({ ...record, validation: shownFigures(record.validation) }),
      end: ({ validation, ...record }) =>
        display.end({
          ...record,
          train: shownFigures(record.train),
          ...(validation && { validation: shownFigures(validation) }),
        }),
      note: (text) => display.note(text),
      stop: () => display.stop(),
      tellsInterrupts: true,
    };
  };
}

const asTheyAre = (figures: Figures): Figures => figures;
