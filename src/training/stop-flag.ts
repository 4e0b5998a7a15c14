import { full } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import { add, clone, copy_, fill_ } from '../tensor/ops/elementwise';
import { outsideRecordings } from '../tensor/replay-notes';
import { outsideScopes } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';

/** What a loss or a gradient that is not finite does in a training: see `onNaN` of `fit`. */
export type OnNaN = 'stop' | 'skip' | 'ignore';

/**
 * Says on the device that a step of the running training was not finite. It stays raised, so that no later step
 * changes a parameter until the host has noticed.
 */
export class StopFlag {
  /** 0, f32 [], or NaN once it is raised. */
  #flag: Tensor | undefined;

  /**
   * Raises it unless a step was sound. A step that the device refuses to compute raises it too: the command that would
   * lower it again is then refused with it.
   *
   * @param odd  of the step: 0, f32 [], or NaN
   * @returns the flag, which lets an optimizer skip a step
   */
  after(odd: Tensor): Tensor {
    const flag = this.#on(odd.device);
    noGrad(() => {
      const before = clone(flag);
      fill_(flag, Number.NaN);
      copy_(flag, add(before, odd));
    });
    return flag;
  }

  /** Lowers it. */
  clear(): void {
    const flag = this.#flag;
    if (flag !== undefined) noGrad(() => fill_(flag, 0));
  }

  /** Lets go of it; a later step makes another one. */
  dispose(): void {
    this.#flag?.dispose();
    this.#flag = undefined;
  }

  #on(device: string): Tensor {
    if (this.#flag?.device === device) return this.#flag;
    this.#flag?.dispose();
    return (this.#flag = outsideRecordings(() => outsideScopes(() => full([], 0, { device }))));
  }
}
