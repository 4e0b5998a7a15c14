import { binding } from '../native/load';
import type { TensorId } from '../native/binding.generated';
import { markClass, remedy } from '../tensor/package-copies';
import { OptionError } from '../tensor/errors';
import { full, tensor } from '../tensor/factories';
import { checkPlain, describe, flag, nonNegativeInteger, nonNegativeNumber } from '../tensor/options';
import { clone, fill_ } from '../tensor/ops/elementwise';
import { noGrad } from '../tensor/grad-mode';
import { asGiven, readOptions, withDefault } from '../tensor/read-options';
import { assume, insideStep, onReplay, outsideRecordings } from '../tensor/replay-notes';
import { outsideScopes } from '../tensor/scope';
import { idOf, idsOf, optionalIdOf, type Tensor } from '../tensor/tensor';
import type { OptimizerGroup, OptimizerOptions, ParameterGroup } from './optimizer-options';
import {
  checkDict,
  checkNotes,
  copied,
  noteOf,
  optionsOf,
  sameParameters,
  slotNames,
  takeGroup,
  type GroupState,
  type OptimizerStateDict,
  type ParameterNote,
  type StateLayout,
} from './optimizer-state';
import { checkParameters, closed, groupsOf, refuseShortRate } from './parameter-groups';

export type { OptimizerStateDict, ParameterNote, StateLayout, StateScalars } from './optimizer-state';

/** The learning rate of one group on its device, where the kernels read it. */
interface GroupRate {
  /** f64 [1]. */
  tensor: Tensor;
  /** What the tensor holds. */
  value: number;
  /** Where it lies, and with it the group's state. */
  device: string;
}

/** What every native rule takes, beside the options of its group. */
export interface StepCall {
  /**
   * What stands before the options: the parameters; the tensors that `layout` names, those of one parameter after
   * another; places of the parameters that have state, in the order of those tensors; the learning rate, f64 [1].
   */
  tensors: readonly [readonly TensorId[], readonly TensorId[], readonly number[], TensorId];
  /** What stands behind them: f32, one element; unless it is 0 nothing changes. */
  skip: TensorId | undefined;
}

/** Ids of tensors. To be called in the argument list of a native call only. */
export const ids = (tensors: readonly Tensor[]): TensorId[] => idsOf(tensors, 'Optimizer', 'parameters');

/**
 * Base of all optimizers. `step` changes the parameters that have a gradient, in one native call for each group; it
 * does not wait.
 *
 *     optimizer.zeroGrad();
 *     loss.backward();
 *     optimizer.step();
 */
export abstract class Optimizer<O extends OptimizerOptions = OptimizerOptions> {
  /** The groups with their options. */
  readonly groups: readonly OptimizerGroup<O>[];
  readonly #name: string;
  readonly #notes: readonly (readonly ParameterNote[])[];
  readonly #held: readonly GroupState[];
  readonly #rates: (GroupRate | undefined)[] = [];
  #loads = 0;
  #steps = 0;

  static {
    markClass(this.prototype, 'Optimizer');
    refuseShortRate(this.prototype, 'Optimizer');
  }

  /**
   * @param name        of the class, for messages
   * @param parameters  tensors to train, or groups with options of their own
   * @param options     for all groups
   * @throws {OptionError} if there is no parameter, one occurs twice or is no leaf, or an option is unknown or out of
   * range
   */
  protected constructor(name: string, parameters: Iterable<Tensor> | readonly ParameterGroup<O>[], options: O) {
    this.#name = name;
    const rate = typeof options === 'number' ? options : 0.01;
    checkPlain(name, options, ['learningRate', 'weightDecay', '…'], `{ learningRate: ${rate} }`);
    this.groups = groupsOf<O>(name, parameters).map(({ members, own }) =>
      closed(name, { ...this.resolve({ ...options, ...own }), parameters: members }),
    );
    this.#held = this.groups.map(() => ({ known: [], slots: new Map() }));
    checkParameters(
      name,
      this.groups.flatMap((group) => group.parameters),
    );
    this.#notes = this.groups.map((group) => group.parameters.map(noteOf));
  }

  /**
   * Checks options and fills in the defaults. Runs before fields of the class are there.
   *
   * @throws {OptionError} if an option is unknown or out of range
   */
  protected abstract resolve(options: object): Required<O>;

  /** What a parameter of the group needs. */
  protected abstract layout(group: Required<O>): StateLayout;

  /**
   * Makes the native call that changes the parameters of a group.
   *
   * @returns places of the parameters that have a gradient and lack state, in which case nothing was done
   */
  protected abstract update(call: StepCall, group: Required<O>): number[];

