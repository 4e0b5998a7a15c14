// Checked by `npm run types`: every op function that takes a tensor first is a method of Tensor too.
import { expectTypeOf } from 'vitest';
import type * as stm from 'stmnet';
import type { Tensor } from 'stmnet';
import type * as factories from '../../src/tensor/factories';

/** All functions of the package, without the factories: to make a tensor like another one is no method. */
type Functions = Omit<typeof stm, keyof typeof factories>;
type First<F> = F extends (first: infer X, ...rest: never[]) => unknown ? X : never;
/** Names of the functions whose first parameter is a tensor and nothing else. */
type TensorFirst = {
  [Name in keyof Functions]: [First<Functions[Name]>, Tensor] extends [Tensor, First<Functions[Name]>] ? Name : never;
}[keyof Functions];

expectTypeOf<Exclude<TensorFirst, keyof Tensor>>().toBeNever();
expectTypeOf<'matmul' | 'exp' | 'sum' | 'reshape' | 'embedding'>().toExtend<TensorFirst>();

declare const x: Tensor;
declare const into: stm.DataOptions<Float32Array>;
expectTypeOf(x.data(into)).toEqualTypeOf<Promise<Float32Array>>();
expectTypeOf(x.data({ into: new Uint8Array(1) })).toExtend<Promise<Uint8Array>>();
expectTypeOf(x.data()).toEqualTypeOf<Promise<stm.TypedArray>>();
expectTypeOf(x.data({} as { into?: Float32Array })).toEqualTypeOf<Promise<stm.TypedArray>>();
expectTypeOf(x.data(into as typeof into | undefined)).toEqualTypeOf<Promise<stm.TypedArray>>();
