import {
  BigValueGraphMode,
  GraphGradientMode,
  StackingConfigBuilder,
  StackingMode,
} from '@grafana/grafana-foundation-sdk/common'
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  TimePickerBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard'
import * as gauge from '@grafana/grafana-foundation-sdk/gauge'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import * as stat from '@grafana/grafana-foundation-sdk/stat'
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries'
import { type PanelOf, rows } from './panels.ts'

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in.
const SOURCE = { type: 'prometheus', uid: '${DS_PROMETHEUS}' }
const UID = 'warming-infrastructure'
const REFRESHES = ['5s', '10s', '30s', '1m']
const HEIGHT = 7
/** A row has 24 columns. */
const WIDTHS = { gauge: 6, stat: 6, timeseries: 12 } as const

/** The dashboard as Grafana imports it. */
export function dashboard({ prefix, runbooks }: { readonly prefix: string; readonly runbooks: string }): Dashboard {
  const builder = new DashboardBuilder('Warming infrastructure')
    .uid(UID)
    .tags(['forewarm', 'warming'])
    .refresh(REFRESHES[0] as string)
    .time({ from: 'now-1h', to: 'now' })
    .timepicker(new TimePickerBuilder().refreshIntervals(REFRESHES))
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('DS_PROMETHEUS').label('Data source').type('prometheus'))
    .withVariable(chains(prefix))
    .link(new DashboardLinkBuilder('Runbook').type(DashboardLinkType.Link).url(runbooks).targetBlank(true))
  for (const { title, panels } of rows(prefix)) {
    builder.withRow(new RowBuilder(title))
    for (const panel of panels) builder.withPanel(panelOf(panel, runbooks))
  }
  return builder.build()
}

function chains(prefix: string): QueryVariableBuilder {
  return new QueryVariableBuilder('chain')
    .label('Chain')
    .datasource(SOURCE)
    .query(`label_values(${prefix}price_updates_total, chain)`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
}

function panelOf(panel: PanelOf, runbooks: string) {
  const { title, about, unit, kind, queries, thresholds = [['green', null]], alert } = panel
  const built = builderOf(panel)
  for (const [at, [legend, expression]] of queries.entries())
    built.withTarget(
      new DataqueryBuilder()
        .refId(String.fromCharCode(65 + at))
        .expr(expression)
        .legendFormat(legend),
    )
  if (alert !== undefined) {
    const page = new DashboardLinkBuilder(`${alert}: what to do`).type(DashboardLinkType.Link)
    built.links([page.url(`${runbooks}/${alert}.md`).targetBlank(true)])
  }
  const steps = thresholds.map(([color, value]) => ({ color, value }))
  return built
    .title(title)
    .description(about)
    .datasource(SOURCE)
    .unit(unit)
    .height(HEIGHT)
    .span(WIDTHS[kind])
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
}

function builderOf({ kind, unit, isStacked }: PanelOf) {
  switch (kind) {
    case 'gauge': {
      const built = new gauge.PanelBuilder()
      return unit === 'percentunit' ? built.min(0).max(1) : built.min(0)
    }
    case 'stat':
      return new stat.PanelBuilder().graphMode(BigValueGraphMode.Area)
    case 'timeseries': {
      const built = new timeseries.PanelBuilder()
        .gradientMode(GraphGradientMode.Opacity)
        .fillOpacity(isStacked ? 30 : 8)
      return isStacked ? built.stacking(new StackingConfigBuilder().mode(StackingMode.Normal)) : built
    }
  }
}
