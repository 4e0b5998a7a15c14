// What charts are made of: plain data that sections write into a page, and its program draws. The colours are the
// program's, since they change with light and dark.

/** How numbers are written along an axis and at the cursor. */
export type Unit = 'figure' | 'number' | 'count' | 'percent' | 'seconds' | 'bytes';

/** An axis of numbers. */
export interface Axis {
  readonly name: string;
  readonly unit: Unit;
  /** Logarithmic; values ≤ 0 have no place there. */
  readonly log?: boolean;
  /** Begins at 0, as lengths and speeds should. */
  readonly fromZero?: boolean;
}

/** A colour by its part in the page: `train` and `validation` have one each, others are counted from 0. */
export type Hue = 'train' | 'validation' | number;

/** One line of a LineChart. */
export interface Line {
  readonly name: string;
  readonly hue: Hue;
  /** [x, y] by rising x; null leaves a gap. */
  readonly points: readonly (readonly [x: number, y: number | null])[];
  /** Whether its points are drawn alone, since what lies between them means nothing. Default false. */
  readonly dots?: boolean;
}

/** What lies between two lines over a common x, shaded. */
export interface Band {
  readonly name: string;
  readonly hue: Hue;
  /** [x, low, high] by rising x. */
  readonly points: readonly (readonly [x: number, low: number, high: number])[];
}

/** Lines over a common x, with a cursor. Charts of one `group` share it. */
export interface LineChart {
  readonly kind: 'lines';
  readonly group?: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
  /** Behind the lines. */
  readonly bands?: readonly Band[];
  /** A point that is pointed out. */
  readonly mark?: { readonly x: number; readonly y: number; readonly hue: Hue };
}

/** One bar a name; lying where names are long. */
export interface BarChart {
  readonly kind: 'bars';
  readonly lying: boolean;
  readonly names: readonly string[];
  /** What the names are, as `length`. */
  readonly namesAre: string;
  readonly value: Axis;
  readonly values: readonly (number | null)[];
}

/** A table of numbers as colours. */
export interface HeatChart {
  readonly kind: 'heat';
  readonly columns: readonly string[];
  readonly columnsAre: string;
  readonly rows: readonly string[];
  readonly rowsAre: string;
  readonly value: Axis;
  /** One picture, or several of which one is chosen: values by row and column; null where there is none. */
  readonly frames: readonly { readonly name: string; readonly values: readonly (readonly (number | null)[])[] }[];
  /** What the frames are, as `epoch`. */
  readonly framesAre?: string;
}

/** Points with names; `size` gives the area of each. */
export interface ScatterChart {
  readonly kind: 'scatter';
  readonly x: Axis;
  readonly y: Axis;
  readonly size?: Axis;
  readonly points: readonly {
    readonly name: string;
    readonly x: number;
    readonly y: number;
    readonly size?: number;
  }[];
}

/** How often happened what was predicted with a probability, beside how often it was predicted so. */
export interface CalibrationChart {
  readonly kind: 'calibration';
  readonly bins: readonly {
    readonly from: number;
    readonly to: number;
    readonly predicted: number | null;
    readonly observed: number | null;
    readonly count: number;
  }[];
}

/** One axis of a ParallelChart: of numbers, or of names. */
export type ParallelAxis = Axis | { readonly name: string; readonly names: readonly string[] };

/** One line over all axes for each trial, coloured by the last of them. */
export interface ParallelChart {
  readonly kind: 'parallel';
  readonly axes: readonly ParallelAxis[];
  /** On the last axis. */
  readonly best: 'min' | 'max';
  readonly lines: readonly { readonly name: string; readonly values: readonly (number | string | null)[] }[];
}

/** All that a page can draw. */
export type Chart = LineChart | BarChart | HeatChart | ScatterChart | CalibrationChart | ParallelChart;
