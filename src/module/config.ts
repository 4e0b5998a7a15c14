/** What a module is rebuilt from: its class, the options of its constructor, and the modules that were given to it. */
export interface ModuleConfig {
  /** Name of the class. */
  class: string;
  /** Whether the class is one of the user's, which `load` finds in its option `classes`. */
  own?: true;
  /** What its constructor gets. */
  options?: unknown;
  /** The modules that were given to the constructor of a container. */
  children?: ModuleConfig[];
  /** Paths of layers that `quantizeDynamic` has put in the place of those that the constructor makes. */
  quantized?: string[];
  /** Groups of paths that hold one and the same parameter, buffer or module. */
  tied?: string[][];
}
