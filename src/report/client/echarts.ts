// The parts of Apache ECharts that pages use; the bundler leaves out all others. Drawn as SVG: sharp on any screen and
// in print, and its texts are texts.
import { BarChart, HeatmapChart, LineChart, ParallelChart, ScatterChart } from 'echarts/charts';
import {
  GridComponent,
  MarkPointComponent,
  ParallelComponent,
  TooltipComponent,
  VisualMapContinuousComponent,
} from 'echarts/components';
import { init, use, type EChartsCoreOption, type EChartsType } from 'echarts/core';
import { LabelLayout } from 'echarts/features';
import { SVGRenderer } from 'echarts/renderers';

use([
  BarChart,
  HeatmapChart,
  LineChart,
  ParallelChart,
  ScatterChart,
  GridComponent,
  MarkPointComponent,
  ParallelComponent,
  TooltipComponent,
  VisualMapContinuousComponent,
  LabelLayout,
  SVGRenderer,
]);

/** What a drawing is made of. */
export type Option = EChartsCoreOption;

/** A drawing on the page. */
export type Drawn = EChartsType;

/** Begins a drawing in an element that has a size. */
export const begin = (element: HTMLElement): Drawn => init(element, undefined, { renderer: 'svg' });
