/* oxlint-disable typescript/no-misused-promises -- the script stands as it is in the guide */
import { EventEmitter } from 'node:events';
import { Linear, LSTM, manualSeed, Sequential, type HostArray } from 'stmnet';

manualSeed(1);
const model = new Sequential(new LSTM({ inputSize: 3, hiddenSize: 8 }), new Linear({ inFeatures: 8, outFeatures: 2 }));
const socket = new EventEmitter<{ frame: [number[]] }>();
const replies: HostArray[] = [];
const reply = (answer: HostArray): void => void replies.push(answer);

// ---- as in the guide
const stream = model.createStream(); // carries the state from call to call
socket.on('frame', async (frame) => reply(await stream.step(frame)));

// ---- what the test looks at
export { model, replies, socket };
