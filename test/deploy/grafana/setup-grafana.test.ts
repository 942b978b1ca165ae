import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { Setup } from './setup.ts'
import { GrafanaStandIn } from './stand-in.ts'
import type { Json } from './stand-in-answer.ts'

let grafana: GrafanaStandIn
let setup: Setup
let url: string

beforeEach(async () => {
  grafana = new GrafanaStandIn()
  url = await grafana.start()
  setup = new Setup()
  setup.env = { GRAFANA_URL: url, GRAFANA_API_KEY: grafana.token, PROMETHEUS_UID: 'prom', ...KEYS }
})
afterEach(async () => {
  await grafana.close()
  setup.remove()
})

const KEYS = { PAGERDUTY_SERVICE_KEY: 'pd-secret', SLACK_WEBHOOK_URL: 'https://hooks.invalid/slack-secret' }
const rules = (): Map<string, Json> => new Map(grafana.alerting.rules.map((rule) => [rule.uid, rule]))
const backups = (): string[] => readdirSync(setup.cwd).filter((name) => name.startsWith('grafana-policies-'))
const branches = (): Json[] => grafana.alerting.policies.routes as Json[]

test('everything is set up, reading from the given data source, and the address of the dashboard is told', async () => {
  const { code, out, err } = await setup.run()
  expect([code, err]).toEqual([0, ''])
  expect(out).toContain(`${url}/d/warming-infrastructure/warming`)
  expect(out).toContain('All is in place.')
  const dashboard = grafana.dashboards.get('warming-infrastructure')
  expect(dashboard?.folderUid).toBe('folder-1')
  expect(grafana.folders).toEqual([{ uid: 'folder-1', title: 'Warming' }])
  expect(dashboard?.model.templating).toMatchObject({
    list: [{ current: { text: 'Prometheus', value: 'prom' } }],
  })
  expect([...rules().keys()]).toEqual(['slow', 'errors', 'quiet'])
  expect(rules().get('slow')?.data).toMatchObject([{ datasourceUid: 'prom' }, { datasourceUid: '__expr__' }])
  expect(grafana.alerting.contacts.slice(1).map(({ settings }) => settings)).toEqual([
    { integrationKey: 'pd-secret', severity: 'critical' },
    { url: KEYS.SLACK_WEBHOOK_URL, recipient: '#warming-alerts' },
  ])
  expect(branches()).toMatchObject([{ routes: [{ receiver: 'pagerduty-critical' }, { receiver: 'slack-warnings' }] }])
})

test('the rules, contact points and policies of the repository are taken as they are, and a second run sees no changes', async () => {
  const file = new URL('../../../deploy/grafana/setup/alerting.json', import.meta.url)
  setup.alerting = JSON.parse(readFileSync(file, 'utf8'))
  const first = await setup.run()
  expect([first.code, first.err]).toEqual([0, ''])
  expect(grafana.alerting.rules.length).toBeGreaterThan(15)
  expect(branches()).toMatchObject([{ routes: [{ receiver: 'pagerduty-critical' }, {}, {}] }])
  grafana.requests.length = 0
  expect((await setup.run()).code).toBe(0)
  expect(grafana.writes.filter((write) => !write.includes('/contact-points/'))).toEqual([])
})

test('what is set up can be changed in Grafana: nothing has a provenance', async () => {
  await setup.run()
  expect([...rules().values()].map(({ provenance }) => provenance)).toEqual(['', '', ''])
})

test('a second run changes nothing but gives the keys again', async () => {
  await setup.run()
  grafana.requests.length = 0
  const { code } = await setup.run()
  expect(code).toBe(0)
  expect(grafana.writes.filter((write) => !write.includes('/contact-points/'))).toEqual([])
  expect(backups()).toHaveLength(1)
})

test('an old Grafana that does not keep keep_firing_for sees no changes either', async () => {
  grafana.alerting.knowsKeepFiring = false
  await setup.run()
  grafana.requests.length = 0
  expect((await setup.run()).code).toBe(0)
  expect(grafana.writes.filter((write) => write.includes('rule-groups'))).toEqual([])
})

