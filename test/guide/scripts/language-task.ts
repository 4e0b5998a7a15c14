import { Embedding, Linear, LSTM, Sequential, TokenSampler } from 'stmnet';
import { LanguageModel } from 'stmnet/tasks';

const validation = 'ROMEO: But soft! what light through yonder window breaks?\nJULIET: O Romeo, Romeo!\n';
const book = validation.repeat(8);
const own = new Sequential(
  new Embedding({ numEmbeddings: 5, embeddingDim: 8 }),
  new LSTM({ inputSize: 8, hiddenSize: 8 }),
  new Linear({ inFeatures: 8, outFeatures: 5 }),
);
const [start, end] = [3, 4];

// ---- as in the guide
const model = new LanguageModel({ tokens: 'characters', hiddenSize: 64 });
await model.fit(book, { validation, seed: 1, output: 'run' });
const { perplexity, bitsPerCharacter } = await model.evaluate(validation);
const [next] = await model.predict('ROM'); // { token: 'E', probability: 0.98 }
let written = '';
for await (const piece of model.generate({ prompt: 'ROMEO:', length: 400, temperature: 0.8, topP: 0.95, seed: 7 }))
  written += piece; // token by token, as they are drawn
await model.save('shakespeare.safetensors');

// The same from the scores of a model of your own.
const sampler = new TokenSampler({ temperature: 0.8, topK: 40, topP: 0.95, seed: 7 });
const stream = own.createStream();
const tokens = [start];
for (let token = start; token !== end && tokens.length < 60; tokens.push(token))
  token = sampler.next((await stream.step(token)).data);

// ---- what the test looks at
export { bitsPerCharacter, next, perplexity, tokens, written };
