import { runInThisContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Linear, Module, Sequential, Tanh, type Tensor } from 'stmnet';
import { takesArguments, takesOptions } from '../../src/module/constructor-arguments';

/** A class as a user's file writes it, whatever a compiler of tests would make of it. */
function written(source: string): unknown {
  const make: unknown = runInThisContext(`(Module, Sequential, Linear, Tanh) => (${source})`);
  return typeof make === 'function' ? Reflect.apply(make, undefined, [Module, Sequential, Linear, Tanh]) : undefined;
}

class Plain extends Module {
  linear = new Linear({ inFeatures: 2, outFeatures: 2 });
  forward(x: Tensor): Tensor {
    return this.linear.forward(x);
  }
}

test.each<[source: string, takes: boolean]>([
  ['class A extends Module { constructor(n) { super(); } }', true],
  ['class A extends Module { constructor(n = 3) { super(); } }', true],
  ['class A extends Module { constructor({ n = 3 } = {}) { super(); } }', true],
  ['class A extends Module { constructor(...sizes) { super(); this.sizes = sizes; } }', true],
  ['class A extends Module { constructor ( /* width */ n = 3) { super(); } }', true],
  ['class A extends (class B extends Module { constructor(n = 3) { super(); } }) { forward(x) { return x; } }', true],
  ['class A extends Module { }', false],
  ['class A extends Module { constructor() { super(); } }', false],
  ['class A extends Module { constructor( /* n = 3 */ ) { super(); } }', false],
  ['class A extends Module { linear = new Linear({ inFeatures: 1, outFeatures: 1 }); }', false],
  ['class A extends Module { constructor(...args) { super(...args); this.x = 1; } }', false],
  [
    'class A extends Module { /* constructor(n) {} */ note = "constructor(n) {"; rule = /[{"]constructor(n)/; f() {} }',
    false,
  ],
  [
    'class A extends Module { make() { return new this.constructor(1); } f() { return class { constructor(n) {} }; } }',
    false,
  ],
  ['class A extends Sequential { constructor() { super(new Tanh()); } }', false],
  ['class A extends Tanh { }', false],
  ['class A extends Sequential { constructor(n = 3) { super(new Tanh()); } }', true],
  ['class A extends Sequential { }', true],
])('%s', (source, takes) => {
  expect(takesArguments(written(source))).toBe(takes);
});

test('the package’s own layers keep their options, and classes compiled for a test are read as well', () => {
  for (const known of [Linear, Sequential, Tanh, Plain]) expect(takesArguments(known)).toBe(false);
});

test.each<[source: string, options: unknown, takes: boolean]>([
  ['class A extends Module { constructor(n, k) { super(); } }', { n: 1, k: 2 }, false],
  ['class A extends Module { constructor(n, k) { super(); } }', [1, 2], false],
  ['class A extends Module { constructor(n, k) { super(); } }', { width: 1 }, false],
  ['class A extends Module { constructor(n) { super(); } }', { n: 1 }, false],
  ['class A extends Module { constructor(n = 1, k = 2) { super(); } }', { n: 1, k: 2 }, false],
  ['class A extends (class B extends Module { constructor(n, k) { super(); } }) { }', { n: 1, k: 2 }, false],
  ['class A extends Module { constructor(n) { super(); } }', 1, true],
  ['class A extends Module { constructor(sizes) { super(); } }', [1, 2], true],
  ['class A extends Module { constructor(options) { super(); } }', { n: 1 }, true],
  ['class A extends Module { constructor(options, k = 2) { super(); } }', { n: 1 }, true],
  ['class A extends Module { constructor({ n, k = 2 } = {}) { super(); } }', { n: 1, k: 2 }, true],
])('%s with options %j', (source, options, takes) => {
  expect(takesOptions(written(source), options)).toBe(takes);
});
