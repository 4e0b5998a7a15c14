import { expect, test } from 'vitest';
import * as layers from '../../src/layers';
import { Module } from '../../src/module/module';
import { isPackaged, packagedClass } from '../../src/module/packaged';

type Class = abstract new (...args: never[]) => object;
const isModule = (value: unknown): value is Class =>
  typeof value === 'function' && (value === Module || value.prototype instanceof Module);

test('every exported class of layers is in the catalogue under its name, but for those that others extend', () => {
  const classes = Object.entries<unknown>(layers).flatMap(([name, value]) =>
    isModule(value) ? [{ name, value }] : [],
  );
  const bases = classes.filter(({ value }) => classes.some((other) => other.value.prototype instanceof value));
  expect(bases.map(({ name }) => name).sort()).toEqual(['Activation', 'Module', 'RecurrentCell', 'RecurrentLayer']);
  const concrete = classes.filter((one) => !bases.includes(one));
  expect(concrete.length).toBeGreaterThan(30);
  for (const { name, value } of concrete) {
    expect(isPackaged(value), `${name} is in the catalogue`).toBe(true);
    expect(packagedClass(name)?.constructor, name).toBe(value);
  }
});
