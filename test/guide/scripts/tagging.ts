import { Tagger } from 'stmnet/tasks';

const cities = [['Oslo'], ['Bern'], ['New', 'York'], ['Los', 'Angeles']];
const train = Array.from({ length: 320 }, (_, at) => {
  const city = cities[at % cities.length] ?? [];
  return {
    tokens: [at % 2 === 0 ? 'fly' : 'stay', at % 2 === 0 ? 'to' : 'in', ...city],
    tags: ['O', 'O', ...city.map((__, place) => (place === 0 ? 'B-city' : 'I-city'))],
    label: at % 2 === 0 ? 'travel' : 'hotel',
  };
});
const [validation, test] = [train.slice(0, 8), train.slice(8, 24)];

// ---- as in the guide
// { tokens: ['fly', 'to', 'New', 'York'], tags: ['O', 'O', 'B-city', 'I-city'], label: 'travel' }[]
const tagger = new Tagger({ crf: true, hiddenSize: 32 });
await tagger.fit(train, { validation, epochs: 10, seed: 1, output: 'run' });
const { accuracy, entityF1, entities, labelAccuracy } = await tagger.evaluate(test);
const said = await tagger.predict(['stay', 'in', 'New', 'York']);
// { tags: ['O', 'O', 'B-city', 'I-city'], entities: [{ type: 'city', start: 2, end: 4, text: 'New York' }],
//   label: 'hotel', probability: 0.79, … }
await tagger.save('journeys.safetensors');
const again = await Tagger.load('journeys.safetensors');

// ---- what the test looks at
export { accuracy, again, entities, entityF1, labelAccuracy, said };
