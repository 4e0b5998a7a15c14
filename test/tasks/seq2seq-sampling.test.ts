import { expect, test } from 'vitest';
import { PaddedSequence, argmax, manualSeed, pad, type Sequence, type Tensor } from 'stmnet';
import { Seq2SeqNetwork } from '../../src/tasks/seq2seq-network';
import { withOwnTokens } from '../../src/tasks/seq2seq-sampling';

const valuesOf = (x: Sequence): Tensor => (x instanceof PaddedSequence ? x.values : x);

test('the decoder reads its own tokens in the place of the true ones, as many as asked for', async () => {
  manualSeed(4);
  const network = new Seq2SeqNetwork({
    sourceTokens: 9,
    targetTokens: 9,
    embeddingDim: 4,
    cell: 'lstm',
    hiddenSize: 6,
    numLayers: 1,
    bidirectional: true,
    attention: 'additive',
    dropout: 0,
    tieWeights: false,
    sharedEmbeddings: false,
  });
  const rows = Array.from({ length: 40 }, (_, row) => Int32Array.from({ length: 5 + (row % 4) }, (__, at) => at % 7));
  const batch = { source: pad(rows), previous: pad(rows) };
  const said = (await argmax(valuesOf(network.forward(batch)), -1).array()) as number[][];
  const read = async (share: number): Promise<number[][]> =>
    (await valuesOf(withOwnTokens(network, batch, share).previous).array()) as number[][];
  const own = rows.map((row, at) => [row[0], ...(said[at] ?? []).slice(0, row.length - 1)]);
  const cut = (all: number[][]): number[][] => all.map((row, at) => row.slice(0, rows[at]?.length));
  expect(cut(await read(1 - 1e-9))).toEqual(own);
  expect(cut(await read(1e-9))).toEqual(rows.map((row) => [...row]));
  const mixed = cut(await read(0.25)).flatMap((row, at) =>
    row.map((token, step) => [token, own[at]?.[step], rows[at]?.[step]]),
  );
  const differing = mixed.filter(([, mine, right]) => mine !== right);
  const share = differing.filter(([token, mine]) => token === mine).length / differing.length;
  expect(mixed.every(([token, mine, right]) => token === mine || token === right)).toBe(true);
  expect(share).toBeGreaterThan(0.15);
  expect(share).toBeLessThan(0.35);
});
