import { expect, it } from 'vitest';
import {
  binaryCrossEntropyWithLogits,
  crossEntropy,
  CrossEntropyLoss,
  full,
  oneHot,
  ones,
  PaddedSequence,
  tensor,
  zeros,
  type CrossEntropyOptions,
  type Tensor,
} from 'stmnet';
import { describeDevices } from '../../support/devices';
import { expectGradients, spreadArray } from '../../support/gradients';
import { differences } from '../../support/near';

const logits = [
  [
    [1, 2, 3],
    [0, 1, 0],
  ],
  [
    [-1, 0.5, 2],
    [3, -2, 1],
  ],
];
const shares = [
  [
    [0, 0, 1],
    [0.2, 0.3, 0.5],
  ],
  [
    [1, 0, 0],
    [0.25, 0.75, 0],
  ],
];
const leaf = (values: number[][][], dtype: 'f32' | 'f64'): Tensor => tensor(values, { dtype, requiresGrad: true });

/**
 * Of the sum of the result, or of 1, 2, 3 and 4 times the losses of the rows: as torch.nn.functional.cross_entropy of
 * torch 2.13.0 gives them.
 */
const table: readonly [
  weighted: boolean,
  smoothing: number,
  reduction: 'mean' | 'sum' | 'none',
  loss: number[],
  byInput: number[],
  byTarget: number[],
][] = [
  [
    false,
    0,
    'mean',
    [2.19580180219],
    [
      0.022507643293, 0.061182117764, -0.083689761056, 0.002985389404, 0.069029221191, -0.072014610596, -0.240221856682,
      0.043822598035, 0.196399258647, 0.156400148766, -0.1860250624, 0.029624913634,
    ],
    [
      0.601901491111, 0.351901491111, 0.101901491111, 0.387861178483, 0.137861178483, 0.387861178483, 0.810327824164,
      0.435327824164, 0.060327824164, 0.033211308432, 1.283211308432, 0.533211308432,
    ],
  ],
  [
    true,
    0,
    'mean',
    [2.751467193575],
    [
      0.022507643293, 0.061182117764, -0.083689761056, 0.038582467285, 0.02283506543, -0.061417532715, -0.120110928341,
      0.021911299018, 0.098199629324, 0.324462741744, -0.372603226399, 0.048140484655,
    ],
    [
      0.300950745556, 0.703802982222, 0.101901491111, 0.193930589242, 0.275722356966, 0.387861178483, 0.405163912082,
      0.870655648329, 0.060327824164, 0.016605654216, 2.566422616864, 0.533211308432,
    ],
  ],
  [
    true,
    0.1,
    'sum',
    [10.760822737891],
    [
      0.074864416057, 0.182140612239, -0.257005028296, 0.146956730615, 0.082753205436, -0.229709936052, -0.444502875147,
      0.032664555546, 0.411838319601, 1.25355260637, -1.40734997749, 0.15379737112,
    ],
    [
      1.083422684, 2.533690736, 0.366845368, 0.698150121269, 0.992600485078, 1.396300242539, 1.458590083496,
      3.134360333983, 0.217180166991, 0.059780355177, 9.23912142071, 1.919560710355,
    ],
  ],
  [
    false,
    0.1,
    'none',
    [0.507605964444, 1.248111380599, 3.091311296657, 3.741178567061],
    [
      0.056697239837, 0.211395137721, -0.268092377559, -0.002783551432, 0.545567102865, -0.542783551432,
      -2.682662280188, 0.42587117642, 2.256791103768, 2.469069046919, -2.809734331726, 0.340665284807,
    ],
    [
      2.166845368, 1.266845368, 0.366845368, 2.792600485078, 0.992600485078, 2.792600485078, 8.751540500974,
      4.701540500974, 0.651540500974, 0.478242841419, 18.478242841419, 7.678242841419,
    ],
  ],
];

const near = async (x: Tensor | undefined, expected: readonly number[], tolerance: number): Promise<void> =>
  expect(differences((await x?.data()) ?? [], expected, tolerance)).toEqual([]);