test('rules of a new release replace those of the one before, and those that it lacks go', async () => {
  await setup.run()
  const [group] = setup.alerting.groups as { rules: { for: string }[] }[]
  group?.rules.splice(1, 1)
  if (group?.rules[0] !== undefined) group.rules[0].for = '10m'
  const { code, out } = await setup.run()
  expect(code).toBe(0)
  expect(out).toContain('rule Errors, of an earlier release, is gone')
  expect([...rules().keys()]).toEqual(['quiet', 'slow'])
  expect(rules().get('slow')?.for).toBe('10m')
})

test('what somebody changed by hand stays and is told, until --overwrite', async () => {
  await setup.run()
  changeAllByHand()
  const kept = await setup.run()
  expect(kept.code).toBe(3)
  for (const told of ['rule Slow was changed', 'slack-warnings was changed', 'component=warming was changed'])
    expect(kept.out).toContain(told)
  expect(kept.out).toMatch(/Dashboard warming-infrastructure\n {2}left {2}was changed/)
  expect(rules().get('slow')?.for).toBe('1h')
  const overwritten = await setup.run('--overwrite')
  expect([overwritten.code, overwritten.err]).toEqual([0, ''])
  expect(rules().get('slow')?.for).toBe('5m')
  expect(grafana.alerting.contacts[2]).toMatchObject({ settings: { recipient: '#warming-alerts' } })
  expect(grafana.dashboards.get('warming-infrastructure')?.model.title).toBe('Warming infrastructure')
  expect(branches()).toMatchObject([{ routes: [{ repeat_interval: '4h' }, {}] }])
})

function changeAllByHand(): void {
  const dashboard = grafana.dashboards.get('warming-infrastructure')
  if (dashboard === undefined) throw new Error('no dashboard')
  grafana.dashboards.set('warming-infrastructure', {
    ...dashboard,
    model: { ...dashboard.model, title: 'Mine', version: 2 },
    messages: [...dashboard.messages, ''],
  })
  for (const rule of grafana.alerting.rules) if (rule.uid === 'slow') rule.for = '1h'
  const slack = grafana.alerting.contacts[2] as { settings: Json }
  slack.settings.recipient = '#mine'
  const [critical] = (branches()[0]?.routes ?? []) as Json[]
  if (critical !== undefined) critical.repeat_interval = '1h'
}

test('a rule that somebody added to a group of ours stays when the group is written', async () => {
  await setup.run()
  const slow = rules().get('slow')
  grafana.alerting.rules.push({ ...(slow as (typeof grafana.alerting.rules)[number]), uid: 'mine', title: 'Mine' })
  const [group] = setup.alerting.groups as { rules: { for: string }[] }[]
  if (group?.rules[0] !== undefined) group.rules[0].for = '10m'
  expect((await setup.run()).code).toBe(0)
  expect([...rules().keys()].sort()).toEqual(['errors', 'mine', 'quiet', 'slow'])
})

test('a group that is evaluated at another interval by hand keeps it, until --overwrite', async () => {
  await setup.run()
  grafana.alerting.intervals.set('folder-1/warming info', 300)
  const { code, out } = await setup.run()
  expect(code).toBe(3)
  expect(out).toContain('warming info is evaluated every 300 s, not every 60 s')
  expect((await setup.run('--overwrite')).code).toBe(0)
  expect(grafana.alerting.intervals.get('folder-1/warming info')).toBe(60)
})

test('a group that another tool takes over at the same moment is left, and the rest is done', async () => {
  await setup.run()
  for (const { rules: all } of setup.alerting.groups as { rules: Json[] }[]) for (const rule of all) rule.for = '10m'
  grafana.before = (request) => {
    if (request.endsWith('warming critical') && request.startsWith('PUT'))
      for (const rule of grafana.alerting.rules) if (rule.uid === 'slow') rule.provenance = 'api'
    return undefined
  }
  const { code, out } = await setup.run()
  expect(code).toBe(3)
  expect(out).toContain('group warming critical was changed by somebody at this moment')
  expect([rules().get('slow')?.for, rules().get('quiet')?.for]).toEqual(['5m', '10m'])
})

test('the address of the dashboard is right where Grafana is below a path', async () => {
  grafana.prefix = '/tools/grafana'
  setup.env.GRAFANA_URL = `${url}/tools/grafana/`
  const first = await setup.run()
  expect(first.code).toBe(0)
  expect(first.out).toContain(`imported: ${url}/tools/grafana/d/warming-infrastructure/warming\n`)
})

