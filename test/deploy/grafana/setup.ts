import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Json } from './stand-in-answer.ts'

const DEPLOY = fileURLToPath(new URL('../../../deploy/', import.meta.url))

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A copy of the script in a folder of its own, above a small dashboard and few rules. */
export class Setup {
  readonly folder = mkdtempSync(join(tmpdir(), 'forewarm-grafana-'))
  /** The script is run here: backups end up in this folder. */
  readonly cwd = join(this.folder, 'cwd')
  readonly script = join(this.folder, 'grafana/setup-grafana.sh')
  alerting: Json = structuredClone(ALERTING)
  env: Record<string, string> = {}

  constructor() {
    mkdirSync(this.cwd)
    cpSync(join(DEPLOY, 'grafana/setup-grafana.sh'), this.script)
    for (const part of ['alerting.sh', 'grafana.jq'])
      cpSync(join(DEPLOY, 'grafana/setup', part), join(this.folder, 'grafana/setup', part))
    this.write('grafana/dashboards/warming-infrastructure.json', JSON.stringify(DASHBOARD))
    this.write('prometheus/rules.yml', RULES)
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true })
    writeFileSync(join(this.folder, path), text)
  }

  run(...options: string[]): Promise<Outcome> {
    this.write('grafana/setup/alerting.json', JSON.stringify(this.alerting))
    const env = { PATH: process.env.PATH ?? '', HOME: this.cwd, ...this.env }
    return new Promise((resolve) => {
      execFile(this.script, options, { cwd: this.cwd, env }, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), out, err })
      })
    })
  }

  /** Programs that note what they were called with, before they do what they are for. */
  watchArguments(...programs: string[]): () => string {
    const log = join(this.folder, 'arguments')
    for (const program of programs) {
      this.write(`bin/${program}`, `#!/bin/sh\nprintf '%s\\n' "$@" >>'${log}'\nPATH=\${PATH#*:} exec ${program} "$@"\n`)
      execFile('chmod', ['+x', join(this.folder, 'bin', program)])
    }
    this.env.PATH = `${join(this.folder, 'bin')}:${process.env.PATH}`
    return () => readFileSync(log, 'utf8')
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const DASHBOARD = {
  uid: 'warming-infrastructure',
  title: 'Warming infrastructure',
  templating: { list: [{ name: 'DS_PROMETHEUS', type: 'datasource', query: 'prometheus' }] },
  panels: [{ type: 'stat', datasource: { uid: 'prometheus' } }],
}

const RULES = `groups:
  - name: critical
    rules:
      - alert: Slow
        expr: up == 0
        for: 5m
`

function rule(uid: string, title: string, expr: string): Json {
  return {
    ...{ uid, title, condition: 'B', noDataState: 'OK', execErrState: 'Error', for: '5m', keep_firing_for: '5m' },
    labels: { severity: 'critical', component: 'warming' },
    annotations: { summary: `${title} on {{ $labels.chain }}` },
    data: [
      { refId: 'A', datasourceUid: 'prometheus', relativeTimeRange: { from: 600, to: 0 }, model: { refId: 'A', expr } },
      { refId: 'B', datasourceUid: '__expr__', model: { refId: 'B', type: 'math', expression: '$A > 0' } },
    ],
  }
}

/** A variable of the environment, as the script knows it. */
const variable = (name: string): string => `\${${name}}`

const severity = (is: string, receiver: string): Json => ({
  ...{ receiver, object_matchers: [['severity', '=', is]], group_by: ['alertname', 'chain'] },
  ...{ group_wait: '30s', group_interval: '5m', repeat_interval: '4h' },
})

const ALERTING = {
  groups: [
    { title: 'warming critical', interval: 60, rules: [rule('slow', 'Slow', 'a > 1'), rule('errors', 'Errors', 'b')] },
    { title: 'warming info', interval: 60, rules: [rule('quiet', 'Quiet', 'c < 1')] },
  ],
  contactPoints: [
    {
      ...{ uid: 'warming-pagerduty', name: 'pagerduty-critical', type: 'pagerduty' },
      settings: { integrationKey: variable('PAGERDUTY_SERVICE_KEY'), severity: 'critical' },
    },
    {
      ...{ uid: 'warming-slack', name: 'slack-warnings', type: 'slack' },
      settings: { url: variable('SLACK_WEBHOOK_URL'), recipient: '#warming-alerts' },
    },
  ],
  policy: {
    object_matchers: [['component', '=', 'warming']],
    routes: [severity('critical', 'pagerduty-critical'), severity('warning', 'slack-warnings')],
  },
}
