import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { alertingOf } from './api-form.ts'

const FOLDER = new URL('../../../deploy/grafana/', import.meta.url)

const FILE = `
apiVersion: 1
groups:
  - { orgId: 1, name: critical, folder: Warming, interval: 1m30s, rules: [{ uid: slow, keepFiringFor: 5m, annotations: { summary: "on {{ $$labels.chain }}" } }] }
contactPoints:
  - { name: slack-info, receivers: [{ uid: info, type: slack, settings: { url: $SLACK_WEBHOOK_URL, recipient: "#info" } }] }
`
const flat = `
policies:
  - receiver: default
    routes:
      - { receiver: slack-info, matchers: ['component = warming', 'severity=~"info|capacity"'], group_wait: 5m }
`
const nested = `
policies:
  - receiver: default
    routes:
      - object_matchers: [[component, "=", warming]]
        routes: [{ receiver: slack-info, object_matchers: [[severity, "=~", info|capacity]], group_wait: 5m }]
`

test('rules and contact points of files get the form of the API', () => {
  const { groups, contactPoints } = alertingOf([parse(FILE)])
  const rules = [{ uid: 'slow', keep_firing_for: '5m', annotations: { summary: 'on {{ $labels.chain }}' } }]
  expect(groups).toEqual([{ title: 'critical', interval: 90, rules }])
  const settings = { url: `\${SLACK_WEBHOOK_URL}`, recipient: '#info' }
  expect(contactPoints).toEqual([{ uid: 'info', name: 'slack-info', type: 'slack', settings }])
})

test.each([flat, nested])('policies become one branch for alerts of warming', (file) => {
  expect(alertingOf([parse(file)]).policy).toEqual({
    object_matchers: [['component', '=', 'warming']],
    routes: [{ receiver: 'slack-info', object_matchers: [['severity', '=~', 'info|capacity']], group_wait: '5m' }],
  })
})

test('what the script sets up is what the files provision', () => {
  const folder = new URL('alerting/', FOLDER)
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.yaml')) : []
  const documents = names.sort().map((name) => parse(readFileSync(new URL(name, folder), 'utf8')))
  const alerting = alertingOf(documents)
  const file = new URL('setup/alerting.json', FOLDER)
  if (process.env.UPDATE_DOCS !== undefined) writeFileSync(file, `${JSON.stringify(alerting, undefined, 2)}\n`)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(alerting)
})
