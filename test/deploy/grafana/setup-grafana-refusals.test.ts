import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { Setup } from './setup.ts'
import { ALL_ACTIONS, GrafanaStandIn } from './stand-in.ts'

let grafana: GrafanaStandIn
let setup: Setup
let url: string

beforeEach(async () => {
  grafana = new GrafanaStandIn()
  url = await grafana.start()
  setup = new Setup()
  setup.env = {
    ...{ GRAFANA_URL: url, GRAFANA_API_KEY: grafana.token, PROMETHEUS_UID: 'prom' },
    ...{ PAGERDUTY_SERVICE_KEY: 'pd-secret', SLACK_WEBHOOK_URL: 'https://hooks.invalid/slack-secret' },
  }
})
afterEach(async () => {
  await grafana.close()
  setup.remove()
})

const refusals: readonly (readonly [what: string, change: () => void, said: string])[] = [
  ['a wrong token', () => (setup.env.GRAFANA_API_KEY = 'glsa_wrong'), 'does not accept the token (401)'],
  ['Grafana 8', () => (grafana.version = '8.5.27'), 'This is Grafana 8.5.27; 9 or newer is needed.'],
  ['a database that is down', () => (grafana.database = 'failing'), '503'],
  ['a missing data source', () => (setup.env.PROMETHEUS_UID = 'gone'), 'no data source with the uid gone'],
  ['a data source of another type', () => (grafana.sources = [{ uid: 'prom', type: 'loki' }]), 'not Prometheus'],
  [
    'missing rights',
    () => (grafana.actions = ALL_ACTIONS.filter((action) => action !== 'alert.provisioning:write')),
    'The token lacks rights: alert.provisioning:write.',
  ],
  [
    'two data sources and no choice',
    () => {
      grafana.sources.push({ uid: 'second', name: 'Other', type: 'prometheus' })
      delete setup.env.PROMETHEUS_UID
    },
    'prom (Prometheus), second (Other)',
  ],
]

describe('nothing is written at', () => {
  test.each(refusals)('%s', async (_what, change, said) => {
    change()
    const { code, err } = await setup.run()
    expect([code, grafana.writes]).toEqual([1, []])
    expect(err).toContain(said)
    expect(err.trim().split('\n')).toHaveLength(1)
  })

  test('rules that promtool refuses', async () => {
    setup.write('prometheus/rules.yml', 'groups: [{ name: a, rules: [{ alert: b, expr: "sum(" }] }]')
    const { code, err } = await setup.run()
    expect([code, grafana.requests]).toEqual([1, []])
    expect(err).toContain('promtool refuses the rules; nothing was changed.')
  })

  test('an address where nobody is', async () => {
    await grafana.close()
    const { code, err } = await setup.run()
    expect(code).toBe(1)
    expect(err).toContain('Grafana did not answer GET /api/health')
  })
})

test('a version that Grafana hides from strangers is asked for with the token', async () => {
  grafana.version = undefined
  expect((await setup.run()).out).toContain('version 13.1.2')
})

test.each(['POST /api/folders', 'POST /api/dashboards/db', 'PUT rule-groups/warming info', 'PUT policies'])(
  'a run that the network ends at %s says so, and the next one completes it',
  async (where) => {
    const [method, path = ''] = where.split(/ (.*)/)
    grafana.before = (request) => (request.startsWith(`${method} `) && request.endsWith(path) ? 'cut' : undefined)
    const first = await setup.run()
    expect(first.code).toBe(1)
    expect(first.err).toContain('What was done stays; run this again.')
    grafana.before = () => undefined
    expect((await setup.run()).code).toBe(0)
    expect(grafana.folders).toHaveLength(1)
    expect(grafana.alerting.rules).toHaveLength(3)
    expect(grafana.alerting.contacts).toHaveLength(3)
  },
)

test('a dashboard that somebody saves at the same moment is not overwritten', async () => {
  await setup.run()
  setup.write('grafana/dashboards/warming-infrastructure.json', '{"uid":"warming-infrastructure","title":"new"}')
  grafana.before = (request) => {
    const stored = grafana.dashboards.get('warming-infrastructure')
    if (request === 'POST /api/dashboards/db' && stored !== undefined)
      grafana.dashboards.set('warming-infrastructure', { ...stored, model: { title: 'Mine', version: 9 } })
    return undefined
  }
  const { code, out } = await setup.run()
  expect(code).toBe(3)
  expect(out).toContain('was changed by somebody at this moment; run this again')
  expect(grafana.dashboards.get('warming-infrastructure')?.model.title).toBe('Mine')
})

test('a right that is taken away in the middle ends the run with its name', async () => {
  grafana.before = (request) => {
    if (request.startsWith('POST /api/dashboards')) grafana.actions = []
    return undefined
  }
  const { code, err } = await setup.run()
  expect(code).toBe(1)
  expect(err).toContain('(403)')
  expect(err).toContain('dashboards:write')
})

test('secrets are neither in arguments of programs nor in what is printed', async () => {
  const seen = setup.watchArguments('curl', 'jq')
  const { code, out, err } = await setup.run()
  expect(code).toBe(0)
  expect(seen()).toContain('--config')
  for (const secret of ['glsa_right', 'pd-secret', 'slack-secret']) expect(seen() + out + err).not.toContain(secret)
})

test('the dry run prints the plan, needs neither address nor token, and sends nothing', async () => {
  const { code, out } = await setup.run('--dry-run')
  expect(code).toBe(0)
  expect(out).toContain('rule group warming critical: 2 rules')
  expect(out).toContain('Nothing was sent.')
  setup.env = {}
  const bare = await setup.run('--dry-run')
  expect(bare.code).toBe(0)
  expect(bare.out).toContain('contact point slack-warnings is not made')
  expect([grafana.requests, readdirSync(setup.cwd)]).toEqual([[], []])
})

test('colours are for terminals alone', async () => {
  const { script, folder } = setup
  expect((await setup.run('--dry-run')).out).not.toContain('\u001b')
  const options = { env: { PATH: process.env.PATH ?? '', TERM: 'xterm' }, encoding: 'utf8' } as const
  const onTerminal = (command: string): string =>
    spawnSync('script', ['-qec', command, `${folder}/typescript`], options).stdout
  expect(onTerminal(`${script} --dry-run`)).toContain('\u001b[1mPlan')
  expect(onTerminal(`NO_COLOR=1 ${script} --dry-run`)).not.toContain('\u001b')
})

test.each([
  [['--grafana-url'], '--grafana-url needs a value.'],
  [['--speed', '9'], 'There is no option --speed.'],
  [['--grafana-url=ftp://a'], 'must begin with http:// or https://'],
  [['--grafana-url=http://me:pw@localhost'], 'give a token instead'],
  [['--api-key', 'a"b'], 'characters that no token has'],
  [['--folder='], '--folder needs a title.'],
])('the options %s are refused in one sentence', async (options, said) => {
  const { code, err } = await setup.run(...options)
  expect([code, grafana.requests]).toEqual([2, []])
  expect(err).toContain(said)
})

test('shellcheck finds nothing', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url))
  const files = ['deploy/grafana/setup-grafana.sh', 'deploy/grafana/setup/alerting.sh']
  expect(execFileSync('shellcheck', ['-x', ...files], { cwd: root, encoding: 'utf8' })).toBe('')
})
