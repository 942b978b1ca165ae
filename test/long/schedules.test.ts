import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { parseScheduleRun, runSetting } from '../../schemas/control/schedule-run.ts'
import { parseWarmRequest } from '../../schemas/warm-request.ts'
import { parseWarmResult } from '../../schemas/warm-result.ts'
import type { Overrides } from '../../src/config/settings.ts'
import { parseTaskId } from '../../src/tasks/task-id.ts'
import type { Seen } from '../broker/conformance/stage.ts'
import { kafkaBrokers, redisUrl } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'
import { onKafka } from '../node/kafka-stage.ts'
import { type Stage, topicNames, updateOf } from '../node/stage.ts'

const CHILD = fileURLToPath(new URL('./scheduled-node.ts', import.meta.url))
const MINUTE_MS = 60_000
const SESSION_MS = 3_000
const MINUTELY = { enabled: true, own: { minutely: { strategy: 'popular', every: '1m' } } } as const
const OFF = { enabled: false }
const NO_OTHERS = {
  ...{ startUp: OFF, popular: OFF, timeOfDay: OFF, trending: OFF, sectorRotation: OFF, preMarket: OFF, sessions: OFF },
}

interface Child {
  readonly process: ChildProcess
  readonly id: string
  readonly port: number
}

async function startChild(stage: Stage): Promise<Child> {
  const config: Overrides = {
    kafka: { brokers: kafkaBrokers(), priceTopics: [stage.topic], ...topicNames(stage), sessionTimeoutMs: SESSION_MS },
    node: { service: stage.service },
    warming: { rollout: 'full', controlShare: 0 },
    cache: { redisUrls: [redisUrl()], l1Slots: 1_000, maxPairs: 10_000 },
    http: { port: 0 },
    schedules: { ...MINUTELY, ...NO_OTHERS },
  }
  const process = fork(CHILD, [JSON.stringify(config)], { execArgv: ['--disable-warning=ExperimentalWarning'] })
  const [{ id, port }] = await once(process, 'message')
  return { process, id, port }
}

async function isLeading({ process, port }: Child): Promise<boolean> {
  if (process.signalCode !== null) return false
  const signal = AbortSignal.timeout(1_000)
  const response = await fetch(`http://127.0.0.1:${port}/warming/status`, { signal }).catch(() => undefined)
  return ((await response?.json()) as { readonly leading?: boolean } | undefined)?.leading === true
}

async function leaderOf(children: readonly Child[]): Promise<Child> {
  return until('one leads', async () => {
    const leading = await Promise.all(children.map(isLeading))
    return leading.filter(Boolean).length === 1 ? children[leading.indexOf(true)] : undefined
  }) as Promise<Child>
}

async function kill(child: Child): Promise<void> {
  const ended = once(child.process, 'exit')
  child.process.kill('SIGKILL')
  await ended
}

const nextMinute = () => Math.ceil((Date.now() + 5_000) / MINUTE_MS) * MINUTE_MS

const PATIENCE = { timeoutMs: 90_000 }
const comes = (atMs: number) => until(new Date(atMs).toISOString(), () => Date.now() >= atMs, PATIENCE)

/** Each pair is read by the node that gets its updates. */
async function feed(stage: Stage): Promise<void> {
  const chains = Array.from({ length: 12 }, (_, at) => `c${at}`)
  for (let round = 0; round < 5; round++) await stage.produce(...chains.map((chain) => updateOf('P', { chain })))
}

function scheduledMsOf(requestId: string): number {
  return parseTaskId(requestId.split('.').slice(0, 2).join('.'))?.madeAtMs ?? 0
}

/** The runs whose requests are in Kafka, with the tasks of each. */
function tasksByRun(requests: readonly Seen[]): ReadonlyMap<number, ReadonlySet<string>> {
  const runs = new Map<number, Set<string>>()
  for (const { value } of requests) {
    const parsed = parseWarmRequest(Buffer.from(value ?? ''))
    if (!parsed.ok || parsed.value.origin !== 'schedule') continue
    const { requestId } = parsed.value
    const atMs = scheduledMsOf(requestId)
    runs.set(atMs, (runs.get(atMs) ?? new Set()).add(requestId.split('.').slice(0, 2).join('.')))
  }
  return runs
}

