/** The name of a device as tensors give it: `cuda` is `cuda:0`. */
export const fullDeviceName = (name: string): string => (name === 'cuda' ? 'cuda:0' : name);
