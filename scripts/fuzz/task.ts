/** What a child gets in its arguments, as JSON. */
export interface ChildTask {
  mode: 'public' | 'raw' | 'checked';
  seed: number;
  calls: number;
  /** What tensors are made on. */
  device: 'cpu' | 'cuda';
  /** Where the latest calls are noted. */
  notes: string;
}

/** Calls that are kept in the file, and the bytes of each. */
export const noteSlots = 16;
export const noteBytes = 600;