function statesOf(control: readonly Seen[], scheduledMs: number): readonly string[] {
  return control.flatMap(({ key, value }) => {
    const parsed = parseScheduleRun(Buffer.from(value ?? ''))
    const isOurs = key?.toString().endsWith(runSetting('scheduled', 'minutely')) === true
    return isOurs && parsed.ok && parsed.value.scheduledMs === scheduledMs
      ? [`${parsed.value.state} ${parsed.value.by}`]
      : []
  })
}

interface Scene {
  readonly stage: Stage
  readonly children: readonly Child[]
  readonly leader: Child
  readonly requests: readonly Seen[]
  readonly results: readonly Seen[]
  readonly control: readonly Seen[]
}

/** Three nodes in processes of their own, one of which leads. Each has read pairs. */
async function onNodes(body: (scene: Scene) => Promise<void>): Promise<void> {
  await onKafka({ partitions: 3 }, async (stage) => {
    const children = await Promise.all([startChild(stage), startChild(stage), startChild(stage)])
    try {
      const requests = await stage.watch(stage.topics.warmRequests)
      const results = await stage.watch(stage.topics.warmResults)
      const control = await stage.watch(stage.topics.control, 'earliest')
      const leader = await leaderOf(children)
      await feed(stage)
      await body({ stage, children, leader, requests, results, control })
    } finally {
      const alive = children.filter(({ process: { exitCode, signalCode } }) => exitCode === null && signalCode === null)
      for (const child of alive) await kill(child)
    }
  })
}

/** The runs from the first of these on have one task each, and no node has carried a request out twice. */
function areMadeOnce({ requests, results }: Scene, scheduled: readonly number[]): void {
  const runs = [...tasksByRun(requests)].filter(([atMs]) => atMs >= (scheduled[0] ?? 0))
  const counts = runs.map(([atMs, tasks]): [number, number] => [atMs, tasks.size])
  expect(counts.toSorted(([a], [b]) => a - b)).toEqual(scheduled.map((atMs) => [atMs, 1]))
  const answered = resultsOf(results).map(String)
  expect(new Set(answered).size).toBe(answered.length)
}

test('of three nodes whose leader is killed twice around a run, each run is made once: none doubled, none lost', () =>
  onNodes(async (scene) => {
    const { children, leader: first, results, control } = scene
    const has = (scheduledMs: number, state: string) => () =>
      statesOf(control, scheduledMs).some((each) => each.startsWith(state))
    // Killed a second before the run: nobody leads at its time.
    const firstMs = nextMinute()
    await comes(firstMs - 1_000)
    await kill(first)
    await until('the run is made up', has(firstMs, 'done'))
    const second = await leaderOf(children)
    expect(second.id).not.toBe(first.id)
    await until('its requests are answered', () => resultsOf(results).some(([, node]) => node === second.id))
    // Killed as soon as it has begun.
    const secondMs = firstMs + MINUTE_MS
    await until('it has begun', has(secondMs, 'begun'), PATIENCE)
    await kill(second)
    const third = await leaderOf(children)
    await until('the run is done', has(secondMs, 'done'))
    expect(third.id).not.toBe(second.id)
    areMadeOnce(scene, [firstMs, secondMs])
  }))

test('a leader that was stopped over a run does not make it again when it goes on', () =>
  onNodes(async (scene) => {
    const { children, leader, control } = scene
    const runMs = nextMinute()
    await comes(runMs - 1_000)
    leader.process.kill('SIGSTOP')
    await until('another has made the run', () => statesOf(control, runMs).some((state) => state.startsWith('done')))
    leader.process.kill('SIGCONT')
    const next = await leaderOf(children)
    expect(next.id).not.toBe(leader.id)
    await until('the next run is made', () => statesOf(control, runMs + MINUTE_MS).length >= 2, PATIENCE)
    expect(statesOf(control, runMs).filter((state) => state.endsWith(leader.id))).toEqual([])
    areMadeOnce(scene, [runMs, runMs + MINUTE_MS])
  }))

function resultsOf(results: readonly Seen[]): readonly (readonly [requestId: string, node: string])[] {
  return results.flatMap(({ value }) => {
    const parsed = parseWarmResult(Buffer.from(value ?? ''))
    if (!parsed.ok || !/^[^.]+(\.\d+){0,2}$/.test(parsed.value.requestId)) return []
    const { requestId, node } = parsed.value
    return scheduledMsOf(requestId) % MINUTE_MS === 0 && scheduledMsOf(requestId) > 0
      ? [[requestId, node] as const]
      : []
  })
}
