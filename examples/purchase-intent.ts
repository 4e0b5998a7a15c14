// Who buys within the next 30 days? Customers who buy till they die are simulated, so that it is known how well anybody
// could tell: `npm run results -- purchase-intent` runs this with three seeds. Learned from is what happened until the
// cut-off; what came after it is looked at once, at the end.
import { parseArgs } from 'node:util';
import { AUROC } from 'stmnet';
import { simulatePurchases } from 'stmnet/datasets';
import { EventClassifier } from 'stmnet/tasks';

const { values: flags } = parseArgs({
  options: {
    customers: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string' },
    data: { type: 'string' }, // as all examples take it; nothing is read
  },
});

/** Half of the customers buy by habit and stay long, the others now and then. */
const kinds = [
  {
    share: 0.5,
    gap: 60, // days between two purchases, in the mean over customers
    regularity: 6, // 1 is at random, 10 is nearly by the clock
    lifetime: 1500, // days until a customer is gone, in the mean
    spend: 30,
    channels: { store: 5, web: 3, app: 2 },
    categories: { grocery: 5, household: 3, gift: 2 },
  },
  {
    share: 0.5,
    gap: 90,
    regularity: 1,
    lifetime: 1000,
    spend: 40,
    channels: { store: 2, web: 5, app: 3 },
    categories: { grocery: 2, household: 3, gift: 5 },
  },
];

async function main(): Promise<void> {
  const [customers, seed] = [Number(flags.customers), Number(flags.seed)];
  const { rows, cutOff, probabilities } = simulatePurchases({ customers, days: 730, horizon: 30, kinds, seed });
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
