import type { Chart } from '../charts';
import { drawBars } from './bars';
import { drawCalibration } from './calibration';
import type { Drawing, Surroundings } from './drawing';
import { begin, type Drawn } from './echarts';
import { drawHeat } from './heat';
import { frameChooser } from './frames';
import { Cursor } from './cursor';
import { drawLines } from './lines';
import { drawParallel } from './parallel';
import { drawScatter } from './scatter';
import { themeNow } from './theme';

function drawingOf(chart: Chart, around: Surroundings, frame: number): Drawing {
  switch (chart.kind) {
    case 'lines':
      return drawLines(chart, around);
    case 'bars':
      return drawBars(chart, around);
    case 'heat':
      return drawHeat(chart, around, frame);
    case 'scatter':
      return drawScatter(chart, around);
    case 'calibration':
      return drawCalibration(chart, around);
    case 'parallel':
      return drawParallel(chart, around);
  }
}

/** One chart of the page: drawn when its element first has a size, and again for another size or other colours. */
export class Plot {
  readonly #chart: Chart;
  readonly #canvas: HTMLElement;
  readonly #cursor: Cursor;
  #drawn: Drawn | undefined;
  #frame: number;

  /** @param element  that holds the data of the chart, as `figure` of src/report/figure.ts makes it */
  constructor(element: HTMLElement) {
    this.#chart = JSON.parse(element.querySelector('script')?.textContent ?? '') as Chart;
    this.#frame = this.#chart.kind === 'heat' ? this.#chart.frames.length - 1 : 0;
    this.#canvas = document.createElement('div');
    this.#canvas.className = 'canvas';
    element.append(this.#canvas);
    this.#cursor = new Cursor(element);
    if (this.#chart.kind === 'heat' && this.#chart.frames.length > 1)
      element.before(
        frameChooser(this.#chart, (frame) => {
          this.#frame = frame;
          this.draw();
        }),
      );
    new ResizeObserver(() => this.draw()).observe(this.#canvas);
  }

  /** Draws it in the colours and the size of now; nothing where it is hidden. */
  draw(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (width === 0 || height === 0) return;
    const drawn = (this.#drawn ??= begin(this.#canvas));
    drawn.resize({ width, height });
    const drawing = drawingOf(this.#chart, { theme: themeNow(), width }, this.#frame);
    drawn.setOption(drawing.option, { notMerge: true });
    this.#cursor.follow(drawn, drawing);
  }
}