test('a rule that was moved to another folder stays there, until --overwrite', async () => {
  await setup.run()
  grafana.folders.push({ uid: 'other', title: 'Other' })
  for (const rule of grafana.alerting.rules) if (rule.uid === 'slow') rule.folderUID = 'other'
  const { code, out } = await setup.run()
  expect(code).toBe(3)
  expect(out).toContain('rule Slow was moved to another folder')
  expect(rules().get('slow')?.folderUID).toBe('other')
  expect((await setup.run('--overwrite')).code).toBe(0)
  expect(rules().get('slow')?.folderUID).toBe('folder-1')
})

test('the notification policies of others stay as they are, and a backup holds the tree before', async () => {
  const theirs = { receiver: 'email receiver', object_matchers: [['team', '=', 'a']], continue: false }
  const before = { receiver: 'email receiver', group_by: ['alertname'], routes: [theirs], repeat_interval: '1d' }
  grafana.alerting.policies = before
  await setup.run()
  expect(grafana.alerting.policies).toMatchObject({ ...before, routes: [{ routes: [{}, {}] }, theirs] })
  const [backup] = backups()
  expect(JSON.parse(readFileSync(join(setup.cwd, backup ?? ''), 'utf8'))).toEqual(before)
})

test('without keys neither contact points nor policies are touched; a key that comes later adds its own', async () => {
  setup.env.PAGERDUTY_SERVICE_KEY = ''
  setup.env.SLACK_WEBHOOK_URL = ''
  const without = await setup.run()
  expect(without.code).toBe(0)
  expect(without.out).toContain('slack-warnings is not made: its key is not given')
  expect(grafana.writes.filter((write) => /contact-points|policies/.test(write))).toEqual([])
  setup.env.SLACK_WEBHOOK_URL = KEYS.SLACK_WEBHOOK_URL
  await setup.run()
  expect(branches()).toMatchObject([{ routes: [{ receiver: 'slack-warnings' }] }])
  setup.env.PAGERDUTY_SERVICE_KEY = KEYS.PAGERDUTY_SERVICE_KEY
  expect((await setup.run()).code).toBe(0)
  expect(branches()).toMatchObject([{ routes: [{ receiver: 'pagerduty-critical' }, { receiver: 'slack-warnings' }] }])
})

test('a contact point of the same name that others made is used as it is', async () => {
  const theirs = { uid: 'theirs', name: 'slack-warnings', type: 'slack', settings: { url: 'x', recipient: '#ops' } }
  grafana.alerting.contacts.push(theirs)
  const { code, out } = await setup.run()
  expect(code).toBe(0)
  expect(out).toContain('slack-warnings is there, made by somebody else')
  expect(grafana.alerting.contacts.filter(({ name }) => name === 'slack-warnings')).toEqual([theirs])
})

test.each(['file', 'api'])(
  'what has the provenance %s is left to whom it belongs, even with --overwrite',
  async (by) => {
    await setup.run()
    for (const rule of grafana.alerting.rules) rule.provenance = by
    for (const contact of grafana.alerting.contacts) contact.provenance = by
    grafana.alerting.policies = { receiver: 'email receiver', provenance: by }
    grafana.requests.length = 0
    const { code, out } = await setup.run('--overwrite')
    expect(code).toBe(3)
    expect(out).toContain('rule Slow comes from a file or another tool')
    expect(grafana.writes).toEqual([])
  },
)

test('a dashboard that a file provisions is left to the file', async () => {
  await setup.run()
  const stored = grafana.dashboards.get('warming-infrastructure')
  if (stored !== undefined) grafana.dashboards.set('warming-infrastructure', { ...stored, provisioned: true })
  const { code, out } = await setup.run('--overwrite')
  expect(code).toBe(3)
  expect(out).toContain("comes from a file of Grafana's provisioning")
})

test('the folder with that title is used, and the only Prometheus if no data source is named', async () => {
  grafana.folders = [{ uid: 'ops', title: 'Ops & more' }]
  delete setup.env.PROMETHEUS_UID
  expect((await setup.run('--folder', 'Ops & more')).code).toBe(0)
  expect(grafana.folders).toHaveLength(1)
  expect(grafana.dashboards.get('warming-infrastructure')?.folderUid).toBe('ops')
})