  /** Steps taken since the start, those of a loaded state included. */
  get steps(): number {
    return this.#steps;
  }

  /** The learning rate of the first group. */
  get learningRate(): number {
    return this.groups[0]?.learningRate ?? Number.NaN;
  }

  /**
   * Sets the learning rate of every group.
   *
   * @param value  at least 0
   * @throws {OptionError} if it is anything else
   */
  set learningRate(value: number) {
    const checked = nonNegativeNumber(this.#name, 'learningRate', value);
    for (const group of this.groups) group.learningRate = checked;
  }

  /** Drops the gradients of all parameters; the next `backward` starts from zero. */
  zeroGrad(): void {
    binding.zeroGrad(ids(this.groups.flatMap((group) => group.parameters)));
  }

  /**
   * Changes each parameter that has a gradient. The others stay as they are, and so does their state. State follows
   * parameters to another device.
   *
   * @param options.skip  f32, one element: unless it is 0 nothing changes, as GradScaler wants it. `steps` counts the
   * call all the same.
   * @throws {DeviceError} if the parameters of a group are on several devices
   * @throws {OptionError} if a group's learning rate was set to something that is none, or an option is unknown
   */
  step(options: { skip?: Tensor | undefined } = {}): void {
    const { skip } = readOptions(`${this.#name}.step`, options, { skip: asGiven });
    this.#assumeOptions();
    this.groups.forEach((group, index) => {
      const held = this.#held[index];
      if (held === undefined) return;
      const rate = outsideRecordings(() => this.#rateOf(index, group, held));
      const missing = this.#update(group, rate, held, skip);
      if (missing.length === 0) return;
      held.known.push(...missing);
      this.#update(group, rate, held, skip);
    });
    const recorded = onReplay(() => {
      this.#writeRates();
      this.#steps++;
    });
    if (!recorded) this.#steps++;
  }

  #update(group: OptimizerGroup<O>, rate: Tensor, held: GroupState, skip: Tensor | undefined): number[] {
    const op = `${this.#name}.step`;
    const state = this.#stateOf(group, held);
    const tensors = [ids(group.parameters), ids(state), held.known, idOf(rate, op, 'learningRate')] as const;
    return this.update({ tensors, skip: optionalIdOf(skip, op, 'skip') }, group);
  }

  /**
   * A compiled step is made with the options of its groups, except the learning rate, and with the state tensors of
   * now.
   */
  #assumeOptions(): void {
    if (!insideStep()) return;
    const now = (): string =>
      `${this.#loads} ${JSON.stringify(this.groups.map((group) => ({ ...optionsOf(group), learningRate: 0 })))}`;
    const then = now();
    assume(this, () => now() === then);
  }

