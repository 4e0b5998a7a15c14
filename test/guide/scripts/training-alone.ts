import {
  Adam,
  CrossEntropyLoss,
  DataLoader,
  F1Score,
  LastStep,
  Linear,
  LSTM,
  manualSeed,
  Sequential,
  Trainer,
  type TrainerCallback,
} from 'stmnet';

manualSeed(1);
const items = Array.from({ length: 64 }, (_, i) => ({
  input: Array.from({ length: 2 + (i % 7) }, (__, t) => [Math.sin(i + t), (i % 2) - 0.5 + 0.1 * t]),
  target: i % 2,
}));
const validation = new DataLoader(items.slice(48), { batchSize: 8 });
const model = new Sequential(
  new LSTM({ inputSize: 2, hiddenSize: 8 }),
  new LastStep(),
  new Linear({ inFeatures: 8, outFeatures: 2 }),
);
const optimizer = new Adam(model.parameters(), { learningRate: 1e-2 });
const trainer = new Trainer({ model, optimizer, loss: new CrossEntropyLoss(), metrics: [new F1Score()] });

// ---- as in the guide
import { BucketSampler, CsvLogger, EarlyStopping, GradientReport, TensorBoard } from 'stmnet';

const loader = new DataLoader(items, {
  batchSampler: new BucketSampler(
    items.map(({ input }) => input.length),
    { batchSize: 32 },
  ),
});

/** A callback of one's own is any object with some of these methods. */
const slow: TrainerCallback = {
  onEpochEnd({ epoch, examplesPerSecond }, run) {
    if (epoch > 5 && examplesPerSecond < 1) run.stop();
  },
};

const history = await trainer.fit(loader, {
  epochs: 20,
  validation,
  checkpoints: { folder: 'run/checkpoints', everySteps: 500, keep: 2, best: { figure: 'validation.f1', mode: 'max' } },
  resume: true, // bit for bit where it stopped, killed in the middle of a step or of a save
  callbacks: [
    new EarlyStopping({ figure: 'validation.f1', patience: 3, restoreBest: true }),
    new CsvLogger('run/history.csv'),
    new TensorBoard('run'),
    new GradientReport(),
    slow,
  ],
});

// ---- what the test looks at
export { history, trainer, validation };
