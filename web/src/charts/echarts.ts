// The only file that knows ECharts: what of it is used, and how a chart gets onto the page, follows
// its box and leaves again.
import {
  BoxplotChart, HeatmapChart, LineChart, ScatterChart,
  type BoxplotSeriesOption, type HeatmapSeriesOption, type LineSeriesOption,
  type ScatterSeriesOption,
} from "echarts/charts";
import {
  AxisPointerComponent, GridComponent, MarkLineComponent, TooltipComponent, VisualMapComponent,
  type GridComponentOption, type TooltipComponentOption, type VisualMapComponentOption,
} from "echarts/components";
import { init, use, type ComposeOption, type EChartsType } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";

use([LineChart, ScatterChart, BoxplotChart, HeatmapChart, GridComponent, TooltipComponent,
     AxisPointerComponent, MarkLineComponent, VisualMapComponent, LabelLayout, CanvasRenderer]);

export type Option = ComposeOption<
  LineSeriesOption | ScatterSeriesOption | BoxplotSeriesOption | HeatmapSeriesOption |
  GridComponentOption | TooltipComponentOption | VisualMapComponentOption>;

export type {
  BoxplotSeriesOption, HeatmapSeriesOption, LineSeriesOption, ScatterSeriesOption,
};

/// The charts of one part of the page. They are made when their boxes have a size, that is after
/// the part is in the document.
export class Charts {
  private waiting: { box: HTMLElement; option: Option }[] = [];
  private drawn: EChartsType[] = [];
  private observer = new ResizeObserver((entries) => {
    for (const entry of entries) this.resize_box(entry.target);
  });

  /// Draws `option` into `box` at the next `draw()`.
  add(box: HTMLElement, option: Option): void {
    this.waiting.push({ box, option });
  }

  draw(): void {
    for (const { box, option } of this.waiting) {
      const ratio = Math.max(2, window.devicePixelRatio);
      const chart = init(box, null, { renderer: "canvas", devicePixelRatio: ratio });
      chart.setOption(option);
      this.drawn.push(chart);
      this.observer.observe(box);
    }
    this.waiting = [];
  }

  clear(): void {
    this.observer.disconnect();
    for (const chart of this.drawn) chart.dispose();
    this.drawn = [];
    this.waiting = [];
  }

  private resize_box(box: Element): void {
    // A box without a width is out of sight for now; its chart would be drawn into nothing.
    if (box.clientWidth === 0) return;
    this.drawn.find((chart) => chart.getDom() === box)?.resize();
  }
}