describeDevices('crossEntropy of probabilities', () => {
  it.each(table)(
    'weighted %s, smoothing %s, %s',
    async (weighted, labelSmoothing, reduction, loss, byInput, byTarget) => {
      for (const [dtype, tolerance] of [
        ['f64', 1e-11],
        ['f32', 2e-6],
      ] as const) {
        const [x, t] = [leaf(logits, dtype), leaf(shares, dtype)];
        const y = crossEntropy(x, t, {
          labelSmoothing,
          reduction,
          ...(weighted ? { weight: tensor([0.5, 2, 1], { dtype }) } : {}),
        });
        await near(y, loss, tolerance);
        expect(y.shape).toEqual(reduction === 'none' ? [2, 2] : []);
        (reduction === 'none'
          ? y
              .mul(
                tensor(
                  [
                    [1, 2],
                    [3, 4],
                  ],
                  { dtype },
                ),
              )
              .sum()
          : y
        ).backward();
        await near(x.grad, byInput, tolerance * 10);
        await near(t.grad, byTarget, tolerance * 10);
      }
    },
  );

  it('is that of the labels where it is one-hot', async () => {
    const x = tensor(spreadArray([4, 3, 5], 1, 3)),
      labels = tensor(
        [
          [0, 1, 2],
          [3, 4, 0],
          [1, 1, 1],
          [4, 3, 2],
        ],
        { dtype: 'i32' },
      );
    const t = oneHot(labels, 5).cast('f64'),
      stepWeights = tensor(
        [
          [1, 2, 3],
          [0, 1, 2],
          [0.5, 1, 1],
          [2, 2, 2],
        ],
        { dtype: 'f64' },
      );
    const weight = tensor([0.3, 1, 2, 0.7, 1.1], { dtype: 'f64' });
    const options: CrossEntropyOptions[] = [
      {},
      { reduction: 'sum' },
      { reduction: 'none' },
      { stepWeights },
      { stepWeights, reduction: 'none' },
      { labelSmoothing: 0.2 },
      { weight, reduction: 'sum' },
      { weight, labelSmoothing: 0.2, reduction: 'none' },
    ];
    for (const o of options)
      await near(crossEntropy(x, t, o), Array.from(await crossEntropy(x, labels, o).data()), 1e-12);
    await near(
      new CrossEntropyLoss({ labelSmoothing: 0.2 }).forward(x, t),
      [await crossEntropy(x, labels, { labelSmoothing: 0.2 }).item()],
      1e-12,
    );
    expect(await crossEntropy(x.transpose(0, 1), t.transpose(0, 1)).item()).toBeCloseTo(
      await crossEntropy(x, t).item(),
      12,
    );
    expect(await crossEntropy(tensor([1, 2, 3]), tensor([0, 0.5, 0.5])).item()).toBeCloseTo(0.9076059644443804, 6);
  });

  it('leaves padding out, whatever stands there', async () => {
    const lengths = [3, 1],
      steps = spreadArray([2, 3, 4], 2, 2).data,
      parts = Array.from(spreadArray([2, 3, 4], 3).data, (v) => 0.25 + 0.2 * v);
    const dirty = (data: ArrayLike<number>): Tensor =>
      tensor(
        { data: Float64Array.from(data, (value, i) => (i >= 16 ? NaN : value)), shape: [2, 3, 4] },
        { requiresGrad: true },
      );
    const [x, t] = [dirty(steps), dirty(parts)];
    const rows = (z: ArrayLike<number>): Tensor =>
      tensor({ data: Float64Array.from(Array.from(z).slice(0, 16)), shape: [4, 4] });
    for (const reduction of ['mean', 'sum'] as const) {
      await near(
        crossEntropy(new PaddedSequence(x, lengths), new PaddedSequence(t, lengths), { reduction }),
        [await crossEntropy(rows(steps), rows(parts), { reduction }).item()],
        1e-12,
      );
    }
    const none = await crossEntropy(new PaddedSequence(x, lengths), t, {
      reduction: 'none',
      stepWeights: tensor({ data: Float64Array.of(1, 1, 1, 1, NaN, NaN), shape: [2, 3] }),
    }).data();
    expect(Array.from(none.slice(4))).toEqual([0, 0]);
    crossEntropy(new PaddedSequence(x, lengths), t).backward();
    for (const grad of [x.grad, t.grad]) {
      const data = Array.from((await grad?.data()) ?? []);
      expect(data.slice(16)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
      expect(data.slice(0, 16).every((g) => Number.isFinite(g) && g !== 0)).toBe(true);
    }
  });

  it('has the gradients of differences', async () => {
    const positive = {
      ...spreadArray([3, 4], 4),
      data: Float64Array.from(spreadArray([3, 4], 4).data, (v) => 0.3 + 0.2 * v),
    };
    const weight = tensor([0.5, 1, 2, 1.5], { dtype: 'f64' });
    for (const options of [{}, { weight, labelSmoothing: 0.1 }])
      await expectGradients((x, t) => crossEntropy(x, t, options), [spreadArray([3, 4], 5, 2), positive]);
  });

  it('names what it is given', () => {
    const x = zeros([2, 3]),
      mistake = (name: string, message: RegExp) =>
        expect.objectContaining({ name, message: expect.stringMatching(message) });
    expect(() => crossEntropy(x, ones([2, 3], { dtype: 'i32' }))).toThrowError(
      mistake('DTypeError', /^crossEntropy: got f32\[2, 3\] on \S+ and i32\[2, 3\] on \S+, expected one dtype/),
    );
    expect(() => crossEntropy(x, ones([2, 4]))).toThrow(
      /^crossEntropy: got input f32\[2, 3\] .* and target f32\[2, 4\]/,
    );
    expect(() => crossEntropy(x, ones([2, 3]), { ignoreIndex: 1 })).toThrowError(
      mistake('OptionError', /^crossEntropy: got ignoreIndex 1 with probabilities/),
    );
  });
});

describeDevices('weights of classes that no label has', () => {
  it('leave loss and gradient alone, infinite or NaN', async () => {
    for (const [dtype, tolerance] of [
      ['f64', 1e-12],
      ['f32', 1e-6],
    ] as const) {
      for (const odd of [Infinity, NaN]) {
        for (const probabilities of [false, true]) {
          const labels = tensor([0, 1], { dtype: 'i32' });
          const target = probabilities ? oneHot(labels, 3).cast(dtype) : labels;
          for (const reduction of ['mean', 'sum', 'none'] as const) {
            const weight = (last: number): Tensor => tensor([1, 2, last], { dtype }),
              got: number[][] = [];
            for (const last of [odd, 1]) {
              const x = tensor(
                [
                  [1, 2, 3],
                  [0, 1, 0],
                ],
                { dtype, requiresGrad: true },
              );
              const loss = crossEntropy(x, target, { weight: weight(last), reduction });
              loss.sum().backward();
              got.push([...(await loss.data()), ...((await x.grad?.data()) ?? [])]);
            }
            expect(differences(got[0] ?? [], got[1] ?? [NaN], tolerance)).toEqual([]);
            expect(got[0]?.every(Number.isFinite)).toBe(true);
          }
        }
      }
    }
  });

  it('are those of torch in the mean', async () => {
    const x = tensor(
      [
        [1, 2, 3],
        [0, 1, 0],
      ],
      { requiresGrad: true },
    );
    const loss = crossEntropy(x, tensor([0, 1], { dtype: 'i32' }), { weight: tensor([1, 2, Infinity]) });
    loss.backward();
    await near(loss, [1.1701653], 1e-6);
    await near(x.grad, [-0.30332314, 0.081576146, 0.22174698, 0.14129437, -0.28258875, 0.14129437], 1e-6);
  });

  it('and positive weights of places without a positive target', async () => {
    for (const dtype of ['f32', 'f64'] as const) {
      const x = tensor(
          [
            [0.5, -1],
            [-2, 30],
          ],
          { dtype, requiresGrad: true },
        ),
        t = tensor(
          [
            [1, 0],
            [0, 0],
          ],
          { dtype },
        );
      const loss = binaryCrossEntropyWithLogits(x, t, { posWeight: tensor([2, Infinity], { dtype }) });
      loss.backward();
      const plain = tensor(
          [
            [0.5, -1],
            [-2, 30],
          ],
          { dtype, requiresGrad: true },
        ),
        expected = binaryCrossEntropyWithLogits(plain, t, { posWeight: tensor([2, 1], { dtype }) });
      expected.backward();
      expect(await loss.item()).toBe(await expected.item());
      expect(await x.grad?.data()).toEqual(await plain.grad?.data());
    }
  });

  it('an infinite weight of a class that has labels is no secret', async () => {
    expect(
      await crossEntropy(zeros([1, 2]), tensor([1], { dtype: 'i32' }), {
        weight: tensor([1, Infinity]),
        reduction: 'sum',
      }).item(),
    ).toBe(Infinity);
    expect(
      await crossEntropy(full([1, 2], 1), tensor([0], { dtype: 'i32' }), {
        weight: tensor([1, Infinity]),
        reduction: 'sum',
        labelSmoothing: 0.5,
      }).item(),
    ).toBe(Infinity);
  });
});
