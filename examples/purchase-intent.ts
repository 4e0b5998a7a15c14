// Who buys within the next 30 days? Customers who buy till they die are simulated, half of them by habit, so that it is
// known how well anybody could tell: `npm run results -- purchase-intent` runs this with three seeds. Learned from is
// what happened until the cut-off; what came after it is looked at once, at the end.
import { AUROC } from 'stmnet';
import { simulatePurchases } from 'stmnet/datasets';
import { EventClassifier } from 'stmnet/tasks';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    customers: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string' },
    data: { type: 'string' }, // as all examples take it; nothing is read
  },
});

async function main(): Promise<void> {
  const [customers, seed] = [Number(flags.customers), Number(flags.seed)];
  const { rows, cutOff, probabilities } = simulatePurchases({ customers, days: 730, horizon: 30, seed });
  const buyers = new Set(rows.filter(({ date }) => date > cutOff).map(({ customer }) => customer));
  const best = new AUROC();
  best.update(
    [...probabilities.values()],
    Array.from(probabilities.keys(), (customer) => Number(buyers.has(customer))),
  );

  const classifier = new EventClassifier({ horizon: 30 });
  const epochs = flags.epochs === undefined ? {} : { epochs: Number(flags.epochs) };
  const known = rows.filter(({ date }) => date <= cutOff);
  await classifier.fit(known, { seed, ...epochs });
  const { auroc, logLoss, baselines } = await classifier.evaluate(rows, { cutOff });
  for (const { name, figures } of baselines) console.log(`${name}:`, figures);
  const [optimum, regression] = [await best.compute(), baselines[0]?.figures.auroc ?? Number.NaN];
  console.log(JSON.stringify({ auroc, logLoss, optimum, behind: optimum - auroc, ahead: auroc - regression }));
}

void main();