  #writeRates(): void {
    this.groups.forEach((group, index) => {
      const held = this.#held[index];
      if (held !== undefined) this.#rateOf(index, group, held);
    });
  }

  /**
   * The group's learning rate on its device; made at the first step and when the parameters have moved, written where
   * it has changed.
   */
  #rateOf(index: number, group: OptimizerGroup<O>, held: GroupState): Tensor {
    const device = group.parameters[0]?.device ?? 'cpu';
    const known = this.#rates[index];
    if (known?.device === device && Object.is(known.value, group.learningRate)) return known.tensor;
    const value = nonNegativeNumber(`${this.#name}.step`, 'learningRate', group.learningRate);
    if (known?.device === device) {
      fill_(known.tensor, value);
      known.value = value;
      return known.tensor;
    }
    const state = [...held.slots.values()].flat();
    if (state.length > 0) binding.moveTensors(ids(state), device);
    const made = { tensor: outsideScopes(() => tensor([value], { dtype: 'f64', device })), value, device };
    known?.tensor.dispose();
    this.#rates[index] = made;
    return made.tensor;
  }

  /**
   * The tensors that the options of now ask for, those of one parameter after another. What is not there yet is made:
   * for a parameter that has its first gradient, and for an option that was switched on between steps.
   */
  #stateOf(group: OptimizerGroup<O>, { known, slots }: GroupState): Tensor[] {
    const { moments, initial = 0, scalars } = this.layout(group);
    const start = (name: string, make: (parameter: Tensor) => Tensor): Tensor[] => {
      const slot = slots.get(name) ?? [];
      slots.set(name, slot);
      const missing = known.slice(slot.length).flatMap((place) => group.parameters[place] ?? []);
      if (missing.length > 0) outsideRecordings(() => outsideScopes(() => slot.push(...missing.map(make))));
      return slot;
    };
    const columns = moments.map((name) =>
      start(name, ({ shape, dtype, device }) => full(shape, initial, { dtype, device })),
    );
    if (scalars !== undefined) {
      columns.push(start(scalars.name, ({ device }) => tensor([...scalars.initial], { dtype: 'f64', device })));
    }
    return known.flatMap((_, k) => columns.flatMap((slot) => slot[k] ?? []));
  }

  /**
   * Options, steps and state tensors, those that the options of now need.
   *
   * The tensors share their bytes with the optimizer, so that nothing is copied to save them: they change with the next
   * step.
   *
   * @param options.copy  whether the tensors are copies of the values of now. Default false.
   * @throws {OptionError} if an option is unknown
   */
  stateDict(options: { copy?: boolean } = {}): OptimizerStateDict {
    const op = `${this.#name}.stateDict`;
    const { copy } = readOptions(op, options, { copy: withDefault(flag, false) });
    const take = copy ? (value: Tensor) => noGrad(() => clone(value)) : (value: Tensor) => value.detach();
    const state: Record<string, Tensor> = {};
    let first = 0;
    this.groups.forEach((group, index) => {
      const held = this.#held[index];
      const names = slotNames(this.layout(group));
      const values = held === undefined ? [] : this.#stateOf(group, held);
      values.forEach((value, i) => {
        const place = held?.known[Math.floor(i / names.length)] ?? 0;
        state[`${first + place}.${names[i % names.length]}`] = take(value);
      });
      first += group.parameters.length;
    });
    const groups = this.groups.map((group, index) => ({
      ...optionsOf(group),
      parameters: (this.#notes[index] ?? []).map((note) => ({ ...note })),
    }));
    return { optimizer: this.#name, steps: this.#steps, groups, state };
  }

  /**
   * Takes over options, steps and copies of the state tensors. Nothing changes if anything does not fit.
   *
   * @throws {OptionError} if it is the state of another optimizer or of other parameters: of another class, number,
   *   name or order; if an option is unknown or out of range, or tensors are missing or unexpected
   * @throws {ShapeError} if a parameter or tensor is of another shape or dtype
   */
  loadStateDict(dict: OptimizerStateDict): void {
    const op = `${this.#name}.loadStateDict`;
    checkDict(op, this.#name, dict, this.groups.length);
    const steps = nonNegativeInteger(op, 'steps', dict.steps);
    const options = this.groups.map((group, index) =>
      this.resolve({ ...optionsOf(group), ...optionsOf(dict.groups[index] ?? {}) }),
    );
    const left = new Map(Object.entries(dict.state));
    let first = 0;
    const found = this.groups.map((group, index) => {
      const taken = takeGroup(op, group.parameters, this.layout({ ...group, ...options[index] }), first, left);
      first += group.parameters.length;
      return taken;
    });
    if (left.size > 0) {
      throw new OptionError(op, {
        given: `state ${describe([...left.keys()])}`,
        expected: 'state of the parameters there are',
        fix: sameParameters,
      });
    }
    checkNotes(op, dict.groups, this.#notes);
    const copies = outsideScopes(() =>
      noGrad(() => found.map((taken, index) => copied(taken, this.groups[index]?.parameters[0]?.device))),
    );
    this.groups.forEach((group, index) => Object.assign(group, options[index]));
    this.#held.forEach((own, index) => {
      for (const old of [...own.slots.values()].flat()) old.dispose();
      Object.assign(own, copies[index]);
    });
    this.#loads++;
    this.#steps = steps;
  }

  /**
   * Lets go of the state, which the garbage collector would else do some day: what is still trained after that begins
   * as with a new optimizer.
   *
   * @internal
   */
  dispose(): void {
    for (const { known, slots } of this.#held) {
      for (const old of [...slots.values()].flat()) old.dispose();
      slots.clear();
      known.length = 0;
    }
    for (const rate of this.#rates.splice(0)) rate?.tensor.dispose();
    this.#loads++;
    this.#steps = 0;
  }
}

/**
 * Refuses what is no optimizer.
 *
 * @throws {OptionError} if `value` is something else, or an optimizer of another copy of the package
 */
export function checkOptimizer(op: string, value: unknown, fix: string): asserts value is Optimizer {
  if (value instanceof Optimizer) return;
  throw new OptionError(op, {
    given: describe(value),
    expected: 'an optimizer such as new Adam(model.parameters())',
    fix: remedy(value, fix),
  });
}
