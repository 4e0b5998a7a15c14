import { writeFileSync } from 'node:fs';
import { simulatePurchases } from 'stmnet/datasets';

const simulated = simulatePurchases({ customers: 400, days: 365, horizon: 30, seed: 1 });
const lines = simulated.rows.map((row) => [row.customer, row.date, row.amount, row.channel, row.category].join(','));
writeFileSync('purchases.csv', `${['customer,date,amount,channel,category', ...lines].join('\n')}\n`);

// ---- as in the guide
import { readTable, splitDataset } from 'stmnet';
import { EventClassifier } from 'stmnet/tasks';

const rows = await readTable('purchases.csv'); // customer, date, amount, channel, category
const parts = splitDataset(rows, { train: 0.8, validation: 0.2 }, { groupBy: (row) => row['customer'] ?? '', seed: 1 });
const classifier = new EventClassifier({ horizon: 30 }); // does a customer buy within the 30 days after a cut-off?
await classifier.fit(parts.train, { validation: parts.validation, seed: 1, output: 'run' });
const { auroc, calibration, baselines } = await classifier.evaluate(parts.validation);
console.log(auroc, baselines[0]?.figures.auroc); // 0.83…, of a logistic regression 0.74…

const answers = await classifier.predictAll(rows); // within 30 days after the last row: [{ customer, probability }, …]
const own = rows.filter(({ customer }) => customer === 'c17');
const { probability } = await classifier.predict(own, { cutOff: '2024-01-31' });
await classifier.save('purchases.safetensors');

// ---- what the test looks at
export { answers, auroc, baselines, calibration, probability };
