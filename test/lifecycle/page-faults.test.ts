import { expect, test } from 'vitest';
import { runChild } from '../support/child';

// Elsewhere nothing is counted, or memory comes from another allocator, such as a sanitizer's.
const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
const glibc = header.glibcVersionRuntime !== undefined && process.env['LD_PRELOAD'] === undefined;
const counts = glibc && process.resourceUsage().minorPageFault > 0;

const classes = `
  stm.setNumThreads(1);
  class Words extends stm.Module {
    constructor() {
      super();
      this.vectors = new stm.Embedding({ numEmbeddings: 10_000, embeddingDim: 32 });
      this.lstm = new stm.LSTM({ inputSize: 32, hiddenSize: 32 });
      this.decoder = new stm.Linear({ inFeatures: 32, outFeatures: 10_000 });
    }
    forward(x) { return this.decoder.forward(this.lstm.forward(this.vectors.forward(x)).output); }
  }
  const [T, N, D] = [200, 64, 64];
  const lstm = new stm.LSTM({ inputSize: D, hiddenSize: 64, bidirectional: true, batchFirst: false });
  const host = new Float32Array(T * N * D).fill(0.1), shape = [T, N, D];`;

/** Function bodies that make `step`, and what a step touches in memory. */
const steps = {
  // 3.3 MB from the host, 6.6 MB back to it: 2,400 pages of 4 KB
  'inference with what it reads and is read': `
    step = async () => {
      const y = stm.noGrad(() => stm.scope(() => lstm.forward(stm.tensor({ data: host, shape })).output));
      await y.data();
      y.dispose();
    };`,
  // 50 MB of activations
  'a training step of an LSTM': `
    const x = stm.tensor({ data: host, shape }), optimizer = new stm.SGD(lstm.parameters(), { learningRate: 0.01 });
    step = async () => {
      const loss = stm.scope(() => {
        const loss = lstm.forward(x).output.square().mean();
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        return loss;
      });
      await loss.item();
      loss.dispose();
    };`,
  // 16 MB of logits
  'a step of a Trainer, with a language model and a DataLoader': `
    const model = new Words(), tokens = (k) => Int32Array.from({ length: 20 }, (_, i) => (k * 7919 + i * 101) % 10_000);
    const examples = Array.from({ length: 20 * 80 }, (_, k) => ({ input: tokens(k), target: tokens(k + 1) }));
    const optimizer = new stm.SGD(model.parameters(), { learningRate: 0.1 });
    const trainer = new stm.Trainer({ model, optimizer, loss: new stm.CrossEntropyLoss() });
    let next;
    const turn = () => new Promise((stepped) => { next?.(); next = stepped; });
    const loader = new stm.DataLoader(examples, { batchSize: 20 });
    const pause = { onStep: async () => { told(); await turn(); } };
    void trainer.fit(loader, { epochs: 1, progress: false, callbacks: [pause] });
    let told;
    step = () => new Promise((done) => { told = done; next?.(); });`,
};

// Where pages are touched anew, they are as many a step as it reads: a first touch costs up to 15 µs.
test.skipIf(!counts).each(Object.entries(steps))('no page faults in %s, once it is steady', (_, body) => {
  const child = runChild(`${classes}
    let step;
    ${body}
    (async () => {
      const faults = [];
      for (let i = 0; i < 75; i++) {
        const before = process.resourceUsage().minorPageFault;
        await step();
        faults.push(process.resourceUsage().minorPageFault - before);
      }
      const steady = faults.slice(45);
      console.log(steady.reduce((sum, count) => sum + count, 0) / steady.length);
      process.exit(0);
    })();`);
  expect(child).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(Number(child.stdout)).toBeLessThan(60);
});
