import type { Severity } from './alert.ts'

interface Route {
  readonly receiver: string
  readonly severities: readonly Severity[]
  readonly wait: string
  readonly interval: string
  readonly repeat: string
}

/** Who is told of which alerts, and how often. */
export const ROUTES: readonly Route[] = [
  { receiver: 'pagerduty-critical', severities: ['critical'], wait: '30s', interval: '5m', repeat: '4h' },
  { receiver: 'slack-warnings', severities: ['warning'], wait: '1m', interval: '10m', repeat: '12h' },
  { receiver: 'slack-info', severities: ['info', 'capacity'], wait: '5m', interval: '30m', repeat: '24h' },
]

const GROUP_BY = ['alertname', 'chain']
const CHANNELS = { 'slack-warnings': '#warming-alerts', 'slack-info': '#warming-info' }
const TITLE = '{{ .GroupLabels.alertname }} {{ .GroupLabels.chain }}'
const TEXT = '{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.runbook_url }}\n{{ end }}'

/** Alertmanager's configuration. Keys stand in files of their own, so that they are in no repository. */
export function alertmanagerConfig() {
  const slack = Object.entries(CHANNELS).map(([name, channel]) => ({
    name,
    slack_configs: [
      {
        api_url_file: '/etc/alertmanager/secrets/slack-webhook-url',
        channel,
        title: TITLE,
        text: TEXT,
        send_resolved: true,
      },
    ],
  }))
  const pagerduty = {
    name: 'pagerduty-critical',
    pagerduty_configs: [{ routing_key_file: '/etc/alertmanager/secrets/pagerduty-service-key', description: TITLE }],
  }
  return {
    route: {
      receiver: 'nobody',
      group_by: GROUP_BY,
      routes: [
        {
          receiver: 'slack-info',
          matchers: ['component="warming"'],
          routes: ROUTES.map(({ receiver, severities, wait, interval, repeat }) => ({
            receiver,
            matchers: [`severity=~"${severities.join('|')}"`],
            group_by: GROUP_BY,
            group_wait: wait,
            group_interval: interval,
            repeat_interval: repeat,
          })),
        },
      ],
    },
    receivers: [{ name: 'nobody' }, pagerduty, ...slack],
  }
}

/** The branch of Grafana's notification policies, and the contact points that it names. */
export function grafanaPolicies() {
  const routes = ROUTES.map(({ receiver, severities, wait, interval, repeat }) => ({
    receiver,
    object_matchers: [
      ['component', '=', 'warming'],
      ['severity', '=~', severities.join('|')],
    ],
    group_by: GROUP_BY,
    group_wait: wait,
    group_interval: interval,
    repeat_interval: repeat,
  }))
  return { apiVersion: 1, policies: [{ orgId: 1, receiver: 'slack-info', group_by: GROUP_BY, routes }] }
}

export function grafanaContactPoints() {
  const slack = Object.entries(CHANNELS).map(([name, recipient]) => ({
    orgId: 1,
    name,
    receivers: [
      {
        uid: name,
        type: 'slack',
        settings: { url: '$SLACK_WEBHOOK_URL', recipient, title: '{{ .GroupLabels.alertname }}' },
      },
    ],
  }))
  const pagerduty = {
    orgId: 1,
    name: 'pagerduty-critical',
    receivers: [
      { uid: 'pagerduty-critical', type: 'pagerduty', settings: { integrationKey: '$PAGERDUTY_SERVICE_KEY' } },
    ],
  }
  return { apiVersion: 1, contactPoints: [pagerduty, ...slack] }
}
