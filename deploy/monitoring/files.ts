import { stringify } from 'yaml'
import { alerts } from './alerts/alerts.ts'
import { grafanaRules } from './alerts/grafana-rules.ts'
import { prometheusRules } from './alerts/prometheus-rules.ts'
import { alertmanagerConfig, grafanaContactPoints, grafanaPolicies } from './alerts/routing.ts'
import { dashboard } from './dashboard/dashboard.ts'
import { queries } from './queries.ts'
import { runbookPage } from './runbook.ts'

const PREFIX = 'arbitrage_'
const RUNBOOKS = 'docs/runbook'
const DATA_SOURCE = 'prometheus'
const HEAD = '# Written by `npm run monitoring` from deploy/monitoring. Changes here are lost.\n'

/** All files that are written from deploy/monitoring, by their paths in the repository. */
export function monitoringFiles(): ReadonlyMap<string, string> {
  const all = alerts(queries(PREFIX))
  const yaml = (value: unknown) => HEAD + stringify(value, { lineWidth: 0 })
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`
  return new Map([
    ['deploy/grafana/dashboards/warming-infrastructure.json', json(dashboard({ prefix: PREFIX, runbooks: RUNBOOKS }))],
    ['deploy/prometheus/rules.yml', yaml(prometheusRules(all, RUNBOOKS))],
    ['deploy/grafana/alerting/rules.yaml', yaml(grafanaRules(all, { runbooks: RUNBOOKS, dataSource: DATA_SOURCE }))],
    ['deploy/grafana/alerting/contact-points.yaml', yaml(grafanaContactPoints())],
    ['deploy/grafana/alerting/policies.yaml', yaml(grafanaPolicies())],
    ['deploy/alertmanager/alertmanager.yml', yaml(alertmanagerConfig())],
    ...all.map((alert) => [`${RUNBOOKS}/${alert.name}.md`, runbookPage(alert)] as const),
  ])
}
