// The type of a dashboard by Grafana's own schema, and of each panel by that of its plugin: unknown options are errors.
import type { Dashboard as Any, FieldConfig, Panel as AnyPanel, RowPanel } from "@grafana/schema";
import type { Options as Heatmap, FieldConfig as HeatmapField } from "@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen";
import type { Options as Logs } from "@grafana/schema/dist/esm/raw/composable/logs/panelcfg/x/LogsPanelCfg_types.gen";
import type { Options as Stat } from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type { Options as Table, FieldConfig as TableField } from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type { Options as TimeSeries, FieldConfig as TimeSeriesField } from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

export type Dashboard = Omit<Plain<Any>, "panels"> & {
  uid: string;
  title: string;
  panels: Array<Panel | Plain<RowPanel>>;
};

type Panel =
  | PanelOf<"heatmap", Heatmap, HeatmapField>
  | PanelOf<"logs", Logs, {}>
  | PanelOf<"stat", Stat, {}>
  | PanelOf<"table", Table, TableField>
  | PanelOf<"timeseries", TimeSeries, TimeSeriesField>;

type PanelOf<Kind, Options, Custom> = Omit<Plain<AnyPanel>, "fieldConfig" | "options" | "type"> & {
  type: Kind;
  options: Partial<Plain<Options>>;
  fieldConfig: {
    defaults: Omit<Plain<FieldConfig>, "custom"> & { custom?: Partial<Plain<Custom>> };
    overrides: NonNullable<Plain<AnyPanel>["fieldConfig"]>["overrides"];
  };
};

// As in JSON: with the text of an enumeration's member instead of the member.
type Plain<T> = T extends string
  ? `${T}`
  : T extends Array<infer Item>
    ? Array<Plain<Item>>
    : T extends object
      ? { [Key in keyof T]: Plain<T[Key]> }
      : T;
